//! What a refresh may change in the index, and what holds it.

mod index;
mod outages;
mod removals;

use canter_tests::{Answer, Canter, Ended, Serving, Site, canter};

/// Number of pages beside the start.
const PAGES: usize = 50;

fn path(number: usize) -> String {
    format!("/p/{number}")
}

/// A page with words of its own.
fn page(number: usize) -> Answer {
    page_with(number, "")
}

/// The page with more in its head.
fn page_with(number: usize, head: &str) -> Answer {
    let words: String = (0..80).map(|word| format!("w{number}x{word} ")).collect();
    Answer::html(format!(
        "<title>Page {number}</title>{head}<main><h1>Page {number}</h1><p>{words}</main>"
    ))
}

/// A site of 51 pages.
fn site() -> Serving {
    let links: Vec<String> = (0..PAGES).map(path).collect();
    let mut site = Site::new().page("/", links.iter().map(String::as_str));
    for number in 0..PAGES {
        site = site.answer(&path(number), page(number));
    }
    site.start()
}

/// A site that was crawled once.
fn crawled() -> (Serving, Canter) {
    let (site, canter) = (site(), canter!());
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed().len(), PAGES + 1);
    (site, canter)
}

/// Asserts that a refresh was held: exit status 3, and the reason in the summary.
#[track_caller]
fn held(ended: &Ended, reason: &str) {
    assert_eq!(ended.status, Some(3), "{}", ended.stderr);
    let summary = ended.summary();
    assert_eq!(summary["held"]["reason"], reason, "{summary}");
    let examples = summary["held"]["examples"].as_array();
    assert_eq!(examples.map(Vec::len), Some(10), "{summary}");
    assert!(summary["held"]["share"].as_f64().is_some_and(|it| it > 0.4));
}

/// Whether a search finds a word of a page.
fn finds(canter: &Canter, number: usize) -> bool {
    let ended = canter
        .run(&["search", &format!("w{number}x7"), "--json"])
        .done();
    let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    answer["total"]["value"] == 1
}
