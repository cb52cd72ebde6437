//! What is lost, cut off, or takes too long; and what a person asks for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use canter_aws::queue::Errand;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_core::publish::{PublishedPages, Rows};
use canter_engine::cloud::look::Looks;
use canter_tantivy::TantivyIndex;
use tokio::time::{sleep, timeout};

use crate::world::event_source;
use crate::world::shelf::Shelf;

use super::{LOOKS, Stage};

/// Only its user knows that a crawl goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn nothing_is_sent_while_a_crawl_goes_on() {
    let stage = Stage::set(2).await;
    stage.place.begin(&stage.spec).await;
    let (steering, id) = (stage.steering(), &stage.spec.site.id);
    for sent in [steering.publish(id).await, steering.reindex(id).await] {
        assert!(matches!(sent, Ok(Some((_, false)))), "{sent:?}");
    }
    assert!(matches!(steering.publish("unknown").await, Ok(None)));
    assert_eq!(stage.place.errands().await, []);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn an_index_that_was_lost_is_filled_again() {
    let mut stage = Stage::set(51).await;
    stage.crawl().await;
    // By the next crawl, whose pages have not changed.
    let empty = TantivyIndex::open(&stage.folder.path().join("second")).unwrap();
    stage.index = Arc::new(Shelf::new(Arc::new(empty)));
    let refresh = stage.crawl().await;
    assert_eq!(refresh.counts.unwrap().unchanged, 51);
    assert_eq!(stage.shown().await, stage.paths);
    // And by an errand, without a request to the site.
    let visits = stage.site.log().all().len();
    let empty = TantivyIndex::open(&stage.folder.path().join("third")).unwrap();
    stage.index = Arc::new(Shelf::new(Arc::new(empty)));
    let sent = stage.steering().reindex(&stage.spec.site.id).await;
    assert!(matches!(sent, Ok(Some((_, true)))), "{sent:?}");
    stage.run_errand().await;
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.site.log().all().len(), visits);
}

/// A function that dies while it publishes leaves the rest to the next look.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_publishing_that_was_cut_off_is_continued() {
    const PAGES: usize = 200;
    let stage = Stage::set(PAGES).await;
    let crawling = stage.place.begin(&stage.spec).await;
    let (worker, pages) = (stage.worker(), stage.place.pages(&crawling));
    let work = async {
        while pages.counts().await.unwrap().indexed < PAGES as u64 {
            let messages = stage.place.receive().await;
            let report = event_source::work(&worker, &messages).await.unwrap();
            assert_eq!(report.failed, []);
        }
    };
    timeout(Duration::from_secs(120), work).await.unwrap();
    // The first crawl shows its pages before its end, without their links.
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.uncounted(&crawling).await, PAGES);

    stage.index.answers.store(2, Ordering::SeqCst);
    let doomed = stage.worker();
    let (id, crawl) = (stage.spec.site.id.clone(), crawling.clone());
    let killed =
        tokio::spawn(async move { event_source::end(&doomed, &crawl, LOOKS).await.map(drop) });
    let hangs = async {
        while stage.index.answers.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), hangs).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    killed.abort();
    assert!(killed.await.is_err());
    assert!(stage.standing().await.ended_ms.is_none());
    stage.index.answers.store(usize::MAX, Ordering::SeqCst);
    stage.index.flush().await.unwrap();

    stage.end(&crawling).await;
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.uncounted(&crawling).await, 0);
    // The rows say of each page which write the index holds.
    let rows = pages.rows(Rows::All).await.unwrap();
    let writes = rows.iter().map(|row| {
        let id = canter_core::document::document_id(&id, &row.url);
        (id, row.published.as_ref().unwrap().write)
    });
    let writes: BTreeSet<_> = writes.collect();
    let held = stage.index.versions(&stage.spec.site.id).await.unwrap();
    assert_eq!(BTreeSet::from_iter(held), writes);
}

/// A crawl whose pages are not read in time ends without their links, and the next one makes up for
/// it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_site_that_is_too_large_for_a_function_is_shown_without_links() {
    let stage = Stage::set(51).await;
    let hurried = Looks {
        pass: Duration::ZERO,
        ..LOOKS
    };
    for (looks, uncounted) in [(hurried, 51), (LOOKS, 0), (hurried, 0)] {
        let crawling = stage.place.begin(&stage.spec).await;
        stage.end_in(&crawling, looks).await;
        assert_eq!(stage.shown().await, stage.paths);
        assert_eq!(stage.uncounted(&crawling).await, uncounted, "{looks:?}");
    }
}

/// The bodies that steering sends are what the function reads.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_errand_of_a_person_names_its_site() {
    let stage = Stage::set(1).await;
    stage.crawl().await;
    let id = &stage.spec.site.id;
    stage.steering().publish(id).await.unwrap();
    stage.steering().reindex(id).await.unwrap();
    let errands = stage.place.errands().await.into_iter();
    let mut errands: Vec<_> = errands.map(|it| Errand::parse(&it.body).unwrap()).collect();
    errands.sort_by_key(|errand| matches!(errand, Errand::Reindex { .. }));
    let site = || id.clone();
    let expect = [
        Errand::Publish {
            site: site(),
            in_vain: 0,
        },
        Errand::Reindex {
            site: site(),
            in_vain: 0,
        },
    ];
    assert_eq!(errands, expect);
}
