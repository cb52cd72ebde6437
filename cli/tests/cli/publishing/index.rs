//! An index that was lost, in part or as a whole, is filled again.

use std::fs;
use std::path::Path;

use canter_tests::{Answer, Canter, Serving, canter};

use super::{PAGES, crawled, finds, path, site};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Removes the first pages, and the links to them.
fn remove(site: &Serving, count: usize) {
    let links: Vec<String> = (count..PAGES).map(path).collect();
    site.set("/", Answer::page("/", links.iter().map(String::as_str)));
    for number in 0..count {
        site.set(&path(number), Answer::status(410));
    }
}

#[test]
fn an_older_copy_of_the_index_is_filled() {
    let (site, canter) = (site(), canter!());
    let (index, older) = (canter.data().join("index"), canter.data().join("../older"));
    canter.crawl(&site.url("/"), &["--max-pages", "10"]).done();
    copy(&index, &older);
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed().len(), PAGES + 1);
    fs::remove_dir_all(&index).unwrap();
    copy(&older, &index);
    canter.crawl(&site.url("/"), &[]).done();
    assert!((0..PAGES).all(|number| finds(&canter, number)));
}

/// A site whose first pages were removed and forgotten, and a copy of its index that holds them.
fn behind(removed: usize) -> (Serving, Canter) {
    let (site, canter) = crawled();
    let (index, older) = (canter.data().join("index"), canter.data().join("../older"));
    copy(&index, &older);
    remove(&site, removed);
    let args = ["--max-loss", "100"];
    canter.crawl(&site.url("/"), &args).done();
    // The crawl after it forgets them.
    canter.crawl(&site.url("/"), &[]).done();
    fs::remove_dir_all(&index).unwrap();
    copy(&older, &index);
    (site, canter)
}

/// A copy of the index holds pages that were removed since: more than a refresh may lose.
#[test]
fn a_newer_site_than_its_index_is_held_until_it_is_published() {
    let (site, canter) = behind(20);
    let ended = canter.crawl(&site.url("/"), &[]);
    assert_eq!(ended.status, Some(3), "{}", ended.stderr);
    let held = &ended.summary()["held"];
    assert_eq!(held["reason"], "pages are in the index and not of the site");
    let status = canter.run(&["status"]).done().stdout;
    assert!(status.contains("canter publish t"), "{status}");
    canter.run(&["publish", "t"]).done();
    assert_eq!(canter.indexed().len(), PAGES + 1 - 20);
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    assert!(summary["held"].is_null(), "{summary}");
}

#[test]
fn a_new_index_holds_nothing_else() {
    let (_site, canter) = behind(1);
    canter.run(&["reindex", "t"]).done();
    assert_eq!(canter.indexed().len(), PAGES);
}

#[test]
fn an_index_that_was_lost_is_made_anew() {
    let (site, canter) = crawled();
    site.log().clear();
    fs::remove_dir_all(canter.data().join("index")).unwrap();
    canter
        .run(&["search", "w3x3"])
        .fails(1, &["canter reindex"]);
    canter.run(&["reindex", "t"]).done();
    assert!((0..PAGES).all(|number| finds(&canter, number)));
    assert_eq!(site.log().all().len(), 0);
    fs::remove_dir_all(canter.data().join("index")).unwrap();
    canter.crawl(&site.url("/"), &[]).done();
    assert!((0..PAGES).all(|number| finds(&canter, number)));
}

#[test]
fn a_new_index_of_the_same_pages_finds_the_same() {
    let (_site, canter) = crawled();
    let search = || {
        canter
            .run(&["search", "page", "--json", "--limit", "60"])
            .done()
            .stdout
    };
    let results = |stdout: String| -> serde_json::Value {
        let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        answer["results"].clone()
    };
    let before = results(search());
    canter.run(&["reindex", "t"]).done();
    assert_eq!(results(search()), before);
}

/// A folder of the version before the archive, as its crawl of a small site left it: the index
/// alone holds the pages.
fn older_folder() -> Canter {
    let canter = canter!();
    let stored = fs::File::open("tests/data/machine.tar.gz").unwrap();
    let mut stored = tar::Archive::new(flate2::read::GzDecoder::new(stored));
    stored.unpack(canter.data()).unwrap();
    canter
}

/// Nothing else holds its pages, so `reindex` has nothing to make the index of.
#[test]
fn an_index_that_was_lost_before_there_was_an_archive_needs_a_crawl() {
    let canter = older_folder();
    fs::remove_dir_all(canter.data().join("index")).unwrap();
    let ended = canter.run(&["reindex", "machine"]);
    assert_eq!(ended.status, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("only a crawl"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("canter reindex"), "{}", ended.stderr);
}

#[test]
fn an_older_folder_is_brought_up_to_date_without_a_request() {
    let canter = older_folder();
    let answers = |query: &str| {
        let ended = canter.run(&["search", query, "--json"]).done();
        let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        answer["results"].clone()
    };
    let all = || ["gizmo", "screws", "oil", "home"].map(answers);
    let export = || canter.run(&["export", "machine"]).done().stdout;
    let (found, exported) = (all(), export());
    assert_eq!(found[0].as_array().map(Vec::len), Some(1));
    assert_eq!(exported.lines().count(), 4);
    canter.run(&["reindex", "machine"]).done();
    assert_eq!(export(), exported);
    assert_eq!(all(), found);
    fs::remove_dir_all(canter.data().join("index")).unwrap();
    canter.run(&["reindex", "machine"]).done();
    assert_eq!(export(), exported);
    assert_eq!(all(), found);
}

#[test]
fn an_archive_that_was_lost_is_filled_by_the_next_crawls() {
    let (site, canter) = crawled();
    let before = canter.export();
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(canter.data().join(format!("pages.sqlite{end}")));
    }
    canter.crawl(&site.url("/"), &[]).done();
    assert!((0..PAGES).all(|number| finds(&canter, number)));
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.export(), before);
    fs::remove_dir_all(canter.data().join("index")).unwrap();
    canter.run(&["reindex", "t"]).done();
    assert!((0..PAGES).all(|number| finds(&canter, number)));
}

#[test]
fn all_sites_of_a_folder_are_filled() {
    let (site, canter) = crawled();
    let other = canter_tests::Site::new().page("/zebras", []).start();
    let url = other.url("/zebras");
    let args = ["--allow-private", "--rps", "unlimited", "--site", "other"];
    canter
        .run(&[&["crawl", url.as_str()], &args[..]].concat())
        .done();
    for entry in fs::read_dir(canter.data().join("index")).unwrap() {
        fs::write(entry.unwrap().path(), "garbage").unwrap();
    }
    site.log().clear();
    other.log().clear();
    canter.run(&["publish", "t"]).done();
    assert!((0..PAGES).all(|number| finds(&canter, number)));
    let found = canter.run(&["search", "zebras"]).done().stdout;
    assert!(found.contains("/zebras"), "{found}");
    assert_eq!((site.log().all().len(), other.log().all().len()), (0, 0));
}
