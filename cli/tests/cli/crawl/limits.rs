//! Limits of a crawl.

use std::time::Duration;

use canter_tests::{Answer, Site, canter};

use super::{counts, crawl_with, fetched};

#[test]
fn max_pages_is_exact_and_a_larger_one_goes_on() {
    let site = Site::web(100).start();
    let (canter, summary) = crawl_with(&site, "/", &["--max-pages", "7"]);
    counts(&summary, &[("pages", 7)]);
    assert_eq!(summary["complete"], false);
    let summary = canter
        .crawl(&site.url("/"), &["--max-pages", "30"])
        .done()
        .summary();
    counts(&summary, &[("pages", 30)]);
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    counts(&summary, &[("pages", 101)]);
    assert!(site.log().pages().values().all(|&times| times == 1));
}

#[test]
fn a_crawl_that_needs_no_more_pages_than_it_may_have_is_complete() {
    let site = Site::new().page("/", ["/a"]).page("/a", []).start();
    let (_, summary) = crawl_with(&site, "/", &["--max-pages", "2"]);
    counts(&summary, &[("pages", 2), ("waiting", 0)]);
    assert_eq!(summary["complete"], true);
}

#[test]
fn max_depth_counts_links_from_the_seed() {
    let site = Site::new()
        .page("/", ["/1"])
        .page("/1", ["/2", "/moved"])
        .redirect("/moved", "/2b")
        .page("/2", ["/3"])
        .page("/2b", ["/3"])
        .page("/3", [])
        .start();
    let (_, summary) = crawl_with(&site, "/", &["--max-depth", "2"]);
    fetched(&site, &["/", "/1", "/2", "/2b", "/moved"]);
    counts(&summary, &[("skipped.too_deep", 1)]);
    assert_eq!(summary["complete"], true);
}

#[test]
fn max_depth_0_is_the_seed_alone() {
    let site = Site::web(5).start();
    crawl_with(&site, "/", &["--max-depth", "0"]);
    fetched(&site, &["/"]);
}

#[test]
fn long_urls_and_traps_are_left_out() {
    let long = format!("/{}", "x".repeat(300));
    let site = Site::new()
        .page("/", [long.as_str(), "/calendar/"])
        .otherwise(|visit| {
            let deeper = format!("{}next/", visit.path);
            Answer::page(&visit.path, [deeper.as_str()])
        })
        .start();
    let (_, summary) = crawl_with(&site, "/", &["--max-url-bytes", "200"]);
    counts(&summary, &[("skipped.long_url", 1), ("skipped.trap", 1)]);
    assert!(site.log().all().len() < 50, "an endless site ends");
}

#[test]
fn max_page_bytes_is_of_the_decoded_page() {
    let big = "x".repeat(60_000);
    let site = Site::new()
        .page("/", ["/big", "/packed", "/fits"])
        .answer("/big", Answer::html(&big))
        .answer("/packed", Answer::html(&big).coded("gzip"))
        .answer("/fits", Answer::html(&big[..40_000]))
        .start();
    let (canter, summary) = crawl_with(&site, "/", &["--max-page-bytes", "50k"]);
    counts(&summary, &[("skipped.too_large", 2)]);
    assert_eq!(canter.indexed(), ["/", "/fits"]);
}

#[test]
fn max_time_stops_and_the_same_command_goes_on() {
    let site = Site::web(40).latency(Duration::from_millis(50)).start();
    let canter = canter!();
    let slow = ["--rps", "10", "--max-time", "1s"];
    let summary = canter.crawl(&site.url("/"), &slow).done().summary();
    assert_eq!(summary["complete"], false, "{summary}");
    assert_eq!(summary["rest"], "limit");
    assert!(summary["seconds"].as_f64().unwrap() < 5.0);
    canter
        .crawl(&site.url("/"), &[])
        .done()
        .counts(&[("pages", 41)]);
    assert!(site.log().pages().values().all(|&times| times == 1));
}
