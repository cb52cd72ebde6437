//! A query, looked up: where the postings of its terms lie, and what each is worth.

use std::sync::Arc;

use canter_ranking::query::{Shape, weight};
use canter_ranking::terms::QueryTerms;
use tantivy::postings::SegmentPostings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, SegmentReader, Term};

use super::bm25::Bm25;
use super::entry::Fields;
use super::postings::Postings;
use super::sizes::{Measured, Size};

/// A query, ready for each segment.
pub(super) struct Asked {
    pub(super) body: Field,
    /// What is looked for in the body of pages.
    pub(super) wanted: Vec<Wanted>,
    /// Places of two words in `wanted`, and what their standing together is worth.
    pub(super) pairs: Vec<(usize, usize, Bm25)>,
    /// What is looked for in other fields.
    pub(super) others: Vec<(Arc<Postings>, Bm25)>,
    /// Pages that bear the query as a name.
    name: Option<Arc<Postings>>,
}

/// A term that is looked for in the body of pages.
pub(super) struct Wanted {
    word: String,
    postings: Arc<Postings>,
    pub(super) bm25: Bm25,
    /// Where the term is a word.
    pub(super) in_sections: Option<Bm25>,
}

impl Asked {
    pub(super) fn new(
        searcher: &Searcher,
        fields: &Fields,
        measured: &Measured,
        terms: &QueryTerms,
    ) -> tantivy::Result<Self> {
        let sizes = measured.sizes(searcher, fields)?;
        let mut asked = Asked {
            body: fields.body,
            wanted: Vec::new(),
            pairs: Vec::new(),
            others: Vec::new(),
            name: None,
        };
        for word in &terms.body {
            let term = Term::from_field_text(fields.body, word);
            let Some(postings) = measured.postings(searcher, term)? else {
                continue;
            };
            let in_sections = match terms.words.contains(word) {
                true => {
                    let sections = postings.sections(searcher)?;
                    let (shape, counts) = (Shape::SECTION, weight::SECTION);
                    Some(sizes.sections.weight(sections, shape, counts))
                }
                false => None,
            };
            asked.wanted.push(Wanted {
                word: word.clone(),
                bm25: sizes.body.weight(postings.pages, Shape::BODY, weight::BODY),
                postings,
                in_sections,
            });
        }
        for [first, second] in &terms.pairs {
            if let (Some(first), Some(second)) = (asked.place(first), asked.place(second)) {
                let with_each = [first, second].map(|place| asked.wanted[place].postings.pages);
                let bm25 = sizes.body.weight_of(with_each, Shape::BODY, weight::PAIRS);
                asked.pairs.push((first, second, bm25));
            }
        }
        let mut other = |field, size: Size, terms: &[String], shape, counts| {
            for term in terms {
                let term = Term::from_field_text(field, term);
                if let Some(postings) = measured.postings(searcher, term)? {
                    let bm25 = size.weight(postings.pages, shape, counts);
                    asked.others.push((postings, bm25));
                }
            }
            tantivy::Result::Ok(())
        };
        let (words, common) = (&terms.words, &terms.common);
        let (field, size) = (fields.mentions, sizes.mentions);
        other(field, size, words, Shape::MENTIONS, weight::MENTIONS)?;
        let (field, size) = (fields.address, sizes.address);
        other(field, size, words, Shape::ADDRESS, weight::ADDRESS)?;
        let (field, size) = (fields.common, sizes.common);
        other(field, size, common, Shape::BODY, weight::BODY)?;
        if let Some(name) = &terms.name {
            let name = Term::from_field_text(fields.name, name);
            asked.name = measured.postings(searcher, name)?;
        }
        Ok(asked)
    }

    /// The postings of each term wanted that the segment of a number has, with its place.
    pub(super) fn wanted_in(
        &self,
        number: usize,
        segment: &SegmentReader,
        option: IndexRecordOption,
    ) -> tantivy::Result<Vec<(usize, SegmentPostings)>> {
        let mut found = Vec::with_capacity(self.wanted.len());
        for (place, wanted) in self.wanted.iter().enumerate() {
            let postings = wanted.postings.within(number, segment, option)?;
            found.extend(postings.map(|postings| (place, postings)));
        }
        Ok(found)
    }

    /// The pages of a segment that bear the query as a name.
    pub(super) fn named_in(
        &self,
        number: usize,
        segment: &SegmentReader,
    ) -> tantivy::Result<Option<SegmentPostings>> {
        match &self.name {
            Some(name) => name.within(number, segment, IndexRecordOption::Basic),
            None => Ok(None),
        }
    }

    fn place(&self, word: &str) -> Option<usize> {
        self.wanted.iter().position(|wanted| wanted.word == word)
    }
}
