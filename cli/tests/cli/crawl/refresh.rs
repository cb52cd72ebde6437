//! The second crawl of a site.

use canter_tests::{Answer, Site};

use super::{counts, crawl, fetched};

#[test]
fn a_second_run_asks_whether_pages_changed() {
    let tagged = |path: &'static str| {
        move |visit: &canter_tests::Visit| match visit.header("if-none-match") {
            Some("\"7\"") => Answer::status(304),
            _ => Answer::page(path, ["/child"]).header("ETag", "\"7\""),
        }
    };
    let dated = |visit: &canter_tests::Visit| match visit.header("if-modified-since") {
        Some("Sun, 06 Nov 1994 08:49:37 GMT") => Answer::status(304),
        _ => Answer::page("dated", []).header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    };
    let site = Site::new()
        .page("/", ["/tagged", "/dated", "/plain", "/new"])
        .reply("/tagged", tagged("tagged"))
        .reply("/dated", dated)
        .page("/plain", [])
        .page("/new", [])
        .page("/child", [])
        .start();
    let (canter, _) = crawl(&site);
    site.log().clear();
    site.set("/new", Answer::page("newer", ["/newest"]));
    site.set("/newest", Answer::page("newest", []));
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    fetched(
        &site,
        &[
            "/", "/child", "/dated", "/new", "/newest", "/plain", "/tagged",
        ],
    );
    counts(&summary, &[("unchanged", 5), ("indexed", 2), ("pages", 7)]);
    let titles: Vec<String> = canter
        .export()
        .iter()
        .map(|page| page["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        titles,
        [
            "/", "/child", "dated", "newer", "newest", "/plain", "tagged"
        ]
    );
}

#[test]
fn pages_that_went_away_leave_the_index() {
    let site = Site::new()
        .page("/", ["/410", "/404", "/403", "/500"])
        .page("/410", [])
        .page("/404", [])
        .page("/403", [])
        .page("/500", [])
        .start();
    let (canter, _) = crawl(&site);
    for status in [410, 404, 403, 500] {
        site.set(&format!("/{status}"), Answer::status(status));
    }
    let again = || {
        canter.crawl(&site.url("/"), &[]).done();
        canter.indexed()
    };
    assert_eq!(again(), ["/", "/403", "/404", "/500"]);
    assert_eq!(again(), ["/", "/403", "/500"]);
    site.set("/404", Answer::page("back", []));
    assert_eq!(again(), ["/", "/403", "/404", "/500"]);
}

#[test]
fn a_missing_page_that_returns_starts_to_count_anew() {
    let site = Site::new().page("/", ["/a"]).page("/a", []).start();
    let (canter, _) = crawl(&site);
    for (answer, stays) in [
        (Answer::status(404), true),
        (Answer::page("/a", []), true),
        (Answer::status(404), true),
        (Answer::status(404), false),
    ] {
        site.set("/a", answer);
        canter.crawl(&site.url("/"), &[]).done();
        assert_eq!(canter.indexed().len(), if stays { 2 } else { 1 });
    }
}

#[test]
fn a_page_that_became_noindex_leaves_at_once_and_what_may_be_an_error_in_the_next_crawl() {
    let site = Site::new()
        .page("/", ["/a", "/b", "/c"])
        .page("/a", [])
        .page("/b", [])
        .page("/c", [])
        .start();
    let (canter, _) = crawl(&site);
    // A redirect for good to a page that is none counts as an error.
    site.set("/a", Answer::redirect("/c"));
    site.set(
        "/b",
        Answer::page("b", []).header("X-Robots-Tag", "noindex"),
    );
    site.set("/c", Answer::text("now plain"));
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed(), ["/", "/a", "/c"]);
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed(), ["/"]);
}
