//! What a page scores for a query: all that a segment knows of it, in one pass.

use canter_core::hit::Matching;
use canter_core::query::weight;
use canter_core::terms::QueryTerms;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{
    Bm25Weight, BooleanQuery, EmptyScorer, EnableScoring, Query as _, Scorer, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

use super::entry::Fields;
use super::sections::Sections;
use super::sizes::{Measured, Size};

/// A query, ready for each segment.
pub(super) struct Asked {
    body: Field,
    wanted: Vec<Wanted>,
    /// Places of two words in `wanted`, and what their standing together is worth.
    pairs: Vec<(usize, usize, Bm25Weight)>,
    /// What is looked for in other fields, and what it counts for.
    others: Vec<(Box<dyn Weight>, f32)>,
    name: Option<Box<dyn Weight>>,
    /// What pairs and sections can add at the most.
    bound: f32,
}

/// A term that is looked for in the body of pages.
struct Wanted {
    term: Term,
    bm25: Bm25Weight,
    /// Where the term is a word.
    in_sections: Option<Bm25Weight>,
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
                    Some(sizes.sections.weight(sections))
                }
                false => None,
            };
            let most = in_sections.as_ref().map_or(0.0, Bm25Weight::max_score);
            asked.bound += most * weight::SECTION;
            places.push(word);
            asked.wanted.push(Wanted {
                term,
                bm25: sizes.body.weight(with_it).boost_by(weight::BODY),
                in_sections,
            });
        }
        for pair in &terms.pairs {
            let [first, second] = pair
                .each_ref()
                .map(|word| places.iter().position(|known| *known == word));
            if let (Some(first), Some(second)) = (first, second) {
                let terms = [first, second].map(|place| asked.wanted[place].term.clone());
                let bm25 = Bm25Weight::for_terms(&sizes.body.of(searcher), &terms)?;
                let bm25 = bm25.boost_by(weight::PAIRS);
                asked.bound += bm25.max_score();
                asked.pairs.push((first, second, bm25));
            }
        }
        for (field, size, terms, counts) in [
            (fields.address, sizes.address, &terms.words, weight::ADDRESS),
            (fields.common, sizes.common, &terms.common, weight::BODY),
        ] {
            let any = any_of(searcher, field, size, terms)?;
            asked.others.extend(any.map(|any| (any, counts)));
        }
        if let Some(name) = &terms.name {
            let name = Term::from_field_text(fields.name, name);
            let name = TermQuery::new(name, IndexRecordOption::Basic);
            let unscored = EnableScoring::disabled_from_searcher(searcher);
            asked.name = Some(name.weight(unscored)?);
        }
        Ok(asked)
    }
}

/// Any of the terms of a field; none when there is none to look for.
fn any_of(
    searcher: &Searcher,
    field: Field,
    size: Size,
    terms: &[String],
) -> tantivy::Result<Option<Box<dyn Weight>>> {
    if terms.is_empty() {
        return Ok(None);
    }
    let terms = terms.iter().map(|term| Term::from_field_text(field, term));
    let query = BooleanQuery::new_multiterms_query(terms.collect());
    let statistics = size.of(searcher);
    let scoring = EnableScoring::enabled_from_statistics_provider(&statistics, searcher);
    query.weight(scoring).map(Some)
}

/// One pass over a segment, from match to match.
pub(super) struct Pass<'a> {
    asked: &'a Asked,
    /// Of each term wanted that the segment has: its place, where it is, its positions there.
    found: Vec<(usize, SegmentPostings, Vec<u32>)>,
    others: Vec<Box<dyn Scorer>>,
    name: Box<dyn Scorer>,
    lengths: FieldNormReader,
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
        for (weight, counts) in &asked.others {
            others.push(weight.scorer(segment, *counts)?);
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
            sections: Sections::new(segment)?,
        })
    }

    /// The page at which the pass is.
    pub(super) fn page(&self) -> DocId {
        let found = self.found.iter().map(|(_, postings, _)| postings.doc());
        let others = self.others.iter().map(|scorer| scorer.doc());
        let nearest = found.chain(others).min().unwrap_or(TERMINATED);
        nearest.min(self.name.doc())
    }

    /// Goes on to the next page that matches.
    pub(super) fn advance(&mut self) {
        let page = self.page();
        for (_, postings, _) in &mut self.found {
            if postings.doc() == page {
                postings.advance();
            }
        }
        for scorer in self.others.iter_mut().chain([&mut self.name]) {
            if scorer.doc() == page {
                scorer.advance();
            }
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
        for scorer in &mut self.others {
            if scorer.doc() == page {
                score += scorer.score();
            }
        }
        if self.name.doc() == page {
            score += weight::NAME;
        }
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
        Some(score + self.sections.best() * weight::SECTION)
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
