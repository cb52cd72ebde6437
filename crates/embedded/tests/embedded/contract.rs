//! The embedded adapters are held to the contracts of the ports.

use std::sync::Arc;

use canter_core::ports::{Frontier, Headers, Pages};
use canter_core::scope::{Options, Scope};
use canter_core::site::{Limits, Site};
use canter_core::solo::{Popped, SoloCrawl};
use canter_core::task::Task;
use canter_core::time::Moment;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::store::{SiteStore, Store};
use canter_page::url::Limits as UrlLimits;
use canter_tests::contract::{
    Crawl, archive, frontier, link, paces, pages, published, robots, url,
};
use std::time::Duration;
use tempfile::TempDir;

fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (
        Store::open(&folder.path().join("state.sqlite")).unwrap(),
        folder,
    )
}

/// A site's store in its first crawl, with its seed out of the way.
async fn site() -> (SiteStore, Crawl, TempDir) {
    let (store, folder) = store();
    let seed = url("/seed");
    let site = Site {
        id: "example.org".into(),
        scope: Scope::new(std::slice::from_ref(&seed), Options::default()).unwrap(),
        seeds: vec![seed],
        sitemaps: Vec::new(),
        limits: Limits {
            max_pages: None,
            max_depth: None,
            max_page_bytes: 1 << 20,
            timeout: Duration::from_secs(30),
            attempts: 3,
            url: UrlLimits::default(),
        },
        headers: Headers::default(),
        product: "canter".into(),
    };
    let clock = Arc::new(|| Moment::from_millis(1_000_000));
    let (site_store, _, _) = store.begin_crawl(&site, false, clock).await.unwrap();
    assert_eq!(due(&site_store).await.len(), 1);
    let crawl = Crawl {
        site: site.id,
        crawl: site_store.crawl(),
    };
    (site_store, crawl, folder)
}

async fn due(store: &SiteStore) -> Vec<Task> {
    match store.pop(100).await.unwrap() {
        Popped::Tasks(tasks) => tasks,
        Popped::Wait(_) | Popped::Empty => Vec::new(),
    }
}

macro_rules! held_to {
    (pages: $($name:ident)+) => {
        mod page_store {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let (store, crawl, _folder) = site().await;
                pages::$name(&store, &crawl).await;
            })+
        }
    };
    (frontier: $($name:ident)+) => {
        mod waiting_tasks {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let (store, crawl, _folder) = site().await;
                frontier::$name(&store, &crawl, async || due(&store).await).await;
            })+
        }
    };
    (published: $($name:ident)+) => {
        mod published_pages {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let (store, crawl, _folder) = site().await;
                published::$name(&store, &crawl).await;
            })+
        }
    };
    ($port:ident: $($name:ident)+) => {
        $(#[tokio::test] async fn $name() {
            let (store, _folder) = store();
            $port::$name(&store).await;
        })+
    };
}

held_to! { pages:
    one_link_has_one_parent
    a_claim_becomes_a_task
    a_parent_that_died_claims_again
    what_nobody_has_pushed_is_not_settled
    a_finished_page_is_not_claimed
    the_first_end_stays
    a_newer_crawl_claims_anew
    an_older_crawl_does_nothing
    a_skipped_claim_ends_at_once
    another_parent_overrules_a_provisional_skip
    doubled_links_are_one
    every_outcome_is_kept
}

held_to! { frontier:
    a_pushed_task_is_given_out_once
    pushing_twice_does_no_harm
    a_delay_is_kept
    attempts_are_kept
    what_has_ended_is_not_given_out
}

held_to! { paces:
    an_idle_domain_starts_now
    domains_are_apart
    a_hold_is_kept
    a_hold_without_end_is_no_error
    no_slot_is_given_twice
    another_pace_keeps_its_own_distance
}

held_to! { robots:
    a_policy_comes_back
    an_old_policy_is_none
    a_policy_of_the_future_is_none
    a_policy_is_replaced
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_never_overlap() {
    let (store, _folder) = store();
    paces::leases_never_overlap(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_apart_while_time_goes_on() {
    let (store, _folder) = store();
    paces::leases_are_apart_while_time_goes_on(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_among_leases_is_kept() {
    let (store, _folder) = store();
    paces::a_hold_among_leases_is_kept(Arc::new(store)).await;
}

/// Here a push is as durable as a claim: a task is given out once, however often it is pushed, and
/// to its parent no more.
#[tokio::test]
async fn pushing_twice_is_pushing_once() {
    let (store, crawl, _folder) = site().await;
    let parent = crawl.task("/parent");
    let tasks = store.claim(&parent, vec![link("/1")]).await.unwrap().tasks;
    store.push(tasks.clone(), Duration::ZERO).await.unwrap();
    store.push(tasks.clone(), Duration::ZERO).await.unwrap();
    assert_eq!(
        store.claim(&parent, vec![link("/1")]).await.unwrap().tasks,
        []
    );
    assert_eq!(due(&store).await, tasks);
    assert_eq!(due(&store).await, []);
}

canter_tests::promises_of_published_pages!(held_to);

macro_rules! an_archive {
    ($($name:ident)+) => {
        mod archive_of_pages {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let archive = SqliteArchive::open(&folder.path().join("pages.sqlite")).unwrap();
                archive::$name(&archive).await;
            })+
        }
    };
}

canter_tests::promises_of_an_archive!(an_archive);
