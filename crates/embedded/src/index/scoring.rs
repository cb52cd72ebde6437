//! What a page scores for a query. A first pass over a segment meets all pages that match and knows
//! from the counts of their words what each scores at the least and at the most; a second one weighs
//! the sections and pairs of those that may be shown.

use canter_ranking::hit::Matching;
use canter_ranking::query::weight;
use canter_ranking::terms::HEADING_COPIES;
use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, SegmentReader, TERMINATED};

use super::asked::Asked;
use super::bm25::Bm25;
use super::entry::column;
use super::sections::Sections;

/// What is known of a page's score after the first pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// All but its pairs and its best section.
    sum: f32,
    /// These add no more.
    bound: f32,
    /// What is kept of it all.
    share: f32,
}

impl Estimate {
    /// The page scores no less.
    pub(super) fn least(self) -> f32 {
        self.sum * self.share
    }

    /// And no more.
    pub(super) fn most(self) -> f32 {
        (self.sum + self.bound) * self.share
    }
}

/// The first pass over a segment, from match to match.
pub(super) struct Walk<'a> {
    asked: &'a Asked,
    /// Of each term wanted that the segment has: its place, and where it is.
    found: Vec<(usize, SegmentPostings)>,
    /// The same of what is looked for in other fields, with the lengths of their texts.
    others: Vec<(&'a Bm25, SegmentPostings, FieldNormReader)>,
    name: Option<SegmentPostings>,
    lengths: FieldNormReader,
    standing: Option<Column<f64>>,
    list: Option<Column<bool>>,
    /// How often the page at hand has each term wanted.
    counts: Vec<u32>,
}

impl<'a> Walk<'a> {
    /// Through the segment of a number.
    pub(super) fn new(
        asked: &'a Asked,
        number: usize,
        segment: &SegmentReader,
    ) -> tantivy::Result<Self> {
        let counted = IndexRecordOption::WithFreqs;
        let mut others = Vec::with_capacity(asked.others.len());
        for (postings, bm25) in &asked.others {
            if let Some(found) = postings.within(number, segment, counted)? {
                let lengths = segment.get_fieldnorms_reader(postings.field)?;
                others.push((bm25, found, lengths));
            }
        }
        Ok(Walk {
            asked,
            found: asked.wanted_in(number, segment, counted)?,
            others,
            name: asked.named_in(number, segment)?,
            lengths: segment.get_fieldnorms_reader(asked.body)?,
            list: segment.fast_fields().column_opt(column::LIST)?,
            standing: segment.fast_fields().column_opt(column::STANDING)?,
            counts: vec![0; asked.wanted.len()],
        })
    }

    /// The page at which the walk is.
    pub(super) fn page(&self) -> DocId {
        let found = self.found.iter().map(|(_, postings)| postings.doc());
        let others = self.others.iter().map(|(_, postings, _)| postings.doc());
        let name = self.name.iter().map(SegmentPostings::doc);
        let nearest = found.chain(others).chain(name).min();
        nearest.unwrap_or(TERMINATED)
    }

    /// Goes on from a page to the next one that matches.
    pub(super) fn leave(&mut self, page: DocId) {
        let found = self.found.iter_mut().map(|(_, postings)| postings);
        let others = self.others.iter_mut().map(|(_, postings, _)| postings);
        for postings in found.chain(others).chain(&mut self.name) {
            if postings.doc() == page {
                postings.advance();
            }
        }
    }

    /// What is known of the score of the page at which the walk is.
    pub(super) fn estimate(&mut self, page: DocId) -> Estimate {
        let length = self.lengths.fieldnorm_id(page);
        let (mut sum, mut bound) = (0.0, 0.0);
        self.counts.fill(0);
        for (place, postings) in &self.found {
            if postings.doc() == page {
                let count = postings.term_freq();
                self.counts[*place] = count;
                let wanted = &self.asked.wanted[*place];
                sum += wanted.bm25.score(length, count);
                // As if one short section held them all, each in its heading.
                let in_section = count.saturating_mul(1 + HEADING_COPIES as u32);
                let most = |bm25: &Bm25| bm25.score(0, in_section);
                bound += wanted.in_sections.as_ref().map_or(0.0, most);
            }
        }
        for (first, second, bm25) in &self.asked.pairs {
            let together = self.counts[*first].min(self.counts[*second]);
            bound += bm25.score(length, together);
        }
        for (bm25, postings, lengths) in &self.others {
            if postings.doc() == page {
                sum += bm25.score(lengths.fieldnorm_id(page), postings.term_freq());
            }
        }
        if self.name.as_ref().is_some_and(|name| name.doc() == page) {
            sum += weight::NAME;
        }
        let list = self.list.as_ref().and_then(|them| them.first(page));
        Estimate {
            sum: sum + self.standing(page),
            bound,
            share: match list {
                Some(true) => weight::LIST,
                _ => 1.0,
            },
        }
    }

    /// What it counts for that other pages link to the page.
    fn standing(&self, page: DocId) -> f32 {
        let standing = self.standing.as_ref().and_then(|them| them.first(page));
        let standing = standing.unwrap_or_default() as f32;
        weight::STANDING * (standing / (standing + 1.0))
    }
}

/// The second pass over a segment, from one page to a later one.
pub(super) struct Weighing<'a> {
    asked: &'a Asked,
    /// Of each term wanted that the segment has: its place, and where it is.
    found: Vec<(usize, SegmentPostings)>,
    /// Where in the page at hand each term wanted stands, in order.
    positions: Vec<Vec<u32>>,
    name: Option<SegmentPostings>,
    lengths: FieldNormReader,
    sections: Sections,
}

impl<'a> Weighing<'a> {
    /// In the segment of a number.
    pub(super) fn new(
        asked: &'a Asked,
        number: usize,
        segment: &SegmentReader,
    ) -> tantivy::Result<Self> {
        let placed = IndexRecordOption::WithFreqsAndPositions;
        Ok(Weighing {
            asked,
            found: asked.wanted_in(number, segment, placed)?,
            positions: vec![Vec::new(); asked.wanted.len()],
            name: asked.named_in(number, segment)?,
            lengths: segment.get_fieldnorms_reader(asked.body)?,
            sections: Sections::new(segment)?,
        })
    }

    /// What a page scores. Pages come in their order.
    pub(super) fn score(&mut self, page: DocId, known: Estimate) -> f32 {
        self.sections.take(page);
        for (place, postings) in &mut self.found {
            let positions = &mut self.positions[*place];
            positions.clear();
            if postings.doc() < page {
                postings.seek(page);
            }
            if postings.doc() != page {
                continue;
            }
            if let Some(bm25) = &self.asked.wanted[*place].in_sections {
                postings.positions(positions);
                self.sections.add(positions, bm25);
            }
        }
        let length = self.lengths.fieldnorm_id(page);
        let mut score = known.sum;
        for (first, second, bm25) in &self.asked.pairs {
            let together = neighbours(&self.positions[*first], &self.positions[*second]);
            if together > 0 {
                score += bm25.score(length, together);
            }
        }
        (score + self.sections.best()) * known.share
    }

    /// What matches in the page that was scored last.
    pub(super) fn matching(&mut self, page: DocId) -> Matching {
        let named = self.name.as_mut().is_some_and(|name| {
            let at = match name.doc() < page {
                true => name.seek(page),
                false => name.doc(),
            };
            at == page
        });
        Matching {
            sections: self.sections.ranked(),
            named,
        }
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
