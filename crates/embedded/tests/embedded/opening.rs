//! Opening the store: its version, its migration, and times that a wrong clock has set.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canter_core::outcomes::Counts;
use canter_core::ports::{Loaded, Paces, Pages, Robots};
use canter_core::publish::{Changes, Held, Mark, PublishedPages, Rows};
use canter_core::robots::RobotsPolicy;
use canter_core::solo::{Popped, SoloCrawl};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Beginning, Reading, SiteStore, Store};
use canter_tests::contract::{indexed, kept, link, url};
use rusqlite::Connection;
use tempfile::TempDir;

use super::older::site;

const AUTHORITY: &str = "https://example.org:443";

fn folder() -> (Folder, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Folder::create(dir.path()).unwrap(), dir)
}

fn now() -> Moment {
    Moment(0) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

async fn begun(store: &Store) -> (SiteStore, Beginning) {
    let begun = store.begin_crawl(&site(), false, Arc::new(now)).await;
    let (store, beginning, _) = begun.unwrap();
    (store, beginning)
}

#[test]
fn a_newer_state_is_refused_and_left_as_it_is() {
    let (folder, _dir) = folder();
    drop(Store::open(&folder.state()).unwrap());
    let newer = Connection::open(folder.state()).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(folder.state()).unwrap();
    let writing = Store::open(&folder.state()).err();
    let reading = Reading::open(&folder).err();
    for failure in [writing, reading] {
        let told = failure.unwrap().to_string();
        assert!(told.contains("is of a newer canter (version 99"), "{told}");
        assert!(!told.contains(". "), "one sentence: {told}");
    }
    assert!(fs::read(folder.state()).unwrap() == before);
}

#[tokio::test]
async fn a_version_that_was_set_back_does_no_harm() {
    let (folder, _dir) = folder();
    let store = Store::open(&folder.state()).unwrap();
    let (site_store, _) = begun(&store).await;
    drop((site_store, store));
    let state = Connection::open(folder.state()).unwrap();
    for version in [3, 2, 0] {
        state.pragma_update(None, "user_version", version).unwrap();
        assert_eq!(Reading::open(&folder).unwrap().unwrap().version(), 4);
        let store = Store::open(&folder.state()).unwrap();
        let (site_store, beginning) = begun(&store).await;
        assert_eq!(beginning, Beginning::Continued);
        assert_eq!(site_store.needs_adoption().await, Ok(false));
    }
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_has_set_is_not_waited_for() {
    let (folder, _dir) = folder();
    let store = Store::open(&folder.state()).unwrap();
    let (site_store, _) = begun(&store).await;
    let year = Duration::from_secs(365 * 24 * 3600);
    let ahead = now() + year;
    store
        .save(AUTHORITY, &RobotsPolicy::AllowAll, ahead)
        .await
        .unwrap();
    store.hold("example.org", ahead).await.unwrap();
    drop((site_store, store));
    let state = Connection::open(folder.state()).unwrap();
    let moved = state.execute("UPDATE url SET due_ms = ?", [ahead.millis() as i64]);
    assert_eq!(moved, Ok(1));
    drop(state);

    let store = Store::open(&folder.state()).unwrap();
    let soon = now() + Duration::from_secs(1);
    let day = Duration::from_secs(24 * 3600);
    let loaded = store.load(AUTHORITY, now() + day, now()).await.unwrap();
    assert_eq!(loaded, Loaded::Fetch, "the verdict is kept for longer");
    let held = store.held("example.org").await.unwrap();
    assert!(held.is_some_and(|held| held <= soon), "{held:?}");
    // Continuing a crawl makes its lost tasks due, but not those that wait.
    let (site_store, _) = begun(&store).await;
    let Popped::Tasks(tasks) = site_store.pop(10).await.unwrap() else {
        panic!("nothing is due");
    };
    assert_eq!(tasks.len(), 1);
}

#[tokio::test]
async fn an_honest_wait_is_kept() {
    let (folder, _dir) = folder();
    let store = Store::open(&folder.state()).unwrap();
    let (site_store, _) = begun(&store).await;
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let verdict = now();
    store
        .save(AUTHORITY, &RobotsPolicy::AllowAll, verdict)
        .await
        .unwrap();
    let held = now() + hour * 24;
    store.hold("example.org", held).await.unwrap();
    drop((site_store, store));
    let state = Connection::open(folder.state()).unwrap();
    let due = (now() + hour - minute).millis();
    state
        .execute("UPDATE url SET due_ms = ?", [due as i64])
        .unwrap();
    drop(state);
    let store = Store::open(&folder.state()).unwrap();
    let loaded = store.load(AUTHORITY, Moment(0), now()).await.unwrap();
    assert_eq!(loaded, Loaded::Policy(RobotsPolicy::AllowAll, verdict));
    assert_eq!(store.held("example.org").await, Ok(Some(held)));
    let (site_store, _) = begun(&store).await;
    let popped = site_store.pop(10).await.unwrap();
    assert!(
        matches!(popped, Popped::Wait(at) if at.millis() == due),
        "{popped:?}"
    );
}

#[tokio::test]
async fn a_refresh_visits_every_page_again_and_forgets_none() {
    let (folder, _dir) = folder();
    let store = Store::open(&folder.state()).unwrap();
    let (first, _) = begun(&store).await;
    let Popped::Tasks(seeds) = first.pop(10).await.unwrap() else {
        panic!("nothing waits");
    };
    let claimed = first.claim(&seeds[0], vec![link("/shown"), link("/lost")]);
    for task in claimed.await.unwrap().tasks.iter().chain(&seeds) {
        first.finish(task, indexed("1")).await.unwrap();
    }
    let published = canter_core::publish::Published {
        kept: kept(1_000, "1"),
        write: 7,
        inlinks: 0,
    };
    let key = UrlKey::of(&url("/shown"));
    let shown = vec![(key, Mark::Shown(published.clone()))];
    first.mark(shown).await.unwrap();
    assert_eq!(first.searchable().await, Ok(1));
    first.record_end().await.unwrap();
    // The archive has lost the newest version.
    drop((first, store));
    let state = Connection::open(folder.state()).unwrap();
    let lost = "UPDATE url SET newest = NULL, place = NULL, kind = 1 WHERE published IS NOT NULL";
    assert_eq!(state.execute(lost, []), Ok(1));
    drop(state);
    let store = Store::open(&folder.state()).unwrap();
    let (second, beginning) = begun(&store).await;
    assert_eq!(beginning, Beginning::Refresh);
    assert_eq!(second.waiting(), 3);
    let rows = second.rows(Rows::All).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.signal.is_none()));
    let still = rows.iter().filter_map(|row| row.published.as_ref());
    assert_eq!(still.collect::<Vec<_>>(), [&published]);
}

#[tokio::test]
async fn a_site_is_opened_as_it_is() {
    let (folder, _dir) = folder();
    let store = Store::open(&folder.state()).unwrap();
    let clock = || Arc::new(now);
    assert!(
        store
            .known_site("example.org", clock())
            .await
            .unwrap()
            .is_none()
    );
    let (first, _) = begun(&store).await;
    let known = store.known_site("example.org", clock()).await.unwrap();
    let known = known.unwrap();
    assert_eq!((known.crawl(), known.waiting()), (first.crawl(), 1));
    let waiting = Counts {
        waiting: 1,
        ..Counts::default()
    };
    assert_eq!(known.counts().await, Ok(waiting));
}

#[tokio::test]
async fn what_publishing_did_is_noted() {
    let (folder, _dir) = folder();
    let store = Store::open(&folder.state()).unwrap();
    let (site_store, _) = begun(&store).await;
    let report = || Reading::open(&folder).unwrap().unwrap().report().unwrap();
    let (held, changes) = (report()[0].held.clone(), report()[0].changes.clone());
    assert_eq!((held, changes), (None, None));
    let held = Held {
        reason: "pages are gone".into(),
        lost: 50,
        of: 51,
        examples: vec![url("/1")],
    };
    site_store.note_held(Some(&held)).await.unwrap();
    assert_eq!(site_store.held().await, Ok(Some(held.clone())));
    assert_eq!(report()[0].held, Some(held));
    let mut changes = Changes::default();
    changes.new.count = 3;
    site_store.note_changes(&changes).await.unwrap();
    site_store.note_held(None).await.unwrap();
    let told = &report()[0];
    assert_eq!((&told.held, &told.changes), (&None, &Some(changes)));
}
