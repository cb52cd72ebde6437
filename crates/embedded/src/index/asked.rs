//! A query, looked up once in each segment: where the postings of its terms lie, and what each is
//! worth.

use canter_core::query::{Shape, weight};
use canter_core::terms::QueryTerms;
use tantivy::postings::{SegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, SegmentReader, Term};

use super::bm25::Bm25;
use super::entry::Fields;
use super::sizes::{Measured, Size};

/// A query, ready for each segment.
pub(super) struct Asked {
    pub(super) body: Field,
    /// What is looked for in the body of pages.
    pub(super) wanted: Vec<Wanted>,
    /// Places of two words in `wanted`, and what their standing together is worth.
    pub(super) pairs: Vec<(usize, usize, Bm25)>,
    /// What is looked for in other fields.
    pub(super) others: Vec<(Postings, Bm25)>,
    /// Pages that bear the query as a name.
    pub(super) name: Option<Postings>,
}

/// A term that is looked for in the body of pages.
pub(super) struct Wanted {
    word: String,
    pub(super) postings: Postings,
    pub(super) bm25: Bm25,
    /// Where the term is a word.
    pub(super) in_sections: Option<Bm25>,
}

/// The postings of a term in every segment.
pub(super) struct Postings {
    pub(super) field: Field,
    /// So many pages have the term.
    pages: u64,
    /// Where they lie in each segment that has it.
    infos: Vec<Option<TermInfo>>,
}

impl Postings {
    /// None where no segment has the term.
    fn of(searcher: &Searcher, term: &Term) -> tantivy::Result<Option<Self>> {
        let field = term.field();
        let (mut pages, mut infos) = (0, Vec::new());
        for segment in searcher.segment_readers() {
            let info = segment.inverted_index(field)?.get_term_info(term)?;
            pages += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
            infos.push(info);
        }
        Ok((pages > 0).then_some(Postings {
            field,
            pages,
            infos,
        }))
    }

    /// Those in a segment, by its number.
    pub(super) fn within(
        &self,
        number: usize,
        segment: &SegmentReader,
        option: IndexRecordOption,
    ) -> tantivy::Result<Option<SegmentPostings>> {
        let info = self.infos.get(number).and_then(Option::as_ref);
        let index = segment.inverted_index(self.field)?;
        let postings = info.map(|info| index.read_postings_from_terminfo(info, option));
        Ok(postings.transpose()?)
    }
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
            let Some(postings) = Postings::of(searcher, &term)? else {
                continue;
            };
            let in_sections = match terms.words.contains(word) {
                true => {
                    let sections = measured.sections_with(searcher, &term, postings.pages)?;
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
                if let Some(postings) = Postings::of(searcher, &term)? {
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
            asked.name = Postings::of(searcher, &name)?;
        }
        Ok(asked)
    }

    /// Whether the body of a page holds a term that is looked for.
    pub(super) fn holds(&self, word: &str) -> bool {
        self.place(word).is_some()
    }

    fn place(&self, word: &str) -> Option<usize> {
        self.wanted.iter().position(|wanted| wanted.word == word)
    }
}
