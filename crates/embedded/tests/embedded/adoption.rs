//! The pages of an index that an older canter filled are adopted.

use std::path::Path;
use std::sync::Arc;

use canter_core::document::{KeptLink, StoredLink, StoredSection, Write, document_id};
use canter_core::ports::{Archive, IndexReader, Pages};
use canter_core::publish::{Done, How, PublishedPages, Rows, UNNOTED, When, publish};
use canter_core::solo::{Popped, SoloCrawl};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Beginning, Reading, SiteStore, Store};
use canter_page::Link;
use canter_tantivy::TantivyIndex;
use canter_tests::contract::url;
use rusqlite::{Connection, params};
use tantivy::tokenizer::WhitespaceTokenizer;
use tantivy::{Index, IndexWriter, TantivyDocument};

use super::older::{OLD, site};

const SITE: &str = "example.org";
/// When the pages were fetched, in Unix ms.
const FETCHED: u64 = 1_700_000_000_000;

/// The additions of versions 1 to 3.
const LATER: &str = "
    ALTER TABLE url ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE url ADD COLUMN lastmod_ms INTEGER;
    ALTER TABLE url ADD COLUMN took_ms INTEGER;
    ALTER TABLE url ADD COLUMN bytes INTEGER;
    ALTER TABLE site ADD COLUMN bounds TEXT;
    ALTER TABLE site ADD COLUMN rest TEXT;
    ALTER TABLE site ADD COLUMN server TEXT;
    CREATE INDEX copy ON url (site, hash) WHERE hash IS NOT NULL;
    PRAGMA user_version = 3;";

/// A folder as version 3 left it after a crawl. Its state and its index do not agree about `/lost`
/// and `/stray`.
fn left(dir: &Path) -> Folder {
    let folder = Folder::create(dir).unwrap();
    let old = Connection::open(folder.state()).unwrap();
    old.execute_batch(OLD).unwrap();
    old.execute_batch(LATER).unwrap();
    let scope = serde_json::to_string(&site().scope).unwrap();
    old.execute(
        "INSERT INTO site (name, scope, crawl, ended_ms) VALUES (?, ?, 7, 8)",
        params![SITE, scope],
    )
    .unwrap();
    for path in ["/", "/a", "/lost"] {
        let at = url(path);
        old.execute(
            "INSERT INTO url (site, key, url, crawl, state, due_ms, depth, hops, attempts, outcome,
                 status, fetched_ms, etag, hash, canonical)
             VALUES (1, ?, ?, 7, 3, 0, 1, 0, 0, 'indexed', 200, 5, ?, ?, ?)",
            params![
                UrlKey::of(&at).0,
                at.as_str(),
                format!("\"{path}\""),
                UrlKey::hash(path.as_bytes()).0,
                (path == "/a").then_some("https://example.org/canonical"),
            ],
        )
        .unwrap();
    }
    drop(old);
    fill(&folder.index(), &["/", "/a", "/stray"]);
    folder
}

/// Fills an index as version 3 did, which stored the links of each page.
fn fill(dir: &Path, paths: &[&str]) {
    drop(TantivyIndex::open(dir).unwrap());
    let index = Index::open_in_dir(dir).unwrap();
    let terms = WhitespaceTokenizer::default();
    index.tokenizers().register("terms", terms);
    let schema = index.schema();
    let field = |name: &str| schema.get_field(name).unwrap();
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 15_000_000).unwrap();
    for path in paths {
        let at = url(path);
        let id = document_id(SITE, &at);
        let whole = u128::from_be_bytes(id.0);
        let text = format!("A page at {path}, with a link.");
        let head = serde_json::json!({
            "site": SITE, "url": at, "title": format!("Page {path}"), "language": "en",
            "fetched_at_ms": FETCHED, "text": "", "inbound": { "digest": 9, "pass": 1 },
        });
        let section = StoredSection {
            anchor: None,
            title: "Top".into(),
            names: Vec::new(),
            level: 1,
            start: 0,
            end: text.len(),
        };
        let links = [StoredLink::from(link())];
        let mut page = TantivyDocument::new();
        page.add_bytes(field("id"), &id.0);
        page.add_u64(field("id-high"), (whole >> 64) as u64);
        page.add_u64(field("id-low"), whole as u64);
        page.add_u64(field("version"), write());
        page.add_text(field("site"), SITE);
        let section = serde_json::to_string(&section).unwrap();
        page.add_text(field("stored"), format!("{head}\n{section}"));
        page.add_text(field("text"), text);
        page.add_text(field("links"), serde_json::to_string(&links).unwrap());
        writer.add_document(page).unwrap();
    }
    writer.commit().unwrap();
}

fn link() -> Link {
    Link {
        url: url("/a"),
        fragment: Some("x".into()),
        text: "a link".into(),
        nofollow: false,
        place: Some(15..21),
    }
}

/// The number of the write of each page: its fetch, and one link pass.
fn write() -> u64 {
    Write {
        version: FETCHED,
        pass: 1,
    }
    .number()
}

async fn begun(store: &Store) -> SiteStore {
    let clock = Arc::new(|| Moment::from_millis(FETCHED + 1_000));
    let (store, beginning, _) = store.begin_crawl(&site(), false, clock).await.unwrap();
    assert_eq!(beginning, Beginning::Refresh);
    store
}

#[tokio::test]
async fn the_pages_of_an_older_index_are_adopted() {
    let dir = tempfile::tempdir().unwrap();
    let folder = left(dir.path());
    let reports = Reading::open(&folder).unwrap().unwrap().report().unwrap();
    assert_eq!(reports[0].searchable, 3);
    let store = Store::open(&folder.state()).unwrap();
    let archive = SqliteArchive::open(&folder.archive()).unwrap();
    let index = TantivyIndex::open(&folder.index()).unwrap();
    let store = begun(&store).await;
    assert_eq!(store.needs_adoption().await, Ok(true));
    assert_eq!(store.adopt(&index, &archive).await, Ok(3));
    assert_eq!(store.needs_adoption().await, Ok(false));
    assert_eq!(store.searchable().await, Ok(3));

    let mut rows = store.rows(Rows::All).await.unwrap();
    rows.sort_by(|one, other| one.url.cmp(&other.url));
    let paths: Vec<&str> = rows.iter().map(|row| row.url.path()).collect();
    assert_eq!(paths, ["/", "/a", "/stray"]);
    for row in &rows {
        let (newest, published) = (row.newest.as_ref(), row.published.as_ref().unwrap());
        assert_eq!(newest, Some(&published.kept));
        assert_eq!((published.write, published.inlinks), (write(), UNNOTED));
        let places = std::slice::from_ref(&published.kept.place);
        let found = archive.get(SITE, places).await;
        let page = found.unwrap().pop().flatten().unwrap();
        assert_eq!(page.fingerprint(), published.kept.fingerprint);
        assert_eq!((page.version, page.fetched_at.millis()), (FETCHED, FETCHED));
        let links = archive.links(SITE, places).await;
        let links = links.unwrap().pop().flatten().unwrap();
        assert_eq!(links.read(), Ok(vec![KeptLink::from(&link())]));
        assert_eq!(page.page.sections[0].title, "Top");
    }
    let a = &rows[1];
    let hash = a.newest.as_ref().map(|newest| newest.fingerprint.hash);
    assert_eq!(hash, Some(UrlKey::hash(b"/a")));
    assert_eq!(a.canonical, Some(url("/canonical")));
}

#[tokio::test]
async fn an_adopted_page_is_asked_for_by_its_validators_and_a_lost_one_whole() {
    let dir = tempfile::tempdir().unwrap();
    let folder = left(dir.path());
    let store = Store::open(&folder.state()).unwrap();
    let archive = SqliteArchive::open(&folder.archive()).unwrap();
    let index = TantivyIndex::open(&folder.index()).unwrap();
    let store = begun(&store).await;
    store.adopt(&index, &archive).await.unwrap();
    let Popped::Tasks(tasks) = store.pop(10).await.unwrap() else {
        panic!("nothing waits");
    };
    for task in tasks {
        let known = store.begin(&task).await.unwrap().unwrap();
        let path = task.url.path();
        let etag = (path != "/lost").then(|| format!("\"{path}\""));
        assert_eq!(known.etag, etag, "{path}");
        assert_eq!(known.newest.is_some(), path != "/lost", "{path}");
        let version = if path == "/lost" { 0 } else { FETCHED };
        assert_eq!(known.version, version, "{path}");
    }
}

#[tokio::test]
async fn adopting_twice_changes_nothing_and_the_index_can_be_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = left(dir.path());
    let store = Store::open(&folder.state()).unwrap();
    let archive = SqliteArchive::open(&folder.archive()).unwrap();
    let index = TantivyIndex::open(&folder.index()).unwrap();
    let store = begun(&store).await;
    store.adopt(&index, &archive).await.unwrap();
    let rows = store.rows(Rows::All).await.unwrap();
    store.adopt(&index, &archive).await.unwrap();
    assert_eq!(store.rows(Rows::All).await.unwrap(), rows);
    drop(index);
    std::fs::remove_dir_all(folder.index()).unwrap();
    let index = TantivyIndex::open(&folder.index()).unwrap();
    let how = How {
        when: When::Again,
        max_loss: None,
        lost: 0,
        links: true,
    };
    let done = publish(SITE, &store, &archive, &index, how, || true).await;
    assert!(matches!(done, Ok(Done::Published(_))), "{done:?}");
    assert_eq!(index.count(SITE).await, Ok(3));
    let rows = store.rows(Rows::All).await.unwrap();
    let mut written: Vec<u64> = rows
        .iter()
        .filter_map(|row| Some(row.published.as_ref()?.write))
        .collect();
    written.dedup();
    assert_eq!(written, [write() + 1]);
}
