//! Sites in a server's index: refreshed, forgotten, moved from one index to another.

use canter_tests::{Answer, OwnIndex, Site, canter};
use serde_json::Value;

use super::{PLACES, paths, search, with};

fn args(index: &[String]) -> Vec<&str> {
    index.iter().map(String::as_str).collect()
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_refresh_asks_for_what_has_changed_and_takes_out_what_is_gone() {
    let _place = PLACES.take();
    let tagged = Answer::page("/kept", []).header("ETag", "\"1\"");
    let site = Site::new()
        .page("/", ["/kept", "/changed", "/gone"])
        .answer("/kept", tagged)
        .reply("/kept", |visit| match visit.header("if-none-match") {
            Some(_) => Answer::status(304),
            None => Answer::page("/kept", []).header("ETag", "\"1\""),
        })
        .page("/changed", [])
        .page("/gone", [])
        .start();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    canter.crawl(&site.url("/"), &args(&index)).done();
    assert_eq!(canter.indexed(), ["/", "/changed", "/gone", "/kept"]);
    site.set("/changed", Answer::page("ponies", []));
    site.set("/gone", Answer::status(410));
    let ended = canter.crawl(&site.url("/"), &args(&index)).done();
    ended.counts(&[("indexed", 1), ("unchanged", 2), ("gone", 1)]);
    assert_eq!(canter.indexed(), ["/", "/changed", "/kept"]);
    let found = search(&canter, Some(&server), "ponies");
    assert_eq!(paths(&found), ["/changed"]);
    assert_eq!(found["results"][0]["site"], "t");
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_forgotten_site_leaves_the_server_and_others_stay() {
    let _place = PLACES.take();
    let site = Site::web(30).start();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    canter.crawl(&site.url("/"), &args(&index)).done();
    let other = ["crawl", &site.url("/p/3"), "--site", "u", "--allow-private"];
    let other = [&other, args(&index).as_slice()].concat();
    canter.run(&other).done();
    assert_eq!(search(&canter, Some(&server), "p")["total"]["value"], 32);
    canter.run(&["forget", "t", "--yes"]).done();
    assert_eq!(search(&canter, Some(&server), "p")["total"]["value"], 1);
    canter.run(&["export", "t"]).fails(2, &["known sites: u"]);
    let there = |site| canter.run(&[&["export", site], args(&index).as_slice()].concat());
    there("t").fails(2, &["no pages of a site \"t\" in http"]);
    assert_eq!(there("u").done().stdout.lines().count(), 1);
}

/// An index of which the folder knows nothing, and then the one in which it has the site.
#[test]
#[ignore = "needs the servers of make test"]
fn a_site_leaves_the_index_that_is_named() {
    let _place = PLACES.take();
    let site = Site::web(30).start();
    let (old, new) = (OwnIndex::new(), OwnIndex::new());
    let canter = canter!();
    for server in [&old, &new] {
        let index = ["--index".to_owned(), server.url()];
        let index: Vec<&str> = index.iter().map(String::as_str).collect();
        canter.crawl(&site.url("/"), &index).done();
    }
    let count = |server| search(&canter, Some(server), "p")["total"]["value"].clone();
    assert_eq!((count(&old), count(&new)), (31.into(), 31.into()));
    let url = old.url();
    let forget = ["forget", "t", "--index", &url];
    canter.run(&forget).fails(1, &["add --yes"]);
    let said = canter.run(&[&forget[..], &["--yes"]].concat()).done();
    for part in ["31 pages", "`canter forget t` removes it there"] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
    assert_eq!((count(&old), count(&new)), (0.into(), 31.into()));
    canter
        .run(&[&forget[..], &["--yes"]].concat())
        .fails(2, &["no pages of a site \"t\" in http"]);
    let url = new.url();
    canter
        .run(&["forget", "t", "--index", &url, "--yes"])
        .done();
    assert_eq!(count(&new), 0);
    canter.run(&["status", "t"]).fails(1, &["no index"]);
}

/// Another index is filled from the archive: the site is asked for changes only.
#[test]
#[ignore = "needs the servers of make test"]
fn a_site_that_moves_to_another_index_fills_it_from_the_archive() {
    let _place = PLACES.take();
    let page = |visit: &canter_tests::Visit| match visit.header("if-none-match") {
        Some(_) => Answer::status(304),
        None => Answer::page("ponies", []).header("ETag", "\"1\""),
    };
    let site = Site::new().reply("/", page).start();
    let (one, two) = (OwnIndex::new(), OwnIndex::new());
    let canter = canter!();
    let crawl = |server: Option<&OwnIndex>| {
        let url = server.map(OwnIndex::url);
        let index: Vec<&str> = url.iter().flat_map(|url| ["--index", url]).collect();
        let ended = canter.crawl(&site.url("/"), &index).done();
        ended.summary()["indexed"].as_u64().unwrap()
    };
    assert_eq!(crawl(None), 1);
    for server in [Some(&one), Some(&two), Some(&one), None] {
        assert_eq!(crawl(server), 0);
    }
    for server in [Some(&one), Some(&two), None] {
        assert_eq!(paths(&search(&canter, server, "ponies")), ["/"]);
    }
}

#[test]
#[ignore = "needs the servers of make test"]
fn status_explain_and_report_look_where_the_pages_are() {
    let _place = PLACES.take();
    let site = Site::new()
        .page("/", ["/a", "/dead"])
        .page("/a", ["/dead"])
        .start();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    canter.crawl(&site.url("/"), &args(&index)).done();
    let status = canter.run(&["status", "--json"]).done();
    let status: Value = serde_json::from_str(status.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(status["index"], server.url());
    let explained = canter.run(&["explain", &site.url("/a"), "--json"]).done();
    let explained: Value = serde_json::from_str(explained.stdout.lines().next().unwrap()).unwrap();
    let title = &explained["sites"][0]["index"]["title"];
    assert_eq!(title, "/a", "{explained}");
    let page = canter.data().join("report.html");
    canter.run(&["report", "t", page.to_str().unwrap()]).done();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("/dead") && page.contains("/a"), "{page}");
}
