//! Runs a plan and returns one page of results.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ops::Range;

use canter_ranking::hit::Matching;
use canter_ranking::meaning::COMPARED;
use canter_ranking::plan::Plan;
use canter_ranking::query::Hits;
use canter_ranking::search::Answer;
use canter_ranking::tokenizer::Tokenizer;
use tantivy::columnar::Column;
use tantivy::{DocAddress, Searcher, SegmentReader, TERMINATED};

use crate::ahead;
use crate::corrections::missing;
use crate::facets::{Tally, Totals};
use crate::filter::{Allowed, Phrases};
use crate::lookup::Lookup;
use crate::meanings::Meanings;
use crate::schema::{Fields, column};
use crate::scoring::{Estimate, FirstPass, SecondPass};
use crate::statistics::Statistics;
use crate::stored_page::StoredPage;

/// Runs a plan over one commit. What it reads is read at once if that `is_far`.
pub(super) fn run(
    searcher: &Searcher,
    fields: &Fields,
    statistics: &Statistics,
    plan: &Plan,
    tokenizer: &mut Tokenizer,
    is_far: bool,
) -> tantivy::Result<Answer> {
    if is_far {
        ahead::read_terms(searcher, fields, plan);
    }
    let lookup = Lookup::new(searcher, fields, statistics, plan)?;
    let ids = Ids::of(searcher)?;
    let matches = Matches::of(searcher, fields, plan, &lookup, &ids)?;
    let total = matches.total;
    let facets = matches.totals.facets(&plan.query, total);
    let mut best = best(
        searcher,
        &lookup,
        &ids,
        (matches.all, matches.at_least),
        plan.candidates(),
    )?;
    if plan.compares() {
        compare(searcher, plan, &mut best)?;
    }
    let best = plan.in_window(best, |page| page.score);
    if is_far {
        let pages: Vec<DocAddress> = best.iter().map(|scored| scored.page).collect();
        ahead::read_pages(searcher, &pages);
    }
    let mut hits = Vec::with_capacity(best.len());
    for scored in best {
        let (page, sections) = searcher.doc::<StoredPage>(scored.page)?.open()?;
        let section = |number| sections.section(number);
        let matching = scored.matching;
        hits.push(matching.hit(page, section, scored.score, plan, tokenizer)?);
    }
    Ok(Answer {
        hits: Hits {
            total,
            exact: true,
            hits,
            meant: None,
            facets,
        },
        missing: missing(searcher, fields, statistics, &plan.query_words)?,
    })
}

/// A matching page with an estimate of its score.
struct Match {
    page: DocAddress,
    near_duplicates: Option<u64>,
    score: Estimate,
}

/// The pages that match a plan.
struct Matches {
    total: u64,
    totals: Totals,
    /// Pages in order of their addresses, without pages that too many others outscore.
    all: Vec<Match>,
    /// Lower bound of the score of the results.
    at_least: f32,
}

impl Matches {
    fn of(
        searcher: &Searcher,
        fields: &Fields,
        plan: &Plan,
        lookup: &Lookup,
        ids: &Ids,
    ) -> tantivy::Result<Self> {
        let phrases = Phrases::of(searcher, fields, plan)?;
        let mut matches = Matches {
            total: 0,
            totals: Totals::default(),
            all: Vec::new(),
            at_least: 0.0,
        };
        let mut least = Top::new(plan.candidates().end, ids);
        for (number, segment) in searcher.segment_readers().iter().enumerate() {
            let mut allowed = Allowed::new(segment, &plan.filters, &phrases)?;
            let mut pass = FirstPass::new(lookup, number, segment)?;
            let mut tally = Tally::new(segment)?;
            let duplicates = segment.fast_fields();
            let duplicates = duplicates.column_opt::<u64>(column::NEAR_DUPLICATES)?;
            loop {
                let page = pass.page();
                if page == TERMINATED {
                    break;
                }
                if !segment.is_deleted(page) && allowed.allows(page) {
                    matches.total += 1;
                    tally.add(page);
                    let score = pass.estimate(page);
                    if score.most() >= least.at_least {
                        let near_duplicates = duplicates.as_ref().and_then(|it| it.first(page));
                        let page = DocAddress::new(number as u32, page);
                        least.add(Scored::new(page, near_duplicates, score.least()));
                        matches.all.push(Match {
                            page,
                            near_duplicates,
                            score,
                        });
                    }
                }
                pass.leave(page);
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

/// Returns the best pages of a range, by descending score, then by id.
fn best(
    searcher: &Searcher,
    lookup: &Lookup,
    ids: &Ids,
    (matches, at_least): (Vec<Match>, f32),
    range: Range<usize>,
) -> tantivy::Result<Vec<Scored>> {
    // The likely pages come first: after them, few other pages have to be weighed.
    let is_likely = |it: &Match| it.score.least() >= at_least;
    let (likely, others): (Vec<Match>, Vec<Match>) = matches.into_iter().partition(is_likely);
    let mut top = Top::new(range.end, ids);
    for matches in [likely, others] {
        top.cut();
        let segment = |it: &Match| it.page.segment_ord;
        for of_segment in matches.chunk_by(|a, b| segment(a) == segment(b)) {
            weigh(searcher, lookup, of_segment, &mut top)?;
        }
    }
    Ok(top.range(range))
}

/// Adds what the first pages score for their closeness to a question.
fn compare(searcher: &Searcher, plan: &Plan, best: &mut [Scored]) -> tantivy::Result<()> {
    let segments = searcher.segment_readers().iter().map(Meanings::new);
    let mut segments = segments.collect::<tantivy::Result<Vec<_>>>()?;
    for scored in best.iter_mut().take(COMPARED) {
        let meanings = &mut segments[scored.page.segment_ord as usize];
        scored.score += plan.closeness(meanings.of(scored.page.doc_id));
    }
    Ok(())
}

/// Weighs the matches of one segment that may be among the best.
fn weigh(
    searcher: &Searcher,
    lookup: &Lookup,
    matches: &[Match],
    top: &mut Top<'_>,
) -> tantivy::Result<()> {
    let mut pass = None;
    for Match {
        page,
        near_duplicates,
        score,
    } in matches
    {
        if score.most() < top.at_least {
            continue;
        }
        let pass = match &mut pass {
            Some(pass) => pass,
            none => {
                let segment = searcher.segment_reader(page.segment_ord);
                none.insert(SecondPass::new(lookup, page.segment_ord as usize, segment)?)
            }
        };
        let score = pass.score(page.doc_id, *score);
        if score >= top.at_least {
            let matching = pass.matching(page.doc_id);
            top.add(Scored {
                matching,
                ..Scored::new(*page, *near_duplicates, score)
            });
        }
    }
    Ok(())
}

/// A page with a score.
struct Scored {
    score: f32,
    page: DocAddress,
    near_duplicates: Option<u64>,
    matching: Matching,
}

impl Scored {
    fn new(page: DocAddress, near_duplicates: Option<u64>, score: f32) -> Self {
        Scored {
            score,
            page,
            near_duplicates,
            matching: Matching::default(),
        }
    }
}

/// The best pages found.
struct Top<'a> {
    most: usize,
    ids: &'a Ids,
    pages: Vec<Scored>,
    /// Minimum score of a page among them.
    at_least: f32,
}

impl<'a> Top<'a> {
    fn new(most: usize, ids: &'a Ids) -> Self {
        Top {
            most,
            ids,
            pages: Vec::new(),
            at_least: 0.0,
        }
    }

    fn add(&mut self, page: Scored) {
        self.pages.push(page);
        if self.pages.len() >= 2 * self.most.max(1) {
            self.cut();
        }
    }

    /// Keeps only the best pages, and only the best one of near-duplicates.
    fn cut(&mut self) {
        let ids = self.ids;
        self.pages.sort_unstable_by(|a, b| ids.compare(a, b));
        let mut met = HashSet::new();
        let is_first = |page: &Scored| page.near_duplicates.is_none_or(|it| met.insert(it));
        self.pages.retain(is_first);
        self.pages.truncate(self.most);
        if let Some(last) = self.pages.last().filter(|_| self.pages.len() == self.most) {
            self.at_least = last.score;
        }
    }

    /// Returns the pages of a range, by descending score, then by id.
    fn range(mut self, range: Range<usize>) -> Vec<Scored> {
        self.cut();
        let range = range.start.min(self.pages.len())..range.end.min(self.pages.len());
        self.pages.drain(range).collect()
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

    /// Compares by descending score, then by id, which is read for ties only.
    fn compare(&self, a: &Scored, b: &Scored) -> Ordering {
        match b.score.total_cmp(&a.score) {
            Ordering::Equal => self.id(a.page).cmp(&self.id(b.page)),
            unequal => unequal,
        }
    }

    /// Returns the halves of a page's id.
    pub(super) fn id(&self, page: DocAddress) -> (u64, u64) {
        let columns = self.segments.get(page.segment_ord as usize);
        let half = |column: &Column<u64>| column.first(page.doc_id).unwrap_or_default();
        columns
            .and_then(Option::as_ref)
            .map_or((0, 0), |(high, low)| (half(high), half(low)))
    }
}
