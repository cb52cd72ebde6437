//! An index that is opened when it is first asked, against the real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_elastic::{ElasticIndex, ElasticReader, LazyIndex, Settings};
use canter_ranking::query::Query;
use canter_ranking::search::search_as_written;
use canter_tests::contract::index::{SITE, document};
use canter_tests::faults::Turn;
use canter_tests::{Faults, OwnIndex};
use tokio::sync::Barrier;

fn settings(url: &str) -> Settings {
    let settings = Settings::new(url, None).unwrap();
    settings.patience(Duration::from_secs(6))
}

fn ponies() -> Query {
    Query {
        text: "ponies".to_owned(),
        limit: 10,
        offset: 0,
        site: None,
        language: None,
        path: None,
    }
}

async fn fill(settings: &Settings) {
    let index = ElasticIndex::open(settings).await.unwrap();
    let put = index.put(vec![document("/a", 1, "ponies")]);
    let (put, flushed) = tokio::join!(biased; put, index.flush());
    assert_eq!((put, flushed), (Ok(vec![]), Ok(())));
}

/// Nothing is there, then an index, then none again, then another one: whoever asks is told each
/// time, and never has to open anything anew.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn it_comes_and_goes() {
    let own = OwnIndex::new();
    let settings = settings(&own.url());
    let index = LazyIndex::new(|| ElasticReader::open(&settings));
    for _ in 0..2 {
        let failure = search_as_written(&index, &ponies()).await.unwrap_err();
        assert!(matches!(failure, Failure::Transient(_)), "{failure:?}");
        assert!(failure.to_string().contains("crawl a site first"));
        assert!(index.count("example.org").await.is_err());
        fill(&settings).await;
        assert_eq!(search_as_written(&index, &ponies()).await.unwrap().total, 1);
        assert_eq!(index.count("example.org").await, Ok(1));
        own.ask("DELETE", &format!("/{}", settings.index()), "");
        own.ask(
            "DELETE",
            &format!("/_index_template/{}", settings.index()),
            "",
        );
    }
}

/// One request finds the index while another asks for its languages, one searches; whatever comes later
/// searches at once.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_first_search_takes_three_requests() {
    let own = OwnIndex::new();
    fill(&settings(&own.url())).await;
    let faults = Faults::before(own.server());
    let settings = settings(&own.by_way_of(&faults.url()));
    let index = LazyIndex::new(|| ElasticReader::open(&settings));
    assert_eq!(faults.seen().len(), 0);
    search_as_written(&index, &ponies()).await.unwrap();
    assert_eq!(faults.seen().len(), 3);
    search_as_written(&index, &ponies()).await.unwrap();
    assert_eq!(faults.seen().len(), 4);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_server_that_comes_back_is_found() {
    let own = OwnIndex::new();
    fill(&settings(&own.url())).await;
    let faults = Faults::before(own.server());
    faults.rule(|_| Turn::CutBefore);
    let settings = settings(&own.by_way_of(&faults.url()));
    let index = LazyIndex::new(|| ElasticReader::open(&settings));
    for _ in 0..2 {
        let failure = search_as_written(&index, &ponies()).await.unwrap_err();
        assert!(matches!(failure, Failure::Transient(_)), "{failure:?}");
    }
    faults.rule(|_| Turn::Pass);
    assert_eq!(search_as_written(&index, &ponies()).await.unwrap().total, 1);
}

/// Of those that ask while one tries, none tries for itself.
#[tokio::test]
async fn a_failure_is_shared() {
    let barrier = Arc::new(Barrier::new(2));
    let tries = AtomicU32::new(0);
    let index = LazyIndex::new(|| {
        tries.fetch_add(1, Ordering::SeqCst);
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Err::<ElasticReader, _>(Failure::transient("away"))
        }
    });
    let ask = || index.get(SITE, document("/a", 1, "ponies").id());
    // Polled in this order: the last opens the barrier when all others wait.
    let (one, two, three, _) = tokio::join!(biased; ask(), ask(), ask(), barrier.wait());
    for failure in [one, two, three] {
        assert_eq!(failure, Err(Failure::transient("away")));
    }
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    let (again, _) = tokio::join!(ask(), barrier.wait());
    assert!(again.is_err());
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}

/// What was opened for writing writes.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn it_writes_too() {
    let own = OwnIndex::new();
    let settings = settings(&own.url());
    let index = LazyIndex::new(|| ElasticIndex::open(&settings));
    assert_eq!(index.flush().await, Ok(()));
    let (status, _) = own.ask("GET", &format!("/{}", settings.index()), "");
    assert_eq!(status, 404, "a flush makes nothing");
    let page = document("/a", 1, "ponies");
    let id = page.id();
    assert_eq!(index.put(vec![page]).await, Ok(vec![]));
    assert_eq!(index.delete(SITE, vec![id]).await, Ok(()));
    assert_eq!(index.get(SITE, id).await, Ok(None));
}
