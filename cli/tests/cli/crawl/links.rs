//! Which URLs a page links to, and which of them are the same.

use canter_tests::{Answer, Site};

use super::{counts, crawl, crawl_with, fetched};

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

#[test]
fn every_kind_of_link_leads_on() {
    let html = "<!doctype html><html lang=en><title>start</title>\
        <link rel=next href=/next><link rel=alternate hreflang=de href=/de>\
        <link rel=stylesheet href=/style><link rel=icon href=/icon>\
        <link rel=alternate type=application/atom+xml href=/feed><link rel=preload href=/font>\
        <noscript><meta http-equiv=refresh content='0;url=/no'><a href=/noscript>n</a></noscript>\
        <map><area href=/area></map><iframe src=/frame></iframe><img src=/image>";
    let linked = Answer::html(html)
        .header("Link", "</header>; rel=index, </style>; rel=stylesheet")
        .header("Link", "</fr>; rel=alternate; hreflang=fr");
    let site = Site::new()
        .answer("/", linked)
        .answer(
            "/frame",
            Answer::html("<frameset><frame src=/framed><noframes><a href=/bare>b</a></noframes>"),
        )
        .answer(
            "/area",
            Answer::html("<meta http-equiv=refresh content='3; url=/refreshed'>"),
        )
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    crawl(&site);
    fetched(
        &site,
        &[
            "/",
            "/area",
            "/bare",
            "/de",
            "/fr",
            "/frame",
            "/framed",
            "/header",
            "/next",
            "/noscript",
            "/refreshed",
        ],
    );
}

#[test]
fn a_page_with_a_hundred_thousand_links() {
    let html: String = (0..150_000)
        .map(|n| format!("<a href=/{n}>{n}</a> "))
        .collect();
    let site = Site::new()
        .answer("/", Answer::html(html))
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    let (_, summary) = crawl_with(&site, "/", &["--max-pages", "20"]);
    counts(&summary, &[("pages", 20), ("waiting", 99_981)]);
}
