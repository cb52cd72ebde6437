//! Whole crawls of small sites: what is fetched, how each URL ends, what is indexed.

mod answers;
mod copies;
mod headers;
mod limits;
mod links;
mod redirects;
mod refresh;
mod report;
mod robots;
mod robots_answers;
mod scope;
mod sitemaps;
mod traps;

use canter_tests::{Canter, Serving, canter};
use serde_json::Value;

/// Crawls a site without further options.
fn crawl(site: &Serving) -> (Canter, Value) {
    crawl_with(site, "/", &[])
}

fn crawl_with(site: &Serving, seed: &str, args: &[&str]) -> (Canter, Value) {
    let canter = canter!();
    let summary = canter.crawl(&site.url(seed), args).done().summary();
    assert_eq!(
        summary["waiting"] == 0,
        summary["complete"] == true,
        "{summary}"
    );
    (canter, summary)
}

/// Asserts which paths were fetched, each once.
#[track_caller]
fn fetched(site: &Serving, expected: &[&str]) {
    let pages: Vec<(String, usize)> = site.log().pages().into_iter().collect();
    let once: Vec<(String, usize)> = expected
        .iter()
        .map(|path| ((*path).to_owned(), 1))
        .collect();
    assert_eq!(pages, once);
}

#[track_caller]
fn counts(summary: &Value, expected: &[(&str, u64)]) {
    for (name, count) in expected {
        let found = match name.strip_prefix("skipped.") {
            Some(reason) => &summary["skipped_by"][reason],
            None => &summary[name],
        };
        assert_eq!(found.as_u64(), Some(*count), "{name} in {summary}");
    }
}
