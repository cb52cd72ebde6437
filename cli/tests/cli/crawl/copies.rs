//! Duplicates.

use canter_tests::{Answer, Site};

use super::{counts, crawl};

#[test]
fn a_canonical_page_is_indexed_in_the_place_of_its_copies() {
    let copy = |n: usize| {
        Answer::html(format!(
            "<link rel=canonical href=/c><title>{n}</title><p>copy {n}"
        ))
    };
    let site = Site::new()
        .page("/", ["/1", "/2", "/3", "/lost", "/away"])
        .answer("/1", copy(1))
        .answer("/2", copy(2))
        .answer(
            "/3",
            Answer::page("3", []).header("Link", "<c>; rel=\"canonical\""),
        )
        .page("/c", [])
        .answer(
            "/lost",
            Answer::html("<link rel=canonical href=/gone><title>lost</title>"),
        )
        .answer(
            "/away",
            Answer::html("<link rel=canonical href=https://example.org/><title>away</title>"),
        )
        .start();
    let (canter, summary) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/away", "/c", "/lost"]);
    counts(
        &summary,
        &[("duplicates", 3), ("indexed", 4), ("pages", 7), ("gone", 1)],
    );
}

#[test]
fn a_canonical_link_survives_a_refresh() {
    let copy = || {
        Answer::html("<link rel=canonical href=/c><title>copy</title><p>copy")
            .header("ETag", "\"1\"")
    };
    let site = Site::new()
        .page("/", ["/copy"])
        .reply("/copy", move |visit| match visit.header("if-none-match") {
            Some(_) => Answer::status(304),
            None => copy(),
        })
        .answer("/c", Answer::status(404))
        .start();
    let (canter, _) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/copy"]);
    canter.crawl(&site.url("/"), &[]).done();
    site.set("/c", Answer::page("c", []));
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed(), ["/", "/c"]);
}

#[test]
fn pages_with_the_same_bytes_are_one_whatever_came_first() {
    for order in [
        ["/x/", "/x/index.html", "/y"],
        ["/y", "/x/index.html", "/x/"],
    ] {
        let site = Site::new()
            .page("/", order)
            .otherwise(|_| Answer::page("same", []))
            .robots("")
            .start();
        let (canter, summary) = crawl(&site);
        assert_eq!(canter.indexed(), ["/", "/y"]);
        counts(&summary, &[("duplicates", 2), ("pages", 4)]);
        canter.crawl(&site.url("/"), &[]).done();
        assert_eq!(canter.indexed(), ["/", "/y"], "a refresh finds the same");
    }
}
