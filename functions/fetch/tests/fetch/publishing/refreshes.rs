//! What a refresh changes.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use canter_aws::Beginning;
use canter_core::ports::IndexReader;
use canter_core::scope::{Options, Scope};
use canter_engine::cloud::look::Looks;
use canter_tests::{Answer, Site};
use tokio::time::sleep;

use crate::world::spec;

use super::{LOOKS, Stage, text};

/// A refresh of an unchanged site writes nothing into the index.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn an_unchanged_site_is_written_once() {
    let stage = Stage::set(51).await;
    stage.crawl().await;
    let versions = stage.index.versions(&stage.spec.site.id).await;
    stage.index.answers.store(0, Ordering::SeqCst);
    let refresh = stage.crawl().await;
    assert!(refresh.changes.unwrap().is_empty());
    let after = stage.index.versions(&stage.spec.site.id).await;
    assert_eq!(after, versions);
}

/// A refresh that takes long is published while it goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_long_refresh_is_published_in_portions() {
    let stage = Stage::set(51).await;
    stage.crawl().await;
    let slow = Duration::from_secs(8);
    let changed = |path: &str| Answer::html(text(path).replace("Original", "Revised"));
    for path in ["/1", "/2", "/3"] {
        stage.site.set(path, changed(path));
    }
    stage.site.set("/50", changed("/50").after(slow));
    let looks = Looks {
        portion: Duration::from_millis(500),
        ..LOOKS
    };
    let crawling = stage.place.begin(&stage.spec).await;
    let seen = async {
        while stage.says("Revised").await < 3 {
            sleep(Duration::from_millis(100)).await;
        }
        assert!(stage.standing().await.ended_ms.is_none());
        assert_eq!(stage.says("Original").await, 47);
    };
    tokio::join!(stage.end_in(&crawling, looks), seen);
    assert_eq!(stage.says("Revised").await, 4);
    assert_eq!(stage.standing().await.changes.unwrap().changed.count, 4);
}

/// More than ten pages are lost, and no more than a tenth of them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_twentieth_renamed_and_a_twentieth_removed_are_published() {
    let stage = Stage::set(240).await;
    stage.crawl().await;
    for number in 1..=12 {
        let (old, new) = (format!("/{number}"), format!("/new/{number}"));
        stage.site.set(&old, Answer::redirect(&new));
        stage.site.set(&new, Answer::html(text(&old)));
        let removed = format!("/{}", number + 12);
        stage.site.set(&removed, Answer::status(410));
    }
    let refresh = stage.crawl().await;
    assert_eq!(refresh.held, None);
    let changes = refresh.changes.unwrap();
    let counts = (
        changes.moved.count,
        changes.new.count,
        changes.removed.count,
    );
    assert_eq!(counts, (12, 12, 12), "{changes:?}");
    let shown = stage.shown().await;
    assert_eq!(shown.len(), 240 - 12);
    assert!(shown.contains("/new/1") && !shown.contains("/1") && !shown.contains("/13"));
}

/// The seed had redirected, and does not answer when the scope is changed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_changed_scope_keeps_the_pages_to_which_the_seed_had_moved() {
    let mut stage = Stage::set(5).await;
    let site = Site::new()
        .answer("/old/", Answer::redirect("/docs/"))
        .page("/docs/", ["/docs/a", "/docs/x/b"])
        .page("/docs/a", [])
        .page("/docs/x/b", [])
        .start();
    stage.spec = spec(&site.url("/old/"), None);
    stage.site = site;
    stage.crawl().await;
    assert_eq!(stage.shown().await.len(), 3);
    stage.site.set("/old/", Answer::status(500));
    let options = Options {
        exclude: vec!["/docs/x/**".into()],
        ..Options::default()
    };
    let crawled = &mut stage.spec.site;
    crawled.scope = Scope::new(&crawled.seeds, options).unwrap();
    let sites = stage.place.sites();
    let (beginning, crawling) = sites.begin(&stage.spec, true).await.unwrap();
    assert_eq!(beginning, Beginning::ChangedScope);
    stage.end(&crawling).await;
    let expected = ["/docs/", "/docs/a"].map(str::to_owned);
    assert_eq!(stage.shown().await, BTreeSet::from(expected));
}
