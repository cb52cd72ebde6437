//! An index of hand-made hits, and requests to a service over it without a socket.
#![allow(dead_code, reason = "each test binary uses its part")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use canter_api::{Crawl, NoStatus, Report, State, Status, router};
use canter_core::failure::Failure;
use canter_core::time::Moment;
use canter_ranking::completion::{Beginning, Named};
use canter_ranking::counts::Counts;
use canter_ranking::query::{Hit, Hits, Query, SectionHit};
use canter_ranking::search::SearchIndex;
use serde_json::Value;
use tower::ServiceExt;
use url::Url;

/// 2026-11-22T10:00:00Z.
pub(crate) const FETCHED_MS: u64 = 1_795_341_600_000;

/// Gives every search the same hits, cut to the page that is asked for, or the same failure.
pub(crate) struct Shelf {
    pub(crate) hits: Result<Vec<Hit>, Failure>,
    pub(crate) exact: bool,
    /// What is typed, and what is meant by it.
    pub(crate) meant: Option<(&'static str, &'static str)>,
    /// Names that begin with anything.
    pub(crate) names: Vec<Named>,
    pub(crate) counts: Counts,
    pub(crate) asked: Mutex<Vec<Query>>,
}

impl Shelf {
    pub(crate) fn of(hits: Vec<Hit>) -> Self {
        Shelf {
            hits: Ok(hits),
            exact: true,
            meant: None,
            names: Vec::new(),
            counts: Counts::default(),
            asked: Mutex::default(),
        }
    }

    pub(crate) fn failing(failure: Failure) -> Self {
        Shelf {
            hits: Err(failure),
            ..Shelf::of(Vec::new())
        }
    }

    /// So many pages that differ in their number.
    pub(crate) fn with(count: usize) -> Self {
        Shelf::of((0..count).map(numbered).collect())
    }

    /// The searches so far.
    pub(crate) fn asked(&self) -> Vec<Query> {
        self.asked.lock().unwrap().clone()
    }
}

impl SearchIndex for Shelf {
    async fn search(&self, query: Query) -> Result<Hits, Failure> {
        self.asked.lock().unwrap().push(query.clone());
        let hits = self.hits.clone()?;
        Ok(Hits {
            total: hits.len() as u64,
            exact: self.exact,
            hits: hits
                .into_iter()
                .skip(query.offset)
                .take(query.limit)
                .collect(),
            meant: self
                .meant
                .filter(|(typed, _)| *typed == query.text)
                .map(|(_, meant)| meant.to_owned()),
            counts: self.counts.clone(),
        })
    }

    async fn names(&self, beginning: Beginning) -> Result<Vec<Named>, Failure> {
        let hits = self.hits.as_ref();
        let names = hits.map(|_| self.names.iter().take(beginning.limit).cloned());
        names.map(Iterator::collect).map_err(Clone::clone)
    }

    async fn words(&self, beginning: String) -> Result<Vec<(String, u64)>, Failure> {
        Ok(vec![(format!("{beginning}ing"), 1)])
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
pub(crate) fn over(shelf: Shelf) -> Router {
    router(Arc::new(shelf), Arc::new(NoStatus))
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
