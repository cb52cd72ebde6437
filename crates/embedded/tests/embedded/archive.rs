//! The archive of one machine against real files.

use std::fs;
use std::path::Path;

use canter_core::archived_page::ArchivedPage;
use canter_core::ports::{Archive, Place};
use canter_core::task::UrlKey;
use canter_embedded::archive::{ArchiveReader, SqliteArchive};
use canter_embedded::folder::Folder;
use canter_tests::contract::archive::page;
use rusqlite::Connection;

const SITE: &str = "example.org";

async fn got(archive: &SqliteArchive, place: &Place) -> Option<ArchivedPage> {
    let found = archive.get(SITE, std::slice::from_ref(place)).await;
    found.unwrap().pop().flatten()
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pages.sqlite");
    // An archive that was copied may have another mode.
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let archive = SqliteArchive::open(&file).unwrap();
    archive.put(page("/a", 1, "ponies")).await.unwrap();
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(
        names,
        ["pages.sqlite", "pages.sqlite-shm", "pages.sqlite-wal"]
    );
}

#[tokio::test]
async fn what_was_put_survives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let archive = SqliteArchive::open(&dir.path().join("pages.sqlite")).unwrap();
    let (one, two) = (page("/a", 1, "ponies"), page("/b", 1, "horses"));
    let first = archive.put(one.clone()).await.unwrap();
    let second = archive.put(two.clone()).await.unwrap();
    // The files as a killed process leaves them.
    let left = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
    }
    let archive = SqliteArchive::open(&left.path().join("pages.sqlite")).unwrap();
    assert_eq!(got(&archive, &first).await, Some(one));
    assert_eq!(got(&archive, &second).await, Some(two));
}

#[tokio::test]
async fn a_damaged_page_is_none_and_the_others_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pages.sqlite");
    let archive = SqliteArchive::open(&file).unwrap();
    let (one, two) = (page("/a", 1, "ponies"), page("/b", 1, "horses"));
    let first = archive.put(one.clone()).await.unwrap();
    let second = archive.put(two.clone()).await.unwrap();
    let damage = "UPDATE page SET body = substr(body, 1, 40) WHERE id = 1";
    let damaged = Connection::open(&file).unwrap().execute(damage, []);
    assert_eq!(damaged, Ok(1));
    assert_eq!(got(&archive, &first).await, None);
    assert_eq!(got(&archive, &second).await, Some(two));
    // It is fetched and put again.
    let again = archive.put(one.clone()).await.unwrap();
    assert_eq!(got(&archive, &again).await, Some(one));
}

#[test]
fn a_damaged_file_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pages.sqlite");
    fs::write(&file, "no database, but a text of some length".repeat(100)).unwrap();
    let failure = SqliteArchive::open(&file).err().unwrap().to_string();
    assert!(failure.contains("is damaged"), "{failure}");
    assert!(failure.contains("move the file pages.sqlite"), "{failure}");
}

#[tokio::test]
async fn space_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pages.sqlite");
    let archive = SqliteArchive::open(&file).unwrap();
    let mut places = Vec::new();
    for n in 0..300_u64 {
        let mut page = page(&format!("/{n}"), 1, "ponies");
        let hash = |word| UrlKey::hash(format!("{n} {word}").as_bytes());
        let words = (0..200).map(|word| format!("{} ", hash(word)));
        page.page.text = words.collect();
        places.push(archive.put(page).await.unwrap());
    }
    let kept = places[..20].to_vec();
    archive.retain(SITE, kept.clone()).await.unwrap();
    let (all, free) = blocks(&file);
    assert!(free <= all / 10 + 1, "{free} of {all} blocks are free");
    assert!(got(&archive, &kept[19]).await.is_some());
    drop(archive);
    let whole = fs::metadata(&file).unwrap().len();
    assert!(whole < 400_000, "{whole} bytes are left");
}

fn blocks(file: &Path) -> (i64, i64) {
    let connection = Connection::open(file).unwrap();
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    (
        number("page_count").unwrap(),
        number("freelist_count").unwrap(),
    )
}

#[tokio::test]
async fn another_process_reads_it_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::create(dir.path()).unwrap();
    assert!(ArchiveReader::open(&folder).unwrap().is_none());
    let archive = SqliteArchive::open(&folder.archive()).unwrap();
    let reader = ArchiveReader::open(&folder).unwrap().unwrap();
    for n in 0..3 {
        let page = page(&format!("/{n}"), 1, "ponies");
        let place = archive.put(page.clone()).await.unwrap();
        let found = reader.get(SITE, std::slice::from_ref(&place)).await;
        assert_eq!(found, Ok(vec![Some(page.clone())]));
        let links = reader.links(SITE, &[place]).await.unwrap();
        assert_eq!(links[0].as_ref().unwrap().text(), page.page.text);
    }
}

#[test]
fn a_newer_one_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::create(dir.path()).unwrap();
    drop(SqliteArchive::open(&folder.archive()).unwrap());
    let newer = Connection::open(folder.archive()).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(folder.archive()).unwrap();
    let writing = SqliteArchive::open(&folder.archive()).err();
    let reading = ArchiveReader::open(&folder).err();
    for failure in [writing, reading] {
        let told = failure.unwrap().to_string();
        assert!(told.contains("is of a newer canter"), "{told}");
    }
    assert!(fs::read(folder.archive()).unwrap() == before);
}
