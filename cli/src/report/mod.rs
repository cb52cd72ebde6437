//! The report of a crawl: one page in one file, for a person who looks.
//!
//! It needs no script and nothing from elsewhere. Every text of the crawled site is escaped by
//! maud; links lead only where the crawler went itself. Lists are bounded, and say what is left.

mod file;
mod lists;
mod outcomes;
mod plot;
mod rate;
mod targets;
mod times;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use canter_embedded::store::Findings;
use canter_http::Starts;
use indicatif::HumanBytes;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use file::ReportFile;
pub use targets::Targets;

use words::{counted, date, number, span};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, whatever a crawled page brought in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// One site of the report.
pub struct Crawled {
    /// Id of the site.
    pub site: String,
    /// Where the crawl started.
    pub seeds: Vec<String>,
    /// How it came to rest, a phrase.
    pub rest: String,
    /// Nothing was left to do.
    pub complete: bool,
    /// The run of the command.
    pub run: Run,
    /// What was found by all runs of the crawl.
    pub findings: Findings,
    /// Which pages link to what is not there.
    pub targets: Targets,
}

/// Figures of one run of the command.
pub struct Run {
    /// How long it took.
    pub elapsed: Duration,
    /// Requests of the site that were answered or broke off.
    pub requests: u64,
    /// Bytes of the bodies, decoded.
    pub bytes: u64,
    /// Limit of the rate; none for none.
    pub limit: Option<f64>,
    /// Most requests to a domain in any sliding second.
    pub peak: u32,
    /// What the site asks for between requests; zero for nothing.
    pub delay: Duration,
    /// When requests started, by domain.
    pub starts: BTreeMap<String, Starts>,
}

/// The page, written at a time in Unix ms.
pub fn page(crawls: &[Crawled], written_ms: u64) -> String {
    let names: Vec<&str> = crawls.iter().map(|crawl| crawl.site.as_str()).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { "Crawl of " (names.join(", ")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    @for (number, crawl) in crawls.iter().enumerate() {
                        (crawled(crawl, &format!("s{number}-")))
                    }
                }
                footer {
                    "Written by canter " (env!("CARGO_PKG_VERSION")) " on " (date(written_ms)) "."
                }
            }
        }
    };
    page.into_string()
}

/// One site; ids of its parts begin with `prefix`.
fn crawled(crawl: &Crawled, prefix: &str) -> Markup {
    let sections = sections(crawl);
    html! {
        article {
            (headline(crawl))
            nav aria-label="Parts" {
                @for (id, title, _) in &sections { a href={ "#" (prefix) (id) } { (title) } }
            }
            @for (id, title, body) in &sections {
                section id={ (prefix) (id) } { h2 { (title) } (body) }
            }
        }
    }
}

fn headline(crawl: &Crawled) -> Markup {
    let counts = &crawl.findings.counts;
    let tiles = [
        (number(counts.pages), "pages", false),
        (number(counts.gone), "dead links", counts.gone > 0),
        (number(counts.failed), "failed", counts.failed > 0),
        (number(crawl.run.requests), "requests", false),
        (HumanBytes(crawl.run.bytes).to_string(), "read", false),
        (span(crawl.run.elapsed), "taken", false),
    ];
    html! {
        header {
            h1 { bdi { (crawl.site) } }
            p.about {
                span.state.complete[crawl.complete] { (crawl.rest) }
                " begun on " (date(crawl.findings.began_ms)) " from "
                @for (number, seed) in crawl.seeds.iter().enumerate() {
                    @if number > 0 { ", " }
                    (words::link(seed, seed))
                }
                @if counts.waiting > 0 { "; " (counted(counts.waiting, "URL", "URLs")) " still to go" }
            }
            dl.tiles {
                @for (value, name, bad) in tiles {
                    div.bad[bad] { dt { (name) } dd { (value) } }
                }
            }
        }
    }
}

/// What there is to tell: id, title, body.
fn sections(crawl: &Crawled) -> Vec<(&'static str, String, Markup)> {
    let findings = &crawl.findings;
    let counts = &findings.counts;
    let titled = |name: &str, count: u64| format!("{name} ({})", number(count));
    let lists = lists::Lists::of(crawl);
    let all = [
        (1, "rate", "Rate".to_owned(), rate::section(&crawl.run)),
        (1, "outcomes", "Outcomes".to_owned(), outcomes::section(findings)),
        (counts.gone, "dead", titled("Dead links", counts.gone), lists.dead()),
        (counts.failed, "failed", titled("Failed", counts.failed), lists.failed()),
        (
            counts.redirected,
            "redirects",
            titled("Redirects", counts.redirected),
            lists.redirects(),
        ),
        (
            findings.times.len() as u64,
            "times",
            "Response times".to_owned(),
            html! { (times::section(&findings.times)) (lists.slowest()) },
        ),
        (
            findings.largest.len() as u64,
            "largest",
            "Largest pages".to_owned(),
            lists.largest(),
        ),
        (
            counts.duplicates,
            "duplicates",
            titled("Duplicates", counts.duplicates),
            lists.duplicates(),
        ),
        (
            counts.skipped,
            "skipped",
            titled("Skipped", counts.skipped),
            lists.skipped(),
        ),
    ];
    all.into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(_, id, title, body)| (id, title, body))
        .collect()
}
