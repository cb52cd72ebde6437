//! Which URLs a page leads to, and which of them are one.

use canter_tests::{Answer, Site};

use crate::{counts, crawl, fetched};

#[test]
fn every_linked_page_is_fetched_exactly_once() {
    let site = Site::web(300).start();
    let (canter, summary) = crawl(&site);
    counts(
        &summary,
        &[
            ("pages", 301),
            ("indexed", 301),
            ("requests", 302),
            ("failed", 0),
        ],
    );
    assert_eq!(site.log().all().len(), 302);
    assert!(site.log().pages().values().all(|&times| times == 1));
    assert_eq!(canter.indexed().len(), 301);
}

#[test]
fn spellings_of_one_url_are_one_page() {
    let links = [
        "/a",
        "/a#x",
        "/./a",
        "/b/../a",
        "/%61",
        "/a?",
        "//127.0.0.1/a",
        " /a ",
        "/caf%c3%a9",
        "/café",
    ];
    let site = Site::new()
        .page("/", links)
        .page("/a", [])
        .page("/caf%C3%A9", [])
        .start();
    let (_, summary) = crawl(&site);
    fetched(&site, &["/", "/a", "/caf%C3%A9"]);
    counts(&summary, &[("pages", 3)]);
}

#[test]
fn what_a_site_tells_apart_stays_apart() {
    let links = ["/a", "/a/", "/A", "/a?x=1&y=2", "/a?y=2&x=1"];
    let site = Site::new()
        .page("/", links)
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    let (_, summary) = crawl(&site);
    counts(&summary, &[("pages", 6), ("indexed", 6)]);
}
