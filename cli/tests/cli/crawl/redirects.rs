//! Redirects are outcomes.

use canter_tests::{Answer, Site, canter};

use super::{counts, crawl, fetched};

#[test]
fn redirects_are_outcomes_and_a_shared_target_is_fetched_once() {
    let site = Site::new()
        .page("/", ["/a", "/b", "/c"])
        .redirect("/a", "/d")
        .redirect("/b", "/c")
        .answer("/c", Answer::status(302).header("Location", "d"))
        .page("/d", [])
        .start();
    let (canter, summary) = crawl(&site);
    fetched(&site, &["/", "/a", "/b", "/c", "/d"]);
    counts(&summary, &[("pages", 2), ("redirected", 3), ("failed", 0)]);
    assert_eq!(canter.indexed(), ["/", "/d"]);
}

#[test]
fn a_redirect_out_of_the_site_is_not_followed() {
    let other = Site::new().page("/", []).start();
    let site = Site::new()
        .page("/", ["/a", "/b", "/c"])
        .redirect("/a", &other.url("/"))
        .answer("/b", Answer::status(301))
        .redirect("/c", "javascript:alert(1)")
        .start();
    let (_, summary) = crawl(&site);
    assert!(other.log().all().is_empty());
    counts(
        &summary,
        &[("pages", 1), ("skipped.leaves_site", 2), ("failed", 1)],
    );
}

#[test]
fn a_seed_that_leaves_the_site_says_where_to() {
    let other = Site::new().page("/", []).start();
    let site = Site::new().redirect("/", &other.url("/there")).start();
    let ended = canter!().crawl(&site.url("/"), &[]);
    let there = format!("redirects out of the site, to {}", other.url("/there"));
    ended.fails(1, &[&there]);
}

#[test]
fn redirect_loops_end() {
    let site = Site::new()
        .page("/", ["/one", "/two/1", "/five/1", "/endless/0"])
        .redirect("/one", "/one")
        .redirect("/two/1", "/two/2")
        .redirect("/two/2", "/two/1")
        .redirect("/five/1", "/five/2")
        .redirect("/five/2", "/five/3")
        .redirect("/five/3", "/five/4")
        .redirect("/five/4", "/five/5")
        .redirect("/five/5", "/five/1")
        .reply("/endless/0", |_| Answer::redirect("/endless/1"))
        .otherwise(|visit| {
            let number: u32 = visit.path.rsplit('/').next().unwrap().parse().unwrap_or(0);
            Answer::redirect(&format!("/endless/{}", number + 1))
        })
        .robots("")
        .start();
    let (_, summary) = crawl(&site);
    let pages = site.log().pages();
    assert!(pages.values().all(|&times| times == 1), "{pages:?}");
    let endless = pages
        .keys()
        .filter(|path| path.starts_with("/endless"))
        .count();
    assert_eq!(endless, 11, "ten redirects in a row are followed");
    counts(
        &summary,
        &[("pages", 1), ("failed", 0), ("skipped.redirect_loop", 8)],
    );
}
