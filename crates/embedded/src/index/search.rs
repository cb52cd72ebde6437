//! From a query to a page of results.

use std::cmp::Ordering;
use std::ops::Range;

use canter_core::document::Stored;
use canter_core::query::{DEEP_LINKS, Hit, Hits, Query, SectionHit};
use canter_core::snippet::snippet;
use canter_core::terms::{QueryTerms, names};
use canter_core::words::Words;
use tantivy::columnar::Column;
use tantivy::{DocAddress, Searcher, SegmentReader, TERMINATED, TantivyDocument};

use super::entry::{Fields, column};
use super::filter::Filter;
use super::scoring::{Asked, Pass};

/// Answers a query from one commit.
pub(super) fn search(
    searcher: &Searcher,
    fields: &Fields,
    query: &Query,
    words: &mut Words,
) -> tantivy::Result<Hits> {
    let terms = QueryTerms::of(&query.text, words);
    let asked = Asked::new(searcher, fields, &terms)?;
    let ids = Ids::of(searcher)?;
    let mut top = Top::new(query.offset + query.limit, &ids);
    let mut total = 0;
    for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
        let filter = Filter::new(segment, query)?;
        let mut pass = Pass::new(&asked, segment)?;
        while pass.page() != TERMINATED {
            let page = pass.page();
            if !segment.is_deleted(page) && filter.allows(page) {
                total += 1;
                if let Some(score) = pass.score(top.at_least) {
                    let page = DocAddress::new(segment_ord, page);
                    top.add(Found { score, page });
                }
            }
            pass.advance();
        }
    }
    let shown = top.range(query.offset..query.offset + query.limit);
    let sections = sections(searcher, &asked, &shown)?;
    let mut hits = Vec::with_capacity(shown.len());
    for (found, sections) in shown.iter().zip(sections) {
        let entry: TantivyDocument = searcher.doc(found.page)?;
        let stored = fields.stored(&entry, false)?;
        hits.push(hit(stored, found.score, &sections, &terms, words));
    }
    Ok(Hits {
        total,
        exact: true,
        hits,
    })
}

/// A page that matches.
#[derive(Debug, Clone, Copy)]
struct Found {
    score: f32,
    page: DocAddress,
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

    fn cut(&mut self) {
        if self.most == 0 || self.found.len() <= self.most {
            return;
        }
        let ids = self.ids;
        let last = self.most - 1;
        let by_rank = |a: &Found, b: &Found| ids.compare(a, b);
        let (_, last, _) = self.found.select_nth_unstable_by(last, by_rank);
        self.at_least = last.score;
        self.found.truncate(self.most);
    }

    /// The results of a range, by falling score, then by id.
    fn range(mut self, range: Range<usize>) -> Vec<Found> {
        self.cut();
        self.found.sort_unstable_by(|a, b| self.ids.compare(a, b));
        let range = range.start.min(self.found.len())..range.end.min(self.found.len());
        self.found.drain(range).collect()
    }
}

/// For each page shown the places of its matching sections, best first, and whether one of its
/// names is the query.
fn sections(
    searcher: &Searcher,
    asked: &Asked,
    shown: &[Found],
) -> tantivy::Result<Vec<(Vec<usize>, bool)>> {
    let mut order: Vec<usize> = (0..shown.len()).collect();
    order.sort_unstable_by_key(|&at| shown[at].page);
    let mut all = vec![(Vec::new(), false); shown.len()];
    let segment = |at: usize| shown[at].page.segment_ord;
    for of_segment in order.chunk_by(|&a, &b| segment(a) == segment(b)) {
        let reader = searcher.segment_reader(segment(of_segment[0]));
        let mut pass = Pass::new(asked, reader)?;
        for &at in of_segment {
            let page = shown[at].page.doc_id;
            pass.seek(page);
            all[at] = pass.sections(page);
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

fn hit(
    stored: Stored,
    score: f32,
    (sections, named): &(Vec<usize>, bool),
    terms: &QueryTerms,
    words: &mut Words,
) -> Hit {
    let mut sections = sections.clone();
    if let Some(name) = terms.name.as_ref().filter(|_| *named) {
        let bears = |place: &usize| {
            let section = &stored.sections[*place];
            let ids = section.anchor.iter().chain(&section.names);
            names(&section.title, ids).contains(name)
        };
        let bearers: Vec<usize> = (0..stored.sections.len()).filter(bears).collect();
        sections.retain(|place| !bearers.contains(place));
        sections.splice(..0, bearers);
    }
    let text_of = |place: &usize| {
        let section = stored.sections.get(*place)?;
        let text = stored.text.get(section.start..section.end)?;
        // The heading is shown as the link's title.
        let below = text
            .strip_prefix(section.title.as_str())
            .filter(|below| below.starts_with('\n') && !below.trim().is_empty());
        Some((section, below.unwrap_or(text)))
    };
    let best = sections.iter().find_map(text_of);
    let text = best.map_or(stored.text.as_str(), |(_, text)| text);
    let page_snippet = snippet(text, terms, words);
    let links = sections.iter().filter_map(text_of).filter_map(|found| {
        let mut url = stored.url.clone();
        url.set_fragment(Some(found.0.anchor.as_deref()?));
        Some((url, found))
    });
    let links = links.take(DEEP_LINKS).map(|(url, found)| SectionHit {
        url,
        title: match found.0.title.trim() {
            "" => stored.title.clone(),
            title => title.to_owned(),
        },
        snippet: match best == Some(found) {
            true => page_snippet.clone(),
            false => snippet(found.1, terms, words),
        },
    });
    let sections = links.collect();
    let title = match stored.title.trim() {
        "" => stored.url.to_string(),
        title => title.to_owned(),
    };
    Hit {
        url: stored.url,
        title,
        snippet: page_snippet,
        score,
        site: stored.site,
        fetched_at_ms: stored.fetched_at_ms,
        sections,
    }
}
