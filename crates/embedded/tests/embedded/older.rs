//! The state that an older canter left is taken over.

use std::path::Path;
use std::sync::Arc;

use canter_core::scope::{Options, Scope};
use canter_core::site::{Limits, Site};
use canter_core::solo::{Popped, SoloCrawl};
use canter_core::task::{Kind, UrlKey};
use canter_core::time::Moment;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Beginning, Reading, Rest, Store};
use canter_page::url::Limits as UrlLimits;
use rusqlite::{Connection, params};
use url::Url;

/// The tables of version 0, as far as they have changed since.
pub(crate) const OLD: &str = "
    CREATE TABLE site (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, moved TEXT,
        crawl INTEGER NOT NULL, rps REAL, ended_ms INTEGER
    ) STRICT;
    CREATE TABLE url (
        site INTEGER NOT NULL REFERENCES site (id), key BLOB NOT NULL, url TEXT NOT NULL,
        crawl INTEGER NOT NULL, state INTEGER NOT NULL, due_ms INTEGER NOT NULL,
        depth INTEGER NOT NULL, hops INTEGER NOT NULL, attempts INTEGER NOT NULL, parent TEXT,
        outcome TEXT, detail TEXT, status INTEGER, fetched_ms INTEGER, etag TEXT,
        last_modified TEXT, hash BLOB, canonical TEXT, misses INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (site, key)
    ) STRICT, WITHOUT ROWID;";

/// A folder as an older canter left it, in the middle of a crawl.
fn left(folder: &Path) -> Folder {
    let folder = Folder::create(folder).unwrap();
    let old = Connection::open(folder.state()).unwrap();
    old.execute_batch(OLD).unwrap();
    let site = site();
    let scope = serde_json::to_string(&site.scope).unwrap();
    let known = params![site.id, scope];
    old.execute(
        "INSERT INTO site (name, scope, crawl) VALUES (?, ?, 7)",
        known,
    )
    .unwrap();
    old.execute(
        "INSERT INTO url (site, key, url, crawl, state, due_ms, depth, hops, attempts)
         VALUES (1, ?, 'https://example.org/a', 7, 1, 0, 1, 0, 2)",
        params![UrlKey::of(&"https://example.org/a".parse().unwrap()).0],
    )
    .unwrap();
    folder
}

#[test]
fn it_is_told_of_before_any_crawl_of_this_canter() {
    let folder = tempfile::tempdir().unwrap();
    let folder = left(folder.path());
    let reading = Reading::open(&folder).unwrap().unwrap();
    let reports = reading.report().unwrap();
    let report = &reports[0];
    assert_eq!(
        (report.site.as_str(), report.counts.waiting),
        ("example.org", 1)
    );
    assert_eq!(report.rest, Some(Rest::CutOff));
    let sites = reading.sites().unwrap();
    assert_eq!(sites[0].limits, None);
    let url = "https://example.org/a".parse().unwrap();
    let account = reading.account(&sites[0], &url).unwrap().unwrap();
    assert!(account.waits && account.met);
    assert_eq!(
        (account.attempts, account.took_ms, account.kind),
        (2, None, Kind::Page)
    );
}

#[tokio::test]
async fn a_crawl_goes_on_where_an_older_canter_left_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = left(folder.path());
    let (file, site) = (folder.state(), site());
    // Twice: what was brought up to date stays so.
    for _ in 0..2 {
        let store = Store::open(&file).unwrap();
        let clock = Arc::new(|| Moment::from_millis(1_000));
        let begun = store.begin_crawl(&site, false, clock).await.unwrap();
        let (store, beginning, _) = begun;
        assert_eq!(beginning, Beginning::Continued);
        let Popped::Tasks(tasks) = store.pop(10).await.unwrap() else {
            panic!("nothing waits");
        };
        let mut found: Vec<_> = tasks
            .iter()
            .map(|task| (task.url.path(), task.attempts, task.kind))
            .collect();
        found.sort_unstable_by_key(|(path, ..)| *path);
        assert_eq!(found, [("/", 0, Kind::Page), ("/a", 2, Kind::Page)]);
    }
}

/// Returns the site of the older canter.
pub(crate) fn site() -> Site {
    let seed = Url::parse("https://example.org/").unwrap();
    Site {
        id: "example.org".into(),
        scope: Scope::new(std::slice::from_ref(&seed), Options::default()).unwrap(),
        seeds: vec![seed],
        sitemaps: Vec::new(),
        limits: Limits {
            max_pages: None,
            max_depth: None,
            max_page_bytes: 1 << 20,
            timeout: std::time::Duration::from_secs(1),
            attempts: 3,
            url: UrlLimits::default(),
        },
        headers: Default::default(),
        product: "canter".into(),
    }
}
