//! An index of hand-made hits, and requests to a service over it without a socket.
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use canter_api::{Crawl, Held, NoStatus, Report, State, Status, router};
use canter_core::failure::Failure;
use canter_core::time::Moment;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::corrections::Missing;
use canter_ranking::facets::Facets;
use canter_ranking::plan::Plan;
use canter_ranking::query::{Hit, Hits, Query, SectionHit};
use canter_ranking::search::{Answer, SearchIndex};
use canter_ranking::tokenizer::Language;
use serde_json::Value;
use tower::ServiceExt;
use url::Url;

/// 2026-11-22T10:00:00Z.
pub(crate) const FETCHED_MS: u64 = 1_795_341_600_000;

/// Gives every search the same hits, cut to the page that is asked for, or the same failure.
pub(crate) struct FakeIndex {
    pub(crate) hits: Result<Vec<Hit>, Failure>,
    pub(crate) exact: bool,
    /// A word that no page holds, and its correction.
    pub(crate) meant: Option<(&'static str, &'static str)>,
    /// Names that begin with anything.
    pub(crate) names: Vec<Named>,
    pub(crate) facets: Facets,
    pub(crate) asked: Mutex<Vec<Query>>,
}

impl FakeIndex {
    pub(crate) fn of(hits: Vec<Hit>) -> Self {
        FakeIndex {
            hits: Ok(hits),
            exact: true,
            meant: None,
            names: Vec::new(),
            facets: Facets::default(),
            asked: Mutex::default(),
        }
    }

    pub(crate) fn failing(failure: Failure) -> Self {
        FakeIndex {
            hits: Err(failure),
            ..FakeIndex::of(Vec::new())
        }
    }

    /// Pages that differ in their number.
    pub(crate) fn with(count: usize) -> Self {
        FakeIndex::of((0..count).map(numbered).collect())
    }

    /// The searches so far.
    pub(crate) fn asked(&self) -> Vec<Query> {
        self.asked.lock().unwrap().clone()
    }
}

impl SearchIndex for FakeIndex {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        Ok(Vec::new())
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        let query = &plan.query;
        self.asked.lock().unwrap().push(query.clone());
        let hits = self.hits.clone()?;
        let words = plan.query_words.iter().map(|it| it.word.as_str());
        let missing = self
            .meant
            .filter(|(word, _)| words.clone().any(|it| it == *word));
        Ok(Answer {
            hits: Hits {
                total: hits.len() as u64,
                exact: self.exact,
                hits: hits
                    .into_iter()
                    .skip(query.offset)
                    .take(query.limit)
                    .collect(),
                meant: None,
                facets: self.facets.clone(),
            },
            missing: Vec::from_iter(missing.map(|(word, meant)| Missing {
                word: word.to_owned(),
                like: vec![(meant.to_owned(), 1)],
            })),
        })
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        let hits = self.hits.as_ref();
        let names = hits.map(|_| self.names.iter().take(prefix.limit).cloned());
        names.map(Iterator::collect).map_err(Clone::clone)
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        let is_missing = self.meant.is_some_and(|(word, _)| word == prefix);
        let word = (!is_missing).then(|| (format!("{prefix}ing"), 1));
        Ok(Vec::from_iter(word))
    }
}

/// A page with a section, both with a highlight.
pub(crate) fn hit(url: &str, title: &str, snippet: &str) -> Hit {
    Hit {
        url: Url::parse(url).unwrap(),
        title: title.to_owned(),
        snippet: snippet.to_owned(),
        score: 12.5,
        site: "docs.test".to_owned(),
        fetched_at_ms: FETCHED_MS + 999,
        sections: vec![SectionHit {
            url: Url::parse(&format!("{url}#part")).unwrap(),
            title: "A part".to_owned(),
            snippet: "of <mark>it</mark>".to_owned(),
        }],
    }
}

fn numbered(number: usize) -> Hit {
    let url = format!("https://docs.test/page-{number}.html");
    hit(
        &url,
        &format!("Page {number}"),
        "a <mark>word</mark> &amp; more",
    )
}

/// One crawl that runs.
pub(crate) struct Running {
    pub(crate) searchable: u64,
}

impl Status for Running {
    async fn status(&self) -> Result<Report, Failure> {
        Ok(Report {
            crawls: vec![Crawl {
                site: "docs.test".to_owned(),
                state: State::Running,
                searchable: self.searchable,
                pages: 1234,
                waiting: 5678,
                failed: 2,
                rps_limit: Some(10.0),
                held: Some(Held {
                    reason: "pages are gone".to_owned(),
                    share: 0.25,
                    pages: 30,
                    examples: vec![Url::parse("https://docs.test/gone").unwrap()],
                }),
                started_at: Moment::from_millis(FETCHED_MS),
                updated_at: Moment::from_millis(FETCHED_MS + 60_000),
            }],
        })
    }
}

/// A status source that is out of order.
pub(crate) struct Lost;

impl Status for Lost {
    async fn status(&self) -> Result<Report, Failure> {
        Err(Failure::transient("no page store"))
    }
}

/// A service that knows nothing of crawls.
pub(crate) fn over(index: FakeIndex) -> Router {
    router(Arc::new(index), Arc::new(NoStatus))
}

/// An answer, read to its end.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) async fn get(service: &Router, uri: &str) -> Answered {
    send(service, "GET", uri).await
}

pub(crate) async fn send(service: &Router, method: &str, uri: &str) -> Answered {
    let request = Request::builder().method(method).uri(uri);
    let request = request.body(Body::empty()).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answered {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
