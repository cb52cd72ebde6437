//! Scores pages in two passes over a segment. The first pass visits all matching pages and bounds
//! their scores by term frequencies. The second pass weighs sections and pairs of the pages that
//! may be among the results.

use std::sync::Arc;

use canter_ranking::hit::Matching;
use canter_ranking::terms::HEADING_COPIES;
use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, SegmentReader, TERMINATED};

use crate::bm25::Bm25;
use crate::lookup::Lookup;
use crate::postings::Postings;
use crate::schema::column;
use crate::sections::Sections;

/// Bounds of a page's score after the first pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// The score without pairs and the best section.
    sum: f32,
    /// Upper bound of the score of pairs and the best section.
    bound: f32,
    /// Factor on the whole score.
    factor: f32,
}

impl Estimate {
    /// Returns the lower bound of the score.
    pub(super) fn least(self) -> f32 {
        self.sum * self.factor
    }

    /// Returns the upper bound of the score.
    pub(super) fn most(self) -> f32 {
        (self.sum + self.bound) * self.factor
    }
}

/// The first pass over a segment, from match to match.
pub(super) struct FirstPass<'a> {
    lookup: &'a Lookup,
    /// Posting lists of the body's terms that the segment has, with their positions in the lookup.
    body: Vec<(usize, SegmentPostings)>,
    /// Posting lists of the terms in other fields, with the lengths of the texts.
    others: Vec<(&'a [Bm25], SegmentPostings, FieldNormReader)>,
    /// Posting lists of the terms with the same score for each page, and that score.
    flat: Vec<(f32, SegmentPostings)>,
    /// The posting list of pages that are called by the name, and the weight of the links to them.
    own_name: Option<(f32, SegmentPostings)>,
    name: Option<SegmentPostings>,
    lengths: FieldNormReader,
    link_score: Option<Column<f64>>,
    list: Option<Column<bool>>,
    /// Term frequencies of the body's terms in the current page.
    counts: Vec<u32>,
}

impl<'a> FirstPass<'a> {
    /// Begins the pass over the segment with the given number.
    pub(super) fn new(
        lookup: &'a Lookup,
        number: usize,
        segment: &SegmentReader,
    ) -> tantivy::Result<Self> {
        let counted = IndexRecordOption::WithFreqs;
        let mut others = Vec::with_capacity(lookup.others.len());
        for (postings, ways) in &lookup.others {
            if let Some(within) = postings.within(number, segment, counted)? {
                let lengths = segment.get_fieldnorms_reader(postings.field)?;
                others.push((ways.as_slice(), within, lengths));
            }
        }
        let mut flat = Vec::with_capacity(lookup.flat.len());
        let weighed = |(postings, weight): &(Arc<Postings>, f32)| {
            let within = postings.within(number, segment, IndexRecordOption::Basic)?;
            tantivy::Result::Ok(within.map(|within| (*weight, within)))
        };
        for term in &lookup.flat {
            flat.extend(weighed(term)?);
        }
        let own_name = lookup.own_name.as_ref().map(weighed).transpose()?;
        Ok(FirstPass {
            lookup,
            body: lookup.body_in(number, segment, counted)?,
            others,
            flat,
            own_name: own_name.flatten(),
            name: lookup.named_in(number, segment)?,
            lengths: segment.get_fieldnorms_reader(lookup.body)?,
            list: segment.fast_fields().column_opt(column::LIST)?,
            link_score: segment.fast_fields().column_opt(column::LINK_SCORE)?,
            counts: vec![0; lookup.body_terms.len()],
        })
    }

    /// Returns the current page.
    pub(super) fn page(&self) -> DocId {
        let body = self.body.iter().map(|(_, postings)| postings.doc());
        let others = self.others.iter().map(|(_, postings, _)| postings.doc());
        let name = self.name.iter().map(SegmentPostings::doc);
        let nearest = body.chain(others).chain(name).min();
        nearest.unwrap_or(TERMINATED)
    }

    /// Advances from a page to the next match.
    pub(super) fn leave(&mut self, page: DocId) {
        let body = self.body.iter_mut().map(|(_, postings)| postings);
        let others = self.others.iter_mut().map(|(_, postings, _)| postings);
        for postings in body.chain(others).chain(&mut self.name) {
            if postings.doc() == page {
                postings.advance();
            }
        }
    }

    /// Returns the bounds of the current page's score.
    pub(super) fn estimate(&mut self, page: DocId) -> Estimate {
        let length = self.lengths.fieldnorm_id(page);
        let (mut sum, mut bound) = (0.0, 0.0);
        self.counts.fill(0);
        for (at, postings) in &self.body {
            if postings.doc() == page {
                let count = postings.term_freq();
                self.counts[*at] = count;
                let term = &self.lookup.body_terms[*at];
                sum += term.bm25.score(length, count);
                // The bound assumes one short section that holds all occurrences in its heading.
                let in_section = count.saturating_mul(1 + HEADING_COPIES as u32);
                let most = |bm25: &Bm25| bm25.score(0, in_section);
                bound += term.in_sections.as_ref().map_or(0.0, most);
            }
        }
        for (first, second, bm25) in &self.lookup.pairs {
            let together = self.counts[*first].min(self.counts[*second]);
            bound += bm25.score(length, together);
        }
        for (ways, postings, lengths) in &self.others {
            if postings.doc() == page {
                let (length, count) = (lengths.fieldnorm_id(page), postings.term_freq());
                sum += ways
                    .iter()
                    .map(|bm25| bm25.score(length, count))
                    .sum::<f32>();
            }
        }
        if self.name.as_ref().is_some_and(|name| name.doc() == page) {
            sum += self.lookup.name_weight;
        }
        for (weight, postings) in &mut self.flat {
            if has(postings, page) {
                sum += *weight;
            }
        }
        let mut link_weight = self.lookup.link_weight;
        if let Some((weight, postings)) = &mut self.own_name
            && has(postings, page)
        {
            link_weight += *weight;
        }
        let list = self.list.as_ref().and_then(|them| them.first(page));
        Estimate {
            sum: sum + link_weight * self.saturated_link_score(page),
            bound,
            factor: match list {
                Some(true) => self.lookup.list_factor,
                _ => 1.0,
            },
        }
    }

    /// Returns the score of the links from other pages, from 0 to 1.
    fn saturated_link_score(&self, page: DocId) -> f32 {
        let score = self.link_score.as_ref().and_then(|them| them.first(page));
        let score = score.unwrap_or_default() as f32;
        score / (score + 1.0)
    }
}

/// Returns whether a posting list holds a page that is no earlier than the last one asked for.
fn has(postings: &mut SegmentPostings, page: DocId) -> bool {
    let at = match postings.doc() < page {
        true => postings.seek(page),
        false => postings.doc(),
    };
    at == page
}

/// The second pass over a segment, from one page to a later one.
pub(super) struct SecondPass<'a> {
    lookup: &'a Lookup,
    /// Posting lists of the body's terms that the segment has, with their positions in the lookup.
    body: Vec<(usize, SegmentPostings)>,
    /// Positions of the body's terms in the current page, in order.
    positions: Vec<Vec<u32>>,
    name: Option<SegmentPostings>,
    lengths: FieldNormReader,
    sections: Sections,
}

impl<'a> SecondPass<'a> {
    /// Begins the pass over the segment with the given number.
    pub(super) fn new(
        lookup: &'a Lookup,
        number: usize,
        segment: &SegmentReader,
    ) -> tantivy::Result<Self> {
        let placed = IndexRecordOption::WithFreqsAndPositions;
        Ok(SecondPass {
            lookup,
            body: lookup.body_in(number, segment, placed)?,
            positions: vec![Vec::new(); lookup.body_terms.len()],
            name: lookup.named_in(number, segment)?,
            lengths: segment.get_fieldnorms_reader(lookup.body)?,
            sections: Sections::new(segment)?,
        })
    }

    /// Returns the score of a page. Pages must come in order.
    pub(super) fn score(&mut self, page: DocId, estimate: Estimate) -> f32 {
        self.sections.take(page);
        for (at, postings) in &mut self.body {
            let positions = &mut self.positions[*at];
            positions.clear();
            if !has(postings, page) {
                continue;
            }
            if let Some(bm25) = &self.lookup.body_terms[*at].in_sections {
                postings.positions(positions);
                self.sections.add(positions, bm25);
            }
        }
        let length = self.lengths.fieldnorm_id(page);
        let mut score = estimate.sum;
        for (first, second, bm25) in &self.lookup.pairs {
            let together = neighbours(&self.positions[*first], &self.positions[*second]);
            if together > 0 {
                score += bm25.score(length, together);
            }
        }
        (score + self.sections.best()) * estimate.factor
    }

    /// Returns how the last scored page matches.
    pub(super) fn matching(&mut self, page: DocId) -> Matching {
        let named = self.name.as_mut().is_some_and(|name| has(name, page));
        Matching {
            sections: self.sections.ranked(),
            named,
        }
    }
}

/// Returns the number of times that one word directly precedes another.
fn neighbours(first: &[u32], second: &[u32]) -> u32 {
    let mut second = second.iter().peekable();
    let mut count = 0;
    for position in first {
        while second.next_if(|next| **next <= *position).is_some() {}
        count += u32::from(second.peek().is_some_and(|next| **next == position + 1));
    }
    count
}
