//! From a query to a page of results.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use canter_ranking::hit::Matching;
use canter_ranking::query::{Hits, Query};
use canter_ranking::terms::QueryTerms;
use canter_ranking::typos::corrected;
use canter_ranking::words::{Language, Words};
use tantivy::columnar::Column;
use tantivy::{DocAddress, Searcher, SegmentReader, TERMINATED};

use super::asked::Asked;
use super::counting::{Tally, Totals};
use super::entry::{Fields, column};
use super::filter::{Filter, Phrases};
use super::kept::Kept;
use super::scoring::{Estimate, Walk, Weighing};
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
    let ids = Ids::of(searcher)?;
    let range = query.offset..query.offset + query.limit;
    let matches = Matches::of(searcher, fields, query, &terms, &asked, &ids)?;
    let total = matches.total;
    let counts = matches.totals.counts(query, total);
    let mut hits = Vec::new();
    for found in best(
        searcher,
        &asked,
        &ids,
        (matches.all, matches.at_least),
        range,
    )? {
        let (page, sections) = searcher.doc::<Kept>(found.page)?.open()?;
        let section = |place| sections.section(place);
        let hit = found
            .matching
            .hit(page, section, found.score, &terms, words);
        hits.push(hit?);
    }
    Ok(Hits {
        total,
        exact: true,
        hits,
        meant: corrected(
            &query.text,
            &terms,
            &missing(searcher, fields, measured, &terms)?,
        ),
        counts,
    })
}

/// A page that matches, and what is known of its score.
struct Match {
    page: DocAddress,
    twins: Option<u64>,
    score: Estimate,
}

/// The pages that match.
struct Matches {
    total: u64,
    totals: Totals,
    /// In the order of their addresses, without those of which enough others score more.
    all: Vec<Match>,
    /// As many as are wanted score no less.
    at_least: f32,
}

impl Matches {
    fn of(
        searcher: &Searcher,
        fields: &Fields,
        query: &Query,
        terms: &QueryTerms,
        asked: &Asked,
        ids: &Ids,
    ) -> tantivy::Result<Self> {
        let phrases = Phrases::of(searcher, fields, terms)?;
        let mut matches = Matches {
            total: 0,
            totals: Totals::default(),
            all: Vec::new(),
            at_least: 0.0,
        };
        let mut least = Top::new(query.offset + query.limit, ids);
        for (number, segment) in searcher.segment_readers().iter().enumerate() {
            let mut filter = Filter::new(segment, query, &phrases)?;
            let mut walk = Walk::new(asked, number, segment)?;
            let mut tally = Tally::new(segment)?;
            let twins = segment.fast_fields().column_opt::<u64>(column::TWINS)?;
            loop {
                let page = walk.page();
                if page == TERMINATED {
                    break;
                }
                if !segment.is_deleted(page) && filter.allows(page) {
                    matches.total += 1;
                    tally.add(page);
                    let score = walk.estimate(page);
                    if score.most() >= least.at_least {
                        let twins = twins.as_ref().and_then(|twins| twins.first(page));
                        let page = DocAddress::new(number as u32, page);
                        least.add(Found::new(page, twins, score.least()));
                        matches.all.push(Match { page, twins, score });
                    }
                }
                walk.leave(page);
            }
            tally.end(&mut matches.totals)?;
        }
        least.cut();
        matches.at_least = least.at_least;
        let may_be = |it: &Match| it.score.most() >= matches.at_least;
        matches.all.retain(may_be);
        Ok(matches)
    }
}

/// The results of a range, by falling score, then by id.
fn best(
    searcher: &Searcher,
    asked: &Asked,
    ids: &Ids,
    (matches, at_least): (Vec<Match>, f32),
    range: Range<usize>,
) -> tantivy::Result<Vec<Found>> {
    // First those that score most as far as is known: behind them few others have to be weighed.
    let is_likely = |it: &Match| it.score.least() >= at_least;
    let (likely, others): (Vec<Match>, Vec<Match>) = matches.into_iter().partition(is_likely);
    let mut top = Top::new(range.end, ids);
    for matches in [likely, others] {
        top.cut();
        let segment = |it: &Match| it.page.segment_ord;
        for of_segment in matches.chunk_by(|a, b| segment(a) == segment(b)) {
            weigh(searcher, asked, of_segment, &mut top)?;
        }
    }
    Ok(top.range(range))
}

/// Weighs matches of one segment, as far as they may be among the best.
fn weigh(
    searcher: &Searcher,
    asked: &Asked,
    matches: &[Match],
    top: &mut Top<'_>,
) -> tantivy::Result<()> {
    let mut weighing = None;
    for Match { page, twins, score } in matches {
        if score.most() < top.at_least {
            continue;
        }
        let weighing = match &mut weighing {
            Some(weighing) => weighing,
            none => {
                let segment = searcher.segment_reader(page.segment_ord);
                none.insert(Weighing::new(asked, page.segment_ord as usize, segment)?)
            }
        };
        let score = weighing.score(page.doc_id, *score);
        if score >= top.at_least {
            let matching = weighing.matching(page.doc_id);
            top.add(Found {
                matching,
                ..Found::new(*page, *twins, score)
            });
        }
    }
    Ok(())
}

/// A page with a score.
struct Found {
    score: f32,
    page: DocAddress,
    twins: Option<u64>,
    matching: Matching,
}

impl Found {
    fn new(page: DocAddress, twins: Option<u64>, score: f32) -> Self {
        Found {
            score,
            page,
            twins,
            matching: Matching::default(),
        }
    }
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
