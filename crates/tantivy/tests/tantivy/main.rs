//! The index in files against real folders.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod contract;
mod generations;
mod search;
mod writing;

use std::future::Future;
use std::path::Path;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_page::{Link, Section};
use canter_ranking::query::{Hits, Query};
use canter_ranking::search::search_as_written;
use canter_tantivy::{LAYOUT, TantivyIndex, TantivyReader};
use canter_tests::contract::index::{self, SITE, page as document};
use tempfile::TempDir;

fn query(text: &str) -> Query {
    Query {
        limit: 10,
        ..index::query(text)
    }
}

/// An index in a folder of its own.
struct Place {
    dir: TempDir,
    index: TantivyIndex,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(dir.path()).unwrap();
        Place { dir, index }
    }

    async fn with(documents: Vec<Document>) -> Self {
        let place = Place::new();
        place.put(documents).await;
        place
    }

    async fn put(&self, documents: Vec<Document>) {
        let refused = done(&self.index, self.index.put(documents)).await;
        assert_eq!(refused, Ok(vec![]));
    }

    async fn paths(&self, query: Query) -> Vec<String> {
        paths(&search_as_written(&self.index, &query).await.unwrap())
    }
}

/// Awaits a write without waiting for the commit's time: the write is sent first, as the first
/// poll of both is in order.
async fn done<T>(
    index: &TantivyIndex,
    write: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let (written, flushed) = tokio::join!(biased; write, index.flush());
    flushed.and(written)
}

fn paths(hits: &Hits) -> Vec<String> {
    hits.hits
        .iter()
        .map(|hit| hit.url.path().to_owned())
        .collect()
}

/// Polls a future once.
async fn futures_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn said(failure: Option<&Failure>) -> String {
    match failure {
        Some(Failure::Permanent(said)) => said.to_string(),
        other => format!("{other:?}"),
    }
}
