//! From a query to a page of results.
//!
//! Pages and their sections lie one after the other, so one pass over a segment in order adds up
//! everything that a page scores, without a table of pages.

use std::cmp::Ordering;
use std::ops::Range;

use canter_core::document::Stored;
use canter_core::query::{DEEP_LINKS, Hit, Hits, Query, SectionHit, weight};
use canter_core::snippet::snippet;
use canter_core::terms::QueryTerms;
use canter_core::words::Words;
use tantivy::columnar::Column;
use tantivy::query::{
    BooleanQuery, EmptyScorer, EnableScoring, PhraseQuery, Query as _, Scorer, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, TERMINATED, TantivyDocument, Term};

use super::entry::{Fields, PAGE, SECTION, column};
use super::filter::Filter;
use super::statistics::OfKind;

/// Answers a query from one commit.
pub(super) fn search(
    searcher: &Searcher,
    fields: &Fields,
    query: &Query,
    words: &mut Words,
) -> tantivy::Result<Hits> {
    let terms = QueryTerms::of(&query.text, words);
    let asked = Asked::new(searcher, fields, &terms)?;
    let mut found = Vec::new();
    for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
        let filter = Filter::new(segment, query)?;
        asked.collect(segment, |page, score| {
            if !segment.is_deleted(page) && filter.allows(page) {
                let page = DocAddress::new(segment_ord, page);
                found.push(Found { score, page });
            }
        })?;
    }
    let total = found.len() as u64;
    let shown = shown(
        found,
        query.offset..query.offset + query.limit,
        &Ids::of(searcher)?,
    );
    let sections = asked.sections(searcher, &shown)?;
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

/// A query, ready for each segment.
struct Asked {
    sections: Option<Box<dyn Weight>>,
    /// What is looked for in entries of pages, and what it counts for.
    pages: Vec<(Box<dyn Weight>, f32)>,
    name: Option<Box<dyn Weight>>,
}

impl Asked {
    fn new(searcher: &Searcher, fields: &Fields, terms: &QueryTerms) -> tantivy::Result<Self> {
        let kind = |kind| OfKind::new(searcher, &Term::from_field_u64(fields.kind, kind));
        let of_pages = kind(PAGE)?;
        let of_sections = kind(SECTION)?;
        let mut pages = Vec::new();
        for (field, terms, counts) in [
            (fields.body, &terms.body, weight::BODY),
            (fields.address, &terms.words, weight::ADDRESS),
            (fields.common, &terms.common, weight::BODY),
        ] {
            let any = any_of(searcher, &of_pages, field, terms)?;
            pages.extend(any.map(|any| (any, counts)));
        }
        let scoring = EnableScoring::enabled_from_statistics_provider(&of_pages, searcher);
        for pair in &terms.pairs {
            let pair = pair
                .iter()
                .map(|word| Term::from_field_text(fields.body, word));
            let pair = PhraseQuery::new(pair.collect());
            pages.push((pair.weight(scoring)?, weight::PAIRS));
        }
        let name = terms.name.as_ref().map(|name| {
            TermQuery::new(
                Term::from_field_text(fields.name, name),
                IndexRecordOption::Basic,
            )
            .weight(EnableScoring::disabled_from_searcher(searcher))
        });
        Ok(Asked {
            sections: any_of(searcher, &of_sections, fields.section, &terms.words)?,
            pages,
            name: name.transpose()?,
        })
    }

    /// Gives each page of a segment that matches, with its score, in the segment's order.
    fn collect(
        &self,
        segment: &SegmentReader,
        mut give: impl FnMut(DocId, f32),
    ) -> tantivy::Result<()> {
        let distances = segment
            .fast_fields()
            .column_first_or_default::<u64>(column::DISTANCE)?;
        let page_of = |entry: DocId| match entry {
            TERMINATED => TERMINATED,
            entry => entry - distances.get_val(entry) as DocId,
        };
        let mut sections = scorer(self.sections.as_deref(), segment)?;
        let mut names = scorer(self.name.as_deref(), segment)?;
        let mut pages = Vec::with_capacity(self.pages.len());
        for (weight, counts) in &self.pages {
            pages.push(weight.scorer(segment, *counts)?);
        }
        loop {
            let nearest = pages.iter().map(|scorer| scorer.doc()).min();
            let page = nearest
                .unwrap_or(TERMINATED)
                .min(page_of(sections.doc()))
                .min(page_of(names.doc()));
            if page == TERMINATED {
                return Ok(());
            }
            let mut score = 0.0;
            for scorer in &mut pages {
                if scorer.doc() == page {
                    score += scorer.score();
                    scorer.advance();
                }
            }
            let mut best = 0.0_f32;
            while page_of(sections.doc()) == page {
                best = best.max(sections.score());
                sections.advance();
            }
            score += best * weight::SECTION;
            if page_of(names.doc()) == page {
                score += weight::NAME;
                while page_of(names.doc()) == page {
                    names.advance();
                }
            }
            give(page, score);
        }
    }

    /// For each page shown the places of its matching sections, best first: those that bear the
    /// query as their name, then by score.
    fn sections(&self, searcher: &Searcher, shown: &[Found]) -> tantivy::Result<Vec<Vec<usize>>> {
        let mut order: Vec<usize> = (0..shown.len()).collect();
        order.sort_unstable_by_key(|&at| shown[at].page);
        let mut all = vec![Vec::new(); shown.len()];
        for of_segment in
            order.chunk_by(|&a, &b| shown[a].page.segment_ord == shown[b].page.segment_ord)
        {
            let Some(&first) = of_segment.first() else {
                continue;
            };
            let segment = searcher.segment_reader(shown[first].page.segment_ord);
            let distances = segment
                .fast_fields()
                .column_first_or_default::<u64>(column::DISTANCE)?;
            let mut scorers = [
                (scorer(self.sections.as_deref(), segment)?, false),
                (scorer(self.name.as_deref(), segment)?, true),
            ];
            for &at in of_segment {
                let page = shown[at].page.doc_id;
                let mut matches: Vec<(DocId, f32)> = Vec::new();
                for (scorer, named) in &mut scorers {
                    if scorer.doc() <= page {
                        scorer.seek(page + 1);
                    }
                    while scorer.doc() != TERMINATED
                        && distances.get_val(scorer.doc()) == u64::from(scorer.doc() - page)
                    {
                        let score = if *named { f32::MAX } else { scorer.score() };
                        matches.push((scorer.doc(), score));
                        scorer.advance();
                    }
                }
                matches.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                for (entry, _) in matches {
                    let place = (entry - page - 1) as usize;
                    if !all[at].contains(&place) {
                        all[at].push(place);
                    }
                }
            }
        }
        Ok(all)
    }
}

/// Any of the terms of a field; none when there is none to look for.
fn any_of(
    searcher: &Searcher,
    statistics: &OfKind<'_>,
    field: Field,
    terms: &[String],
) -> tantivy::Result<Option<Box<dyn Weight>>> {
    if terms.is_empty() {
        return Ok(None);
    }
    let terms = terms.iter().map(|term| Term::from_field_text(field, term));
    let scoring = EnableScoring::enabled_from_statistics_provider(statistics, searcher);
    let query = BooleanQuery::new_multiterms_query(terms.collect());
    query.weight(scoring).map(Some)
}

fn scorer(
    weight: Option<&dyn Weight>,
    segment: &SegmentReader,
) -> tantivy::Result<Box<dyn Scorer>> {
    match weight {
        Some(weight) => weight.scorer(segment, 1.0),
        None => Ok(Box::new(EmptyScorer)),
    }
}

/// The results of a range, by falling score, then by id. Looks up the ids of ties only.
fn shown(mut found: Vec<Found>, range: Range<usize>, ids: &Ids) -> Vec<Found> {
    let by_rank = |a: &Found, b: &Found| match b.score.total_cmp(&a.score) {
        Ordering::Equal => ids.id(a.page).cmp(&ids.id(b.page)),
        unequal => unequal,
    };
    if range.start >= found.len() {
        return Vec::new();
    }
    if range.end < found.len() {
        found.select_nth_unstable_by(range.end, by_rank);
        found.truncate(range.end);
    }
    found.sort_unstable_by(by_rank);
    found.drain(range.start..).collect()
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
    sections: &[usize],
    terms: &QueryTerms,
    words: &mut Words,
) -> Hit {
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
