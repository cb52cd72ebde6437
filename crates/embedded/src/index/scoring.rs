//! What a page scores for a query: all that a segment knows of it, in one pass.

use canter_core::hit::Matching;
use canter_core::query::{Shape, weight};
use canter_core::terms::QueryTerms;
use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{EmptyScorer, EnableScoring, Query as _, Scorer, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use super::bm25::Bm25;
use super::entry::{Fields, column};
use super::sections::Sections;
use super::sizes::{Measured, Size};

/// A query, ready for each segment.
pub(super) struct Asked {
    body: Field,
    wanted: Vec<Wanted>,
    /// Places of two words in `wanted`, and what their standing together is worth.
    pairs: Vec<(usize, usize, Bm25)>,
    /// What is looked for in other fields.
    others: Vec<(Term, Bm25)>,
    name: Option<Box<dyn Weight>>,
    /// What pairs and sections can add at the most.
    bound: f32,
}

/// A term that is looked for in the body of pages.
struct Wanted {
    term: Term,
    /// So many pages hold it.
    with_it: u64,
    bm25: Bm25,
    /// Where the term is a word.
    in_sections: Option<Bm25>,
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
            bound: 0.0,
        };
        let mut places = Vec::new();
        for word in &terms.body {
            let term = Term::from_field_text(fields.body, word);
            let with_it = searcher.doc_freq(&term)?;
            if with_it == 0 {
                continue;
            }
            let in_sections = match terms.words.contains(word) {
                true => {
                    let sections = measured.sections_with(searcher, &term, with_it)?;
                    let (shape, counts) = (Shape::SECTION, weight::SECTION);
                    Some(sizes.sections.weight(sections, shape, counts))
                }
                false => None,
            };
            asked.bound += in_sections.as_ref().map_or(0.0, Bm25::most);
            places.push(word);
            asked.wanted.push(Wanted {
                term,
                with_it,
                bm25: sizes.body.weight(with_it, Shape::BODY, weight::BODY),
                in_sections,
            });
        }
        for pair in &terms.pairs {
            let [first, second] = pair
                .each_ref()
                .map(|word| places.iter().position(|known| *known == word));
            if let (Some(first), Some(second)) = (first, second) {
                let with_each = [first, second].map(|place| asked.wanted[place].with_it);
                let bm25 = sizes.body.weight_of(with_each, Shape::BODY, weight::PAIRS);
                asked.bound += bm25.most();
                asked.pairs.push((first, second, bm25));
            }
        }
        let mut other = |field, size: Size, terms: &[String], shape, counts| {
            for term in terms {
                let term = Term::from_field_text(field, term);
                let with_it = searcher.doc_freq(&term)?;
                if with_it > 0 {
                    let bm25 = size.weight(with_it, shape, counts);
                    asked.others.push((term, bm25));
                }
            }
            Ok::<_, TantivyError>(())
        };
        let (words, common) = (&terms.words, &terms.common);
        let (mentions, address) = (Shape::MENTIONS, Shape::ADDRESS);
        other(
            fields.mentions,
            sizes.mentions,
            words,
            mentions,
            weight::MENTIONS,
        )?;
        other(
            fields.address,
            sizes.address,
            words,
            address,
            weight::ADDRESS,
        )?;
        other(
            fields.common,
            sizes.common,
            common,
            Shape::BODY,
            weight::BODY,
        )?;
        if let Some(name) = &terms.name {
            let name = Term::from_field_text(fields.name, name);
            let name = TermQuery::new(name, IndexRecordOption::Basic);
            let unscored = EnableScoring::disabled_from_searcher(searcher);
            asked.name = Some(name.weight(unscored)?);
        }
        Ok(asked)
    }
}

/// One pass over a segment, from match to match.
pub(super) struct Pass<'a> {
    asked: &'a Asked,
    /// Of each term wanted that the segment has: its place, where it is, its positions there.
    found: Vec<(usize, SegmentPostings, Vec<u32>)>,
    /// The same of what is looked for in other fields, with the lengths of their texts.
    others: Vec<(usize, SegmentPostings, FieldNormReader)>,
    name: Box<dyn Scorer>,
    lengths: FieldNormReader,
    standing: Option<Column<f64>>,
    list: Option<Column<bool>>,
    sections: Sections,
}

impl<'a> Pass<'a> {
    pub(super) fn new(asked: &'a Asked, segment: &SegmentReader) -> tantivy::Result<Self> {
        let index = segment.inverted_index(asked.body)?;
        let mut found = Vec::with_capacity(asked.wanted.len());
        for (place, wanted) in asked.wanted.iter().enumerate() {
            let positions = IndexRecordOption::WithFreqsAndPositions;
            let postings = index.read_postings(&wanted.term, positions)?;
            found.extend(postings.map(|postings| (place, postings, Vec::new())));
        }
        let mut others = Vec::with_capacity(asked.others.len());
        for (place, (term, _)) in asked.others.iter().enumerate() {
            let index = segment.inverted_index(term.field())?;
            if let Some(postings) = index.read_postings(term, IndexRecordOption::WithFreqs)? {
                let lengths = segment.get_fieldnorms_reader(term.field())?;
                others.push((place, postings, lengths));
            }
        }
        Ok(Pass {
            asked,
            found,
            others,
            name: match &asked.name {
                Some(name) => name.scorer(segment, 1.0)?,
                None => Box::new(EmptyScorer),
            },
            lengths: segment.get_fieldnorms_reader(asked.body)?,
            list: segment.fast_fields().column_opt(column::LIST)?,
            standing: segment.fast_fields().column_opt(column::STANDING)?,
            sections: Sections::new(segment)?,
        })
    }

    /// The page at which the pass is.
    pub(super) fn page(&self) -> DocId {
        let found = self.found.iter().map(|(_, postings, _)| postings.doc());
        let others = self.others.iter().map(|(_, postings, _)| postings.doc());
        let nearest = found.chain(others).min().unwrap_or(TERMINATED);
        nearest.min(self.name.doc())
    }

    /// Goes on to the next page that matches.
    pub(super) fn advance(&mut self) {
        let page = self.page();
        let found = self.found.iter_mut().map(|(_, postings, _)| postings);
        let others = self.others.iter_mut().map(|(_, postings, _)| postings);
        for postings in found.chain(others) {
            if postings.doc() == page {
                postings.advance();
            }
        }
        if self.name.doc() == page {
            self.name.advance();
        }
    }

    /// Goes on to a page that lies ahead, for [`Pass::matching`].
    pub(super) fn seek(&mut self, page: DocId) {
        for (_, postings, _) in &mut self.found {
            if postings.doc() < page {
                postings.seek(page);
            }
        }
        if self.name.doc() < page {
            self.name.seek(page);
        }
    }

    /// What the page scores; none when that is below a bound.
    pub(super) fn score(&mut self, at_least: f32) -> Option<f32> {
        let page = self.page();
        let length = self.lengths.fieldnorm_id(page);
        let mut score = 0.0;
        for (place, postings, _) in &self.found {
            if postings.doc() == page {
                score += self.asked.wanted[*place]
                    .bm25
                    .score(length, postings.term_freq());
            }
        }
        for (place, postings, lengths) in &self.others {
            if postings.doc() == page {
                let (_, bm25) = &self.asked.others[*place];
                score += bm25.score(lengths.fieldnorm_id(page), postings.term_freq());
            }
        }
        if self.name.doc() == page {
            score += weight::NAME;
        }
        score += self.standing(page);
        if score + self.asked.bound < at_least {
            return None;
        }
        self.weigh_sections(page);
        for (first, second, bm25) in &self.asked.pairs {
            let together = neighbours(self.positions(*first, page), self.positions(*second, page));
            if together > 0 {
                score += bm25.score(length, together);
            }
        }
        score += self.sections.best();
        let list = self.list.as_ref().and_then(|them| them.first(page));
        if list == Some(true) {
            score *= weight::LIST;
        }
        Some(score)
    }

    /// What it counts for that other pages link to the page.
    fn standing(&self, page: DocId) -> f32 {
        let standing = self.standing.as_ref().and_then(|them| them.first(page));
        let standing = standing.unwrap_or_default() as f32;
        weight::STANDING * (standing / (standing + 1.0))
    }

    /// What matches in the page at hand.
    pub(super) fn matching(&mut self, page: DocId) -> Matching {
        self.weigh_sections(page);
        Matching {
            sections: self.sections.ranked(),
            named: self.name.doc() == page,
        }
    }

    fn weigh_sections(&mut self, page: DocId) {
        self.sections.take(page);
        for (place, postings, positions) in &mut self.found {
            if postings.doc() != page {
                continue;
            }
            if let Some(bm25) = &self.asked.wanted[*place].in_sections {
                postings.positions(positions);
                self.sections.add(positions, bm25);
            }
        }
    }

    /// Where a word stands in the page at hand, in order.
    fn positions(&self, wanted: usize, page: DocId) -> &[u32] {
        let mut found = self.found.iter();
        let found = found.find(|(place, postings, _)| *place == wanted && postings.doc() == page);
        found.map_or(&[], |(_, _, positions)| positions)
    }
}

/// How often a word stands right before another one.
fn neighbours(first: &[u32], second: &[u32]) -> u32 {
    let mut second = second.iter().peekable();
    let mut count = 0;
    for position in first {
        while second.next_if(|next| **next <= *position).is_some() {}
        count += u32::from(second.peek().is_some_and(|next| **next == position + 1));
    }
    count
}
