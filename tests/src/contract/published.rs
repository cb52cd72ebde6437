//! The page store's part in publishing: each row says which version of its page the index shows.

use std::time::Duration;

use canter_core::absence::{Absence, Signal};
use canter_core::ports::{Finish, Known, Pages, Place};
use canter_core::publish::{Mark, PageRow, Published, PublishedPages, Rows, UNCOUNTED};
use canter_core::task::{Outcome, Skip, Task, UrlKey};
use canter_core::time::Moment;

use super::{Crawl, fine, indexed, kept, link, url};

/// A page store that publishing can use.
pub trait PublishingStore: Pages + PublishedPages {}

impl<S: Pages + PublishedPages> PublishingStore for S {}

/// A finished page is a row with its newest version, and nothing of it is published. A URL without
/// a page is no row.
pub async fn a_finished_page_is_a_row<S: PublishingStore>(store: &S, crawl: &Crawl) {
    end(store, crawl, "/1", indexed("1")).await;
    end(store, crawl, "/gone", gone(404)).await;
    claimed(store, crawl, "/waiting").await;
    assert_eq!(fine(store.rows(Rows::All).await), [new_row("/1", "1")]);
}

/// A row has the signal of its outcome and its last status, and how long the page has been absent.
pub async fn a_row_tells_what_this_crawl_saw<S: PublishingStore>(store: &S, crawl: &Crawl) {
    let to = url("/to");
    for (path, outcome, status, signal) in [
        ("/1", Outcome::Unchanged, 304, Signal::Answered),
        ("/2", Outcome::Gone { status: 404 }, 404, Signal::Missing),
        ("/3", Outcome::Gone { status: 410 }, 410, Signal::Gone),
        (
            "/4",
            Outcome::Redirected { to: to.clone() },
            301,
            Signal::Moved(UrlKey::of(&to)),
        ),
        (
            "/5",
            Outcome::Redirected { to: to.clone() },
            302,
            Signal::Temporary,
        ),
        ("/6", Skip::Noindex.into(), 200, Signal::Noindex),
        (
            "/7",
            Outcome::Failed { why: "x".into() },
            403,
            Signal::Refused,
        ),
        (
            "/8",
            Outcome::Failed { why: "x".into() },
            500,
            Signal::Unknown,
        ),
    ] {
        let absence = Absence::after(None, signal, Moment::from_millis(5));
        let before = indexed(path);
        let exchange = before
            .exchange
            .map(|exchange| canter_core::ports::Exchange { status, ..exchange });
        let finish = Finish {
            outcome,
            known: Known {
                absence,
                ..before.known
            },
            exchange,
        };
        end(store, crawl, path, finish).await;
        let expected = PageRow {
            signal: Some(signal),
            absence,
            ..new_row(path, path)
        };
        assert_eq!(row(store, path).await, Some(expected), "{path}");
    }
    let robots = Finish {
        outcome: Skip::Robots.into(),
        exchange: None,
        ..indexed("9")
    };
    end(store, crawl, "/9", robots).await;
    let signal = row(store, "/9").await.and_then(|row| row.signal);
    assert_eq!(signal, Some(Signal::Disallowed));
}

/// The rows for an early publishing are pages of this crawl that answered and were never published,
/// at most as many as wanted.
pub async fn only_pages_of_this_crawl_that_answered_are_unpublished<S: PublishingStore>(
    store: &S,
    crawl: &Crawl,
) {
    end(store, &crawl.older(), "/old", indexed("old")).await;
    end(store, crawl, "/shown", indexed("shown")).await;
    mark(store, "/shown", Mark::Shown(published("shown"))).await;
    let noindex = Finish {
        outcome: Skip::Noindex.into(),
        ..indexed("hidden")
    };
    end(store, crawl, "/hidden", noindex).await;
    end(store, crawl, "/gone", gone(404)).await;
    for path in ["/1", "/2", "/3"] {
        end(store, crawl, path, indexed(path)).await;
    }
    let found = fine(store.rows(Rows::Unpublished(100)).await);
    assert_eq!(paths(&found), ["/1", "/2", "/3"]);
    assert_eq!(fine(store.rows(Rows::Unpublished(2)).await).len(), 2);
    for row in &found {
        assert_eq!(row.signal, Some(Signal::Answered));
        mark(store, row.url.path(), Mark::Shown(published("1"))).await;
    }
    assert_eq!(fine(store.rows(Rows::Unpublished(100)).await), []);
}

/// A page is marked as shown, as often as one likes; its next finish leaves that alone.
pub async fn a_page_is_shown_and_its_crawl_changes_nothing_of_it<S: PublishingStore>(
    store: &S,
    crawl: &Crawl,
) {
    end(store, crawl, "/1", indexed("1")).await;
    let shown = PageRow {
        published: Some(published("1")),
        ..new_row("/1", "1")
    };
    for _ in 0..2 {
        mark(store, "/1", Mark::Shown(published("1"))).await;
        assert_eq!(row(store, "/1").await.as_ref(), Some(&shown));
    }
    // A number of which every bit is set, and an index that was written once more.
    let again = Published {
        write: published("1").write + 1,
        inlinks: UNCOUNTED,
        ..published("1")
    };
    mark(store, "/1", Mark::Shown(again.clone())).await;
    let found = row(store, "/1").await.and_then(|row| row.published);
    assert_eq!(found.as_ref(), Some(&again));
    let nothing = Finish {
        known: Known::default(),
        ..gone(404)
    };
    end(store, &crawl.newer(), "/1", nothing).await;
    let row = row(store, "/1").await.unwrap();
    assert_eq!((row.newest, row.published), (None, Some(again)));
}

/// A page that changed has two versions until the newer one is shown.
pub async fn a_newer_version_waits_beside_the_published_one<S: PublishingStore>(
    store: &S,
    crawl: &Crawl,
) {
    end(store, &crawl.older(), "/1", indexed("one")).await;
    mark(store, "/1", Mark::Shown(published("one"))).await;
    let changed = Finish {
        known: Known {
            newest: Some(kept(1_001, "two")),
            version: 1_001,
            ..indexed("two").known
        },
        ..indexed("two")
    };
    end(store, crawl, "/1", changed).await;
    let row = row(store, "/1").await.unwrap();
    assert_eq!(row.newest, Some(kept(1_001, "two")));
    assert_eq!(row.published, Some(published("one")));
    assert_eq!(row.signal, Some(Signal::Answered));
    // It was published before, so it is none that is shown early.
    assert_eq!(fine(store.rows(Rows::Unpublished(100)).await), []);
}

/// A page that is out has no version, no validators and, if one is given, another outcome. The
/// number of its next version is still larger.
pub async fn a_page_that_is_out_is_fetched_whole<S: PublishingStore>(store: &S, crawl: &Crawl) {
    for (path, outcome) in [
        ("/1", None),
        ("/2", Some(Outcome::Duplicate { of: url("/0") })),
    ] {
        end(store, crawl, path, indexed(path)).await;
        mark(store, path, Mark::Shown(published(path))).await;
        for _ in 0..2 {
            mark(store, path, Mark::Out(outcome.clone())).await;
            assert_eq!(row(store, path).await, None, "{path}");
        }
        let known = begun_anew(store, crawl, path).await;
        assert_eq!(
            (known.newest, known.etag, known.last_modified, known.version),
            (None, None, None, 1_000)
        );
    }
}

/// A task can have another outcome; its page stays as it is.
pub async fn an_outcome_is_amended<S: PublishingStore>(store: &S, crawl: &Crawl) {
    end(store, crawl, "/1", indexed("1")).await;
    for _ in 0..2 {
        mark(store, "/1", Mark::Ended(Skip::Noindex.into())).await;
        let expected = PageRow {
            signal: Some(Signal::Noindex),
            ..new_row("/1", "1")
        };
        assert_eq!(row(store, "/1").await, Some(expected));
    }
}

/// A version that the archive has moved has its new place, and keeps the other's.
pub async fn moved_versions_have_new_places<S: PublishingStore>(store: &S, crawl: &Crawl) {
    end(store, crawl, "/1", indexed("1")).await;
    mark(store, "/1", Mark::Shown(published("1"))).await;
    let place = |name: &str| Some(Place(name.into()));
    let places = async || {
        let row = row(store, "/1").await.unwrap();
        (
            row.newest.map(|newest| newest.place),
            row.published.map(|published| published.kept.place),
        )
    };
    let moved = |newest, published| Mark::Moved { newest, published };
    let to = |from: &str, to: &str| place(from).zip(place(to));
    for _ in 0..2 {
        mark(store, "/1", moved(to("place of 1", "a"), None)).await;
        assert_eq!(places().await, (place("a"), place("place of 1")));
    }
    mark(store, "/1", moved(None, to("place of 1", "b"))).await;
    assert_eq!(places().await, (place("a"), place("b")));
    mark(store, "/1", moved(to("a", "c"), to("b", "d"))).await;
    assert_eq!(places().await, (place("c"), place("d")));
    // Another version has taken the place of the one that was moved.
    mark(store, "/1", moved(to("a", "e"), to("b", "f"))).await;
    assert_eq!(places().await, (place("c"), place("d")));
    let row = row(store, "/1").await.unwrap();
    let fingerprint = kept(1_000, "1").fingerprint;
    assert_eq!(row.newest.map(|it| it.fingerprint), Some(fingerprint));
}

/// A version that the archive has lost is fetched whole, and what the index shows stays.
pub async fn a_lost_version_is_fetched_whole<S: PublishingStore>(store: &S, crawl: &Crawl) {
    end(store, &crawl.older(), "/1", indexed("1")).await;
    mark(store, "/1", Mark::Shown(published("1"))).await;
    for _ in 0..2 {
        mark(store, "/1", Mark::Lost).await;
        let row = row(store, "/1").await.unwrap();
        assert_eq!((row.newest, row.published), (None, Some(published("1"))));
    }
    let task = claimed(store, crawl, "/1").await;
    let known = fine(store.begin(&task).await).unwrap();
    assert_eq!(
        (known.etag, known.last_modified, known.newest),
        (None, None, None)
    );
    assert_eq!(known.version, 1_000);
}

/// A version that is in doubt stays, and is asked for without its validators.
pub async fn a_doubted_version_is_asked_for_whole<S: PublishingStore>(store: &S, crawl: &Crawl) {
    end(store, &crawl.older(), "/1", indexed("1")).await;
    mark(store, "/1", Mark::Doubted).await;
    let task = claimed(store, crawl, "/1").await;
    let known = fine(store.begin(&task).await).unwrap();
    assert_eq!((known.etag, known.last_modified), (None, None));
    assert_eq!(known.newest, Some(kept(1_000, "1")));
}

/// A URL that is no longer of the site is unknown, also when it is forgotten twice.
pub async fn a_forgotten_url_is_new_again<S: PublishingStore>(store: &S, crawl: &Crawl) {
    end(store, &crawl.older(), "/1", indexed("1")).await;
    mark(store, "/1", Mark::Shown(published("1"))).await;
    for _ in 0..2 {
        mark(store, "/1", Mark::Forgotten).await;
        assert_eq!(row(store, "/1").await, None);
    }
    let task = claimed(store, crawl, "/1").await;
    assert_eq!(fine(store.begin(&task).await), Some(Known::default()));
}

/// Marks of URLs that the store does not know make no rows, and no marks are no error.
pub async fn marks_of_unknown_urls_do_nothing<S: PublishingStore>(store: &S, crawl: &Crawl) {
    fine(store.mark(Vec::new()).await);
    for change in [
        Mark::Shown(published("1")),
        Mark::Out(Some(Outcome::Unchanged)),
        Mark::Ended(Outcome::Unchanged),
        Mark::Moved {
            newest: Some((Place("a".into()), Place("b".into()))),
            published: Some((Place("c".into()), Place("d".into()))),
        },
        Mark::Lost,
        Mark::Doubted,
        Mark::Forgotten,
    ] {
        mark(store, "/unknown", change).await;
    }
    assert_eq!(fine(store.rows(Rows::All).await), []);
    let task = claimed(store, crawl, "/unknown").await;
    assert_eq!(fine(store.begin(&task).await), Some(Known::default()));
}

/// The redirects of this crawl are known with their targets, and no older ones.
pub async fn redirects_are_those_of_this_crawl<S: PublishingStore>(store: &S, crawl: &Crawl) {
    let redirect = |to: &str| Finish {
        outcome: Outcome::Redirected { to: url(to) },
        known: Known::default(),
        exchange: None,
    };
    end(store, &crawl.older(), "/old", redirect("/1")).await;
    end(store, crawl, "/1", redirect("/2")).await;
    end(store, crawl, "/2", redirect("/3")).await;
    end(store, crawl, "/3", indexed("3")).await;
    let mut found: Vec<_> = fine(store.redirects().await).into_iter().collect();
    let key = |path: &str| UrlKey::of(&url(path));
    let mut expected = vec![(key("/1"), key("/2")), (key("/2"), key("/3"))];
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// URLs of older crawls are forgotten, but for those with a version in the archive or in the index.
pub async fn only_older_urls_without_a_page_are_forgotten<S: PublishingStore>(
    store: &S,
    crawl: &Crawl,
) {
    let older = crawl.older();
    end(store, &older, "/newest", indexed("1")).await;
    end(store, &older, "/shown", indexed("2")).await;
    mark(store, "/shown", Mark::Shown(published("2"))).await;
    end(store, &older, "/gone", gone(404)).await;
    end(store, crawl, "/here", gone(404)).await;
    assert_eq!(fine(store.forget_older().await), 1);
    assert_eq!(fine(store.forget_older().await), 0);
    let rows = fine(store.rows(Rows::All).await);
    assert_eq!(paths(&rows), ["/newest", "/shown"]);
    assert!(rows.iter().all(|row| row.signal.is_none()), "{rows:?}");
}

fn gone(status: u16) -> Finish {
    let before = indexed("");
    Finish {
        outcome: Outcome::Gone { status },
        known: Known::default(),
        exchange: before
            .exchange
            .map(|exchange| canter_core::ports::Exchange {
                status,
                took: Duration::from_millis(3),
                ..exchange
            }),
    }
}

/// Returns the row of a page after its first crawl.
fn new_row(path: &str, body: &str) -> PageRow {
    PageRow {
        url: url(path),
        newest: Some(kept(1_000, body)),
        published: None,
        canonical: Some(url("/canonical")),
        signal: Some(Signal::Answered),
        absence: None,
    }
}

/// Returns what the index shows of a page with this body.
fn published(body: &str) -> Published {
    Published {
        kept: kept(1_000, body),
        write: 1_000 * 1_024,
        inlinks: u64::MAX - 7,
    }
}

async fn claimed<S: PublishingStore>(store: &S, crawl: &Crawl, path: &str) -> Task {
    let tasks = fine(store.claim(&crawl.task("/parent"), vec![link(path)]).await).tasks;
    assert_eq!(tasks.len(), 1, "{path} is known");
    tasks.into_iter().next().unwrap()
}

/// Claims a URL and ends its task.
async fn end<S: PublishingStore>(store: &S, crawl: &Crawl, path: &str, finish: Finish) {
    let task = claimed(store, crawl, path).await;
    fine(store.finish(&task, finish).await);
}

/// Returns what the next crawl knows of a URL.
async fn begun_anew<S: PublishingStore>(store: &S, crawl: &Crawl, path: &str) -> Known {
    let task = claimed(store, &crawl.newer(), path).await;
    fine(store.begin(&task).await).unwrap()
}

async fn mark<S: PublishingStore>(store: &S, path: &str, mark: Mark) {
    fine(store.mark(vec![(UrlKey::of(&url(path)), mark)]).await);
}

async fn row<S: PublishingStore>(store: &S, path: &str) -> Option<PageRow> {
    let rows = fine(store.rows(Rows::All).await);
    rows.into_iter().find(|row| row.url.path() == path)
}

fn paths(rows: &[PageRow]) -> Vec<&str> {
    let mut paths: Vec<&str> = rows.iter().map(|row| row.url.path()).collect();
    paths.sort_unstable();
    paths
}
