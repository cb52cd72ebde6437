//! The answer to a search, for programs and for the search page.

use std::time::Duration;

use canter_core::time::Moment;
use canter_page::url::is_http;
use canter_ranking::completion::Completion;
use canter_ranking::query::{Hit, Hits, Query, SectionHit};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::snippet::only_marks;

/// Body of `GET /api/v1/search`.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) query: String,
    pub(crate) total: Total,
    pub(crate) took_ms: u64,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) results: Vec<Match>,
    /// The corrected query that the results are for, if the query has words that no page holds.
    pub(crate) suggestion: Option<String>,
    /// Facets of all matching pages.
    pub(crate) filters: Filters,
}

/// Facets by the parameter that filters by them.
#[derive(Debug, Serialize)]
pub(crate) struct Filters {
    pub(crate) site: Vec<Value>,
    pub(crate) lang: Vec<Value>,
    pub(crate) path: Vec<Value>,
}

/// A value of a filter, and the number of results that have it.
#[derive(Debug, Serialize)]
pub(crate) struct Value {
    pub(crate) value: String,
    pub(crate) count: u64,
}

/// Body of `GET /api/v1/suggest`.
#[derive(Debug, Serialize)]
pub(crate) struct Suggestions {
    pub(crate) query: String,
    pub(crate) suggestions: Vec<Suggestion>,
}

/// A completion of the typed text.
#[derive(Debug, Serialize)]
pub(crate) struct Suggestion {
    /// The whole completed query.
    pub(crate) text: String,
    /// The page or section of that name; null for words.
    pub(crate) url: Option<String>,
}

impl Suggestion {
    /// Keeps only http(s) links; see [`Answer::new`].
    pub(crate) fn all(completions: Vec<Completion>) -> Vec<Self> {
        let completions = completions.into_iter();
        let web = completions.filter(|it| it.url.as_ref().is_none_or(is_http));
        let web = web.map(|it| Suggestion {
            text: it.text,
            url: it.url.map(String::from),
        });
        web.collect()
    }
}

/// The number of matching pages.
#[derive(Debug, Serialize)]
pub(crate) struct Total {
    pub(crate) value: u64,
    pub(crate) relation: Relation,
}

/// Whether a total is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Relation {
    /// The total is exact.
    Eq,
    /// The total is a lower bound.
    Gte,
}

/// A matching page.
#[derive(Debug, Serialize)]
pub(crate) struct Match {
    pub(crate) url: String,
    pub(crate) title: String,
    /// HTML in which only `<mark>` is markup.
    pub(crate) snippet: String,
    pub(crate) score: f32,
    pub(crate) site: String,
    #[serde(serialize_with = "rfc3339")]
    pub(crate) fetched_at: Moment,
    pub(crate) sections: Vec<SectionMatch>,
}

/// A matching section: a deep link.
#[derive(Debug, Serialize)]
pub(crate) struct SectionMatch {
    pub(crate) url: String,
    pub(crate) title: String,
    /// HTML in which only `<mark>` is markup.
    pub(crate) snippet: String,
}

impl Answer {
    /// Returns the answer for the hits of a search. It drops all links but http(s) links: an
    /// imported file might hold others, and a `javascript:` link runs in the reader's browser.
    pub(crate) fn new(query: &Query, hits: Hits, took: Duration) -> Self {
        Answer {
            query: query.text.clone(),
            total: Total {
                value: hits.total,
                relation: if hits.exact {
                    Relation::Eq
                } else {
                    Relation::Gte
                },
            },
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            limit: query.limit,
            offset: query.offset,
            results: hits.hits.into_iter().filter_map(Match::new).collect(),
            suggestion: hits.meant,
            filters: Filters {
                site: values(hits.facets.sites),
                lang: values(hits.facets.languages),
                path: values(hits.facets.folders),
            },
        }
    }
}

fn values(counts: Vec<(String, u64)>) -> Vec<Value> {
    let counts = counts.into_iter();
    counts
        .map(|(value, count)| Value { value, count })
        .collect()
}

impl Match {
    fn new(hit: Hit) -> Option<Self> {
        is_http(&hit.url).then(|| Match {
            url: hit.url.into(),
            title: hit.title,
            snippet: only_marks(&hit.snippet).into_owned(),
            score: hit.score,
            site: hit.site,
            fetched_at: Moment::from_millis(hit.fetched_at_ms),
            sections: hit
                .sections
                .into_iter()
                .filter_map(SectionMatch::new)
                .collect(),
        })
    }
}

impl SectionMatch {
    fn new(hit: SectionHit) -> Option<Self> {
        is_http(&hit.url).then(|| SectionMatch {
            url: hit.url.into(),
            title: hit.title,
            snippet: only_marks(&hit.snippet).into_owned(),
        })
    }
}

/// Converts a moment since the Unix epoch to a timestamp in whole seconds.
pub(crate) fn timestamp(moment: Moment) -> Timestamp {
    // 64 bits of nanoseconds reach the year 2554, well inside the range of a timestamp.
    i64::try_from(moment.millis() / 1000)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Serializes a moment since the Unix epoch by RFC 3339, in UTC and whole seconds.
pub(crate) fn rfc3339<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&timestamp(*moment))
}
