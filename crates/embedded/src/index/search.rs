//! From a query to a page of results.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use canter_core::hit::Matching;
use canter_core::query::{Hits, Query};
use canter_core::terms::QueryTerms;
use canter_core::typos::corrected;
use canter_core::words::{Language, Words};
use tantivy::columnar::Column;
use tantivy::{DocAddress, Searcher, SegmentReader, TERMINATED, TantivyDocument};

use super::counting::{Tally, Totals};
use super::entry::{Fields, column};
use super::filter::{Filter, Phrases};
use super::scoring::{Asked, Pass};
use super::sizes::Measured;
use super::spelling::missing;

/// Answers a query from one commit.
pub(super) fn search(
    searcher: &Searcher,
    fields: &Fields,
    measured: &Measured,
    query: &Query,
    words: &mut Words,
) -> tantivy::Result<Hits> {
    let languages = match &query.language {
        Some(language) => vec![Language::of_tag(Some(language))],
        None => measured.languages(searcher)?,
    };
    let terms = QueryTerms::of(&query.text, &languages, words);
    let asked = Asked::new(searcher, fields, measured, &terms)?;
    let phrases = Phrases::of(searcher, fields, &terms)?;
    let ids = Ids::of(searcher)?;
    let mut top = Top::new(query.offset + query.limit, &ids);
    let mut total = 0;
    let mut totals = Totals::default();
    for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
        let mut filter = Filter::new(segment, query, &phrases)?;
        let mut pass = Pass::new(&asked, segment)?;
        let mut tally = Tally::new(segment)?;
        let twins = segment.fast_fields().column_opt::<u64>(column::TWINS)?;
        while pass.page() != TERMINATED {
            let page = pass.page();
            if !segment.is_deleted(page) && filter.allows(page) {
                total += 1;
                tally.add(page);
                if let Some(score) = pass.score(top.at_least) {
                    let twins = twins.as_ref().and_then(|twins| twins.first(page));
                    let page = DocAddress::new(segment_ord, page);
                    top.add(Found { score, page, twins });
                }
            }
            pass.advance();
        }
        tally.end(&mut totals)?;
    }
    let shown = top.range(query.offset..query.offset + query.limit);
    let sections = sections(searcher, &asked, &shown)?;
    let mut hits = Vec::with_capacity(shown.len());
    for (found, sections) in shown.iter().zip(sections) {
        let entry: TantivyDocument = searcher.doc(found.page)?;
        let stored = fields.stored(&entry, false)?;
        hits.push(sections.hit(stored, found.score, &terms, words));
    }
    Ok(Hits {
        total,
        exact: true,
        hits,
        meant: corrected(&query.text, &terms, &missing(searcher, fields, &terms)?),
        counts: totals.counts(query, total),
    })
}

/// A page that matches.
#[derive(Debug, Clone, Copy)]
struct Found {
    score: f32,
    page: DocAddress,
    twins: Option<u64>,
}

/// The best pages so far.
struct Top<'a> {
    most: usize,
    ids: &'a Ids,
    found: Vec<Found>,
    /// A page that scores less is not among them.
    at_least: f32,
}

impl<'a> Top<'a> {
    fn new(most: usize, ids: &'a Ids) -> Self {
        Top {
            most,
            ids,
            found: Vec::new(),
            at_least: 0.0,
        }
    }

    fn add(&mut self, found: Found) {
        self.found.push(found);
        if self.found.len() >= 2 * self.most.max(1) {
            self.cut();
        }
    }

    /// Leaves the best, and of twins the better one.
    fn cut(&mut self) {
        let ids = self.ids;
        self.found.sort_unstable_by(|a, b| ids.compare(a, b));
        let mut met = HashSet::new();
        let is_first = |found: &Found| found.twins.is_none_or(|twins| met.insert(twins));
        self.found.retain(is_first);
        self.found.truncate(self.most);
        if let Some(last) = self.found.last().filter(|_| self.found.len() == self.most) {
            self.at_least = last.score;
        }
    }

    /// The results of a range, by falling score, then by id.
    fn range(mut self, range: Range<usize>) -> Vec<Found> {
        self.cut();
        let range = range.start.min(self.found.len())..range.end.min(self.found.len());
        self.found.drain(range).collect()
    }
}

/// What matches in each page shown.
fn sections(searcher: &Searcher, asked: &Asked, shown: &[Found]) -> tantivy::Result<Vec<Matching>> {
    let mut order: Vec<usize> = (0..shown.len()).collect();
    order.sort_unstable_by_key(|&at| shown[at].page);
    let mut all = vec![Matching::default(); shown.len()];
    let segment = |at: usize| shown[at].page.segment_ord;
    for of_segment in order.chunk_by(|&a, &b| segment(a) == segment(b)) {
        let reader = searcher.segment_reader(segment(of_segment[0]));
        let mut pass = Pass::new(asked, reader)?;
        for &at in of_segment {
            let page = shown[at].page.doc_id;
            pass.seek(page);
            all[at] = pass.matching(page);
        }
    }
    Ok(all)
}

/// The ids of pages.
pub(super) struct Ids {
    segments: Vec<Option<(Column<u64>, Column<u64>)>>,
}

impl Ids {
    pub(super) fn of(searcher: &Searcher) -> tantivy::Result<Self> {
        let columns = |segment: &SegmentReader| {
            let columns = segment.fast_fields();
            let high = columns.column_opt::<u64>(column::ID_HIGH)?;
            let low = columns.column_opt::<u64>(column::ID_LOW)?;
            Ok(high.zip(low))
        };
        let segments = searcher.segment_readers().iter().map(columns);
        Ok(Ids {
            segments: segments.collect::<tantivy::Result<_>>()?,
        })
    }

    /// By falling score, then by id. Looks up the ids of ties only.
    fn compare(&self, a: &Found, b: &Found) -> Ordering {
        match b.score.total_cmp(&a.score) {
            Ordering::Equal => self.id(a.page).cmp(&self.id(b.page)),
            unequal => unequal,
        }
    }

    /// A page's id, in halves.
    pub(super) fn id(&self, page: DocAddress) -> (u64, u64) {
        let columns = self.segments.get(page.segment_ord as usize);
        let half = |column: &Column<u64>| column.first(page.doc_id).unwrap_or_default();
        columns
            .and_then(Option::as_ref)
            .map_or((0, 0), |(high, low)| (half(high), half(low)))
    }
}
