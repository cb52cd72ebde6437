//! Outages of a site: no page is lost, and the next crawl is as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canter_core::domain::authority;
use canter_core::ports::Robots;
use canter_core::robots::RobotsPolicy;
use canter_core::time::Moment;
use canter_embedded::store::Store;
use canter_tests::{Answer, Canter, Serving, Site, canter};

use super::{PAGES, crawled, finds, held, page, page_with, path};
use crate::side_by_side;

const SORRY: &str = "<title>Back soon</title><main><p>We are working on this site. Everything that \
                     was here will be here again in an hour or so. Thank you for your patience, and \
                     for telling nobody.</main>";

/// Breaks the pages from a number on.
fn break_from(site: &Serving, first: usize, answer: impl Fn(usize) -> Answer) {
    for number in first..PAGES {
        site.set(&path(number), answer(number));
    }
}

/// An outage: its name, how it shows, and the reason for which the refresh is held; none if the
/// answers say nothing about the pages.
type Outage = (&'static str, fn(&Serving), Option<&'static str>);

const OUTAGES: [Outage; 12] = [
    (
        "a redirect to a login",
        |site| {
            break_from(site, 0, |_| {
                Answer::status(302).header("Location", "/login")
            })
        },
        None,
    ),
    (
        "a redirect that says it is for good",
        |site| break_from(site, 0, |_| Answer::redirect("/")),
        Some("pages redirect to a few others"),
    ),
    (
        "a maintenance page with 200",
        |site| break_from(site, 0, |_| Answer::html(SORRY)),
        Some("pages now have nearly the same text"),
    ),
    (
        "a captcha with a token in it",
        |site| {
            break_from(site, 0, |number| {
                Answer::html(format!("{SORRY}<p>Your request is number {number:08x}."))
            });
        },
        Some("pages now have nearly the same text"),
    ),
    (
        "an error of the server",
        |site| break_from(site, 0, |_| Answer::status(500)),
        None,
    ),
    (
        "403 for all",
        |site| break_from(site, 0, |_| Answer::status(403)),
        None,
    ),
    (
        "empty pages with 200",
        |site| break_from(site, 0, |_| Answer::html("")),
        Some("pages now have nearly the same text"),
    ),
    (
        "a template that makes the start the canonical of every page",
        |site| {
            break_from(site, 0, |number| {
                page_with(number, "<link rel=canonical href=/>")
            });
        },
        Some("pages name one page as canonical or have the same content"),
    ),
    (
        "a template with noindex",
        |site| {
            break_from(site, 0, |number| {
                page_with(number, "<meta name=robots content=noindex>")
            });
        },
        Some("pages ask not to be indexed"),
    ),
    (
        "a robots.txt that disallows everything",
        |site| {
            site.set(
                "/robots.txt",
                Answer::text("User-agent: *\nDisallow: /p/\n"),
            )
        },
        None,
    ),
    (
        "the page of somebody who parks the domain",
        |site| {
            break_from(site, 0, |_| {
                Answer::html("<title>For sale</title><p>Buy this name now")
            });
            site.set(
                "/",
                Answer::html("<title>For sale</title><p>Buy this name now"),
            );
        },
        Some("pages now have nearly the same text"),
    ),
    (
        "half of the site missing after a broken deployment",
        |site| break_from(site, PAGES / 2, |_| Answer::status(404)),
        None,
    ),
];

/// Makes the known robots.txt too old.
fn forget_robots(canter: &Canter, site: &Serving) {
    let store = Store::open(&canter.data().join("state.sqlite")).unwrap();
    let authority = authority(&site.url("/").parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let saved = store.save(&authority, &RobotsPolicy::AllowAll, Moment(1));
    runtime.block_on(saved).unwrap();
}

#[test]
fn an_outage_loses_no_page() {
    side_by_side(OUTAGES, |(name, begin, reason)| {
        let (site, canter) = crawled();
        let before = canter.export();
        begin(&site);
        forget_robots(&canter, &site);
        let refreshed = canter.crawl(&site.url("/"), &[]);
        match reason {
            Some(reason) => held(&refreshed, reason),
            None => assert_eq!(refreshed.status, Some(0), "{name}: {}", refreshed.stderr),
        }
        assert_eq!(canter.export(), before, "{name}");
        assert!(finds(&canter, PAGES - 1), "{name}");
        let robots = site.log().of("/robots.txt").len();
        assert_eq!(robots, 2, "{name}");
    });
}

#[test]
fn the_next_crawl_after_an_outage_publishes_by_itself() {
    let (site, canter) = crawled();
    let before = canter.export();
    break_from(&site, 0, |_| Answer::html(SORRY));
    held(
        &canter.crawl(&site.url("/"), &[]),
        "pages now have nearly the same text",
    );
    break_from(&site, 0, page);
    site.set(&path(7), page(77));
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    assert_eq!(summary["held"], serde_json::Value::Null);
    assert_eq!(summary["changed"], 1, "{summary}");
    assert!(finds(&canter, 77) && !finds(&canter, 7));
    assert_eq!(canter.export().len(), before.len());
}

#[test]
fn pages_that_stay_away_are_held_until_somebody_publishes_them() {
    let (site, canter) = crawled();
    break_from(&site, PAGES / 2, |_| Answer::status(404));
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed().len(), PAGES + 1);
    held(&canter.crawl(&site.url("/"), &[]), "pages are gone");
    let status = canter.run(&["status", "t", "--json"]).done();
    assert!(
        status.stdout.contains("pages are gone"),
        "{}",
        status.stdout
    );
    let published = canter.run(&["publish", "t"]).done();
    assert!(
        published.stderr.contains("25 pages removed"),
        "{}",
        published.stderr
    );
    assert_eq!(canter.indexed().len(), PAGES / 2 + 1);
    let status = canter.run(&["status", "t", "--json"]).done();
    assert!(
        !status.stdout.contains("pages are gone"),
        "{}",
        status.stdout
    );
}

#[test]
fn a_refresh_that_may_lose_everything_is_published() {
    let (site, canter) = crawled();
    break_from(&site, 0, |_| Answer::status(410));
    canter.crawl(&site.url("/"), &["--max-loss", "100"]).done();
    assert_eq!(canter.indexed(), ["/"]);
}

/// A server that compares dates only says of the pages of an outage that they have not changed.
#[test]
fn a_site_that_is_itself_again_is_not_taken_for_unchanged() {
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Mon, 07 Nov 1994 08:49:37 GMT";
    let is_sick = Arc::new(AtomicBool::new(false));
    let links: Vec<String> = (0..PAGES).map(path).collect();
    let mut site = Site::new().page("/", links.iter().map(String::as_str));
    for number in 0..PAGES {
        let is_sick = Arc::clone(&is_sick);
        site = site.reply(&path(number), move |visit| {
            if is_sick.load(Ordering::SeqCst) {
                return Answer::html(SORRY).header("Last-Modified", LATER);
            }
            match visit.header("if-modified-since") {
                Some(_) => Answer::status(304),
                None => page(number).header("Last-Modified", EARLIER),
            }
        });
    }
    let (site, canter) = (site.start(), canter!());
    canter.crawl(&site.url("/"), &[]).done();
    let before = canter.export();
    is_sick.store(true, Ordering::SeqCst);
    held(
        &canter.crawl(&site.url("/"), &[]),
        "pages now have nearly the same text",
    );
    is_sick.store(false, Ordering::SeqCst);
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.export(), before);
}

/// What a refresh has seen of an outage before it stopped stays out, whatever else is published.
#[test]
fn an_import_publishes_no_outage() {
    let (site, canter) = crawled();
    let before = canter.export();
    break_from(&site, 0, |_| Answer::html(SORRY));
    let refresh = canter.crawl(&site.url("/"), &["--max-pages", "40"]);
    held(&refresh, "pages now have nearly the same text");
    let page = serde_json::json!({
        "site": "t", "url": site.url("/imported"), "text": "Imported words.",
        "fetched_at_ms": 1_700_000_000_000_u64,
    });
    let file = canter.data().with_extension("jsonl");
    std::fs::write(&file, page.to_string()).unwrap();
    let import = ["import", file.to_str().unwrap()];
    canter
        .run(&import)
        .fails(1, &["not published", "nearly the same text"]);
    assert_eq!(canter.export(), before);
    assert!(finds(&canter, 0));
}
