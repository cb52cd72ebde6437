//! What the index shows of a site: the journal beside the rows, and what it costs.

use canter_aws::CloudSite;
use canter_core::absence::Signal;
use canter_core::document::Write;
use canter_core::fingerprint::Fingerprint;
use canter_core::ports::{Finish, Known, Pages, Place};
use canter_core::publish::{Kept, Mark, PageRow, Published, PublishedPages, Rows, UNCOUNTED};
use canter_core::task::{Outcome, UrlKey};
use canter_tests::contract::{Crawl, indexed, link, url};

use crate::world::{Tables, TestClock, site};

/// A version of a page, at a place as long as those of the archive.
fn kept(path: &str, version: u64) -> Kept {
    let text = format!("{path} in version {version}");
    let hash = UrlKey::hash(text.as_bytes());
    Kept {
        fingerprint: Fingerprint::of(version, hash, "Title", &text),
        place: Place(format!("{hash}/{version}+20000")),
    }
}

fn published(kept: &Kept, inlinks: u64) -> Published {
    let version = kept.fingerprint.version;
    Published {
        kept: kept.clone(),
        write: Write { version, pass: 1 }.number(),
        inlinks,
    }
}

fn shown(path: &str, published: &Published) -> (UrlKey, Mark) {
    (key(path), Mark::Shown(published.clone()))
}

fn key(path: &str) -> UrlKey {
    UrlKey::of(&url(path))
}

/// Claims a page and ends it with a new version.
async fn page(pages: &CloudSite, crawl: &Crawl, path: &str, kept: Kept) {
    let claimed = pages.claim(&crawl.task("/from"), vec![link(path)]).await;
    assert_eq!(claimed.unwrap().tasks.len(), 1);
    let finish = Finish {
        known: Known {
            version: kept.fingerprint.version,
            newest: Some(kept),
            ..Known::default()
        },
        ..indexed("x")
    };
    pages.finish(&crawl.task(path), finish).await.unwrap();
}

/// The rows by their paths.
async fn rows(pages: &CloudSite) -> Vec<(String, PageRow)> {
    let rows = pages.rows(Rows::All).await.unwrap().into_iter();
    let mut rows: Vec<_> = rows.map(|row| (row.url.path().to_owned(), row)).collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows
}

/// The only row.
async fn row(pages: &CloudSite) -> PageRow {
    let mut rows = rows(pages).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0).1
}

/// The crawl after a crawl.
fn next(tables: &Tables, crawl: &Crawl) -> (CloudSite, Crawl) {
    let crawl = crawl.newer();
    let clock = TestClock::at(2_000_000).clock();
    let pages = CloudSite::new(tables.cloud.clone(), &crawl.site, crawl.crawl, clock);
    (pages, crawl)
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_shown_stays_shown_whatever_a_crawl_sees() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let first = kept("/a", 1);
    page(&pages, &crawl, "/a", first.clone()).await;
    let found = row(&pages).await;
    assert_eq!((found.newest, found.published), (Some(first.clone()), None));
    let new = pages.rows(Rows::Unpublished(5)).await.unwrap();
    assert_eq!(new.len(), 1);
    let before = published(&first, 7);
    pages.mark(vec![shown("/a", &before)]).await.unwrap();
    assert_eq!(pages.rows(Rows::Unpublished(5)).await, Ok(vec![]));

    let (pages, crawl) = next(&tables, &crawl);
    assert_eq!(row(&pages).await.signal, None);
    page(&pages, &crawl, "/a", kept("/a", 2)).await;
    let found = row(&pages).await;
    assert_eq!(found.signal, Some(Signal::Answered));
    assert_eq!(found.published, Some(before));
    assert_eq!(found.newest, Some(kept("/a", 2)));
}

/// What was shown before it ended costs no further write.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_first_crawl_shows_its_pages_early() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let first = kept("/a", 3);
    page(&pages.showing(), &crawl, "/a", first.clone()).await;
    let early = Published {
        write: Write {
            version: 3,
            pass: 0,
        }
        .number(),
        ..published(&first, UNCOUNTED)
    };
    assert_eq!(row(&pages).await.published, Some(early));
    let counted = published(&first, 7);
    pages.mark(vec![shown("/a", &counted)]).await.unwrap();
    assert_eq!(row(&pages).await.published, Some(counted));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_page_that_is_taken_out_is_fetched_whole() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let first = kept("/a", 3);
    page(&pages.showing(), &crawl, "/a", first.clone()).await;
    let of = Outcome::Duplicate { of: url("/b") };
    let out = (key("/a"), Mark::Out(Some(of)));
    for _ in 0..2 {
        pages.mark(vec![out.clone()]).await.unwrap();
        assert_eq!(rows(&pages).await, []);
    }
    assert_eq!(pages.counts().await.unwrap().duplicates, 1);
    let (pages, crawl) = next(&tables, &crawl);
    let claimed = pages.claim(&crawl.task("/from"), vec![link("/a")]).await;
    let known = pages.begin(&claimed.unwrap().tasks[0]).await.unwrap();
    let known = known.unwrap();
    // Its next version is a later one all the same.
    assert_eq!((known.newest, known.etag, known.version), (None, None, 3));
}

/// The index shows what an older crawl published, although the row is the newer one's.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_crawl_leaves_the_rows_of_a_newer_one() {
    let tables = Tables::create().await;
    let (old, crawl) = site(&tables, &TestClock::at(1_000_000));
    page(&old, &crawl, "/a", kept("/a", 1)).await;
    let (new, crawl) = next(&tables, &crawl);
    page(&new, &crawl, "/a", kept("/a", 2)).await;
    let before = published(&kept("/a", 1), 7);
    old.mark(vec![shown("/a", &before)]).await.unwrap();
    let found = row(&old).await;
    assert_eq!(found.signal, Some(Signal::Unknown));
    assert_eq!(row(&new).await.published, Some(before));
    let ended = (key("/a"), Mark::Ended(Outcome::Gone { status: 404 }));
    let out = (key("/a"), Mark::Out(None));
    old.mark(vec![ended, out]).await.unwrap();
    let found = row(&new).await;
    assert_eq!(found.signal, Some(Signal::Answered));
    assert_eq!((found.newest, found.published), (Some(kept("/a", 2)), None));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn versions_that_were_moved_are_found() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    page(&pages, &crawl, "/a", kept("/a", 2)).await;
    let before = published(&kept("/a", 1), 7);
    pages.mark(vec![shown("/a", &before)]).await.unwrap();
    let place = |name: &str| Place(name.into());
    let moved = Mark::Moved {
        newest: Some((kept("/a", 2).place, place("new"))),
        published: Some((kept("/a", 1).place, place("old"))),
    };
    pages.mark(vec![(key("/a"), moved)]).await.unwrap();
    let found = row(&pages).await;
    assert_eq!(found.newest.map(|it| it.place), Some(place("new")));
    let kept = found.published.map(|it| it.kept);
    assert_eq!(kept.map(|it| it.place), Some(place("old")));
}

/// A journal of many entries is written anew, and says the same.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_outdated_journal_is_written_anew() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    for path in ["/a", "/b"] {
        page(&pages, &crawl, path, kept(path, 1)).await;
    }
    for inlinks in 0..20 {
        let marks = ["/a", "/b"].map(|path| shown(path, &published(&kept(path, 1), inlinks)));
        pages.mark(marks.to_vec()).await.unwrap();
    }
    pages
        .mark(vec![(key("/b"), Mark::Out(None))])
        .await
        .unwrap();
    let before = rows(&pages).await;
    assert_eq!(before.len(), 1);
    pages.forget_older().await.unwrap();
    assert_eq!(tables.requests("DeleteItem"), 21);
    assert_eq!(rows(&pages).await, before);
    // A process that has not read the journal goes on with it.
    let (pages, _) = site(&tables, &TestClock::at(1_000_000));
    let last = published(&kept("/a", 1), 99);
    pages.mark(vec![shown("/a", &last)]).await.unwrap();
    assert_eq!(row(&pages).await.published, Some(last));
}

/// A page of a first crawl is claimed, ended, and shown with its links.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_page_takes_little_more_than_two_write_units() {
    const PAGES: usize = 128;
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let paths: Vec<String> = (0..PAGES).map(|n| format!("/a/usual/path/{n}")).collect();
    for path in &paths {
        page(
            &pages.showing(),
            &crawl,
            path,
            kept(path, 1_767_225_600_000),
        )
        .await;
    }
    for paths in paths.chunks(64) {
        let kept = |path: &str| kept(path, 1_767_225_600_000);
        let marks = paths
            .iter()
            .map(|path| shown(path, &published(&kept(path), key(path).0[0].into())));
        pages.mark(marks.collect()).await.unwrap();
    }
    let units = tables.usage("UpdateItem").write_units / PAGES as f64;
    assert!((2.0..2.2).contains(&units), "{units}");
}
