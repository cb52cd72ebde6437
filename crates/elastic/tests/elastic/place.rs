//! An index of a test's own on the real server, behind a proxy that has faults.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter, Refused};
use canter_elastic::{ElasticIndex, Settings};
use canter_tests::contract::index::document;
use canter_tests::faults::{Asked, Turn};
use canter_tests::{Faults, OwnIndex};
use serde_json::{Value, json};

pub(crate) const SITE: &str = "example.org";

/// An index behind a proxy.
pub(crate) struct Place {
    pub(crate) index: ElasticIndex,
    pub(crate) faults: Faults,
    pub(crate) name: String,
    pub(crate) own: OwnIndex,
}

fn settings(own: &OwnIndex, faults: &Faults) -> Settings {
    Settings::new(&own.by_way_of(&faults.url()), None).unwrap()
}

impl Place {
    pub(crate) async fn new() -> Self {
        let own = OwnIndex::new();
        let faults = Faults::before(own.server());
        let settings = settings(&own, &faults);
        Place {
            index: ElasticIndex::open(&settings).await.unwrap(),
            faults,
            name: settings.index().to_owned(),
            own,
        }
    }

    /// A place for which one request may take a second, and trying may take two.
    pub(crate) async fn hurried() -> Self {
        Place::with_patience(Duration::from_secs(2)).await
    }

    /// A busy server takes its time to make an index, so that is made in more patience.
    pub(crate) async fn with_patience(patience: Duration) -> Self {
        let place = Place::new().await;
        let settings = settings(&place.own, &place.faults).patience(patience);
        Place {
            index: ElasticIndex::open(&settings).await.unwrap(),
            ..place
        }
    }

    /// What becomes of the first bulks.
    pub(crate) fn first_bulks(
        &self,
        most: usize,
        turn: impl Fn(&Asked) -> Turn + Send + Sync + 'static,
    ) {
        let count = AtomicUsize::new(0);
        self.faults.rule(move |asked| {
            let is_meant = is_bulk(asked) && count.fetch_add(1, Ordering::SeqCst) < most;
            if is_meant { turn(asked) } else { Turn::Pass }
        });
    }

    pub(crate) async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let (put, flushed) = tokio::join!(biased; self.index.put(documents), self.index.flush());
        // Both are told of a failure.
        assert_eq!(put.as_ref().err(), flushed.as_ref().err());
        put
    }

    /// Bodies of the bulks that came.
    pub(crate) fn bulks(&self) -> Vec<Asked> {
        let seen = self.faults.seen().into_iter().map(|seen| seen.asked);
        seen.filter(is_bulk).collect()
    }

    /// Every page is there once.
    pub(crate) async fn holds(&self, documents: &[Document]) {
        let versions = documents.iter().map(|it| (it.id(), it.version));
        let mut versions: Vec<_> = versions.collect();
        versions.sort();
        assert_eq!(self.index.versions(SITE).await, Ok(versions));
        let count = documents.len() as u64;
        assert_eq!(self.index.count(SITE).await, Ok(count));
    }
}

pub(crate) fn is_bulk(asked: &Asked) -> bool {
    asked.path.contains("/_bulk")
}

pub(crate) fn pages(count: usize) -> Vec<Document> {
    (0..count)
        .map(|n| document(&format!("/{n}"), 7, "ponies"))
        .collect()
}

/// The error of an operation that a full queue has no room for.
pub(crate) fn rejected() -> Value {
    json!({"type": "es_rejected_execution_exception", "reason": "queue is full"})
}
