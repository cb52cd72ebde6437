//! The report of a crawl: one HTML page in one file.
//!
//! The page has no scripts and loads nothing. maud escapes every text of the crawled site, and
//! links lead only to URLs that the crawler asked for. Lists are bounded, and say how much they
//! leave out.

pub mod crawled;
mod file;
mod lists;
mod outcomes;
mod plot;
mod rate;
mod targets;
mod times;
mod words;

use std::path::PathBuf;

use anyhow::Result;
use canter_core::failure::Failure;
use canter_embedded::archive::ArchiveReader;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Findings, Reading};
use canter_http::Clock;
use clap::Args;
use indicatif::HumanBytes;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use file::ReportFile;
use targets::Targets;

use crate::args::Data;
use crate::status::unknown_site;
use crawled::Crawled;
use words::{counted, date, number, span};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, whatever a crawled page contains.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  canter report docs.example.org report.html\n\n\
    The rate over time is only known to the crawl itself: canter crawl --report FILE.html"
)]
pub struct Report {
    /// Name of the site, as the crawl's summary gives it
    pub site: String,

    /// Where to write the page
    #[arg(value_name = "FILE.html")]
    pub file: PathBuf,

    #[command(flatten)]
    pub data: Data,
}

/// Writes the report of a site that was crawled earlier.
pub async fn report(args: Report) -> Result<()> {
    let file = ReportFile::check(&args.file)?;
    let folder = Folder::existing(&args.data.folder()?)?;
    let Some((findings, targets)) = gather(&folder, &args.site).await? else {
        return Err(unknown_site(&args.site, &folder)?.into());
    };
    let rest = if findings.ended {
        "complete"
    } else {
        "not complete"
    };
    let crawled = Crawled {
        site: args.site.clone(),
        rest: rest.to_owned(),
        complete: findings.ended,
        run: None,
        findings,
        targets,
    };
    file.write(&page(&[crawled], Clock::start().now().millis()))
}

/// The findings of a site's newest crawl; none for an unknown site.
pub async fn gather(folder: &Folder, site: &str) -> Result<Option<(Findings, Targets)>, Failure> {
    let Some(reading) = Reading::open(folder)? else {
        return Ok(None);
    };
    let Some(findings) = reading.findings(site)? else {
        return Ok(None);
    };
    let archive = ArchiveReader::open(folder)?;
    let shown = reading.published(site)?;
    let targets = Targets::of(&findings, site, archive.as_ref(), &shown).await?;
    Ok(Some((findings, targets)))
}

/// The page; `written_ms` is the time of writing in Unix milliseconds.
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

/// One site. The ids of its sections begin with `prefix`.
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
    let mut tiles = vec![
        (number(counts.pages), "pages", false),
        (number(counts.gone), "dead links", counts.gone > 0),
        (number(counts.failed), "failed", counts.failed > 0),
    ];
    if let Some(run) = &crawl.run {
        tiles.push((number(run.requests), "requests", false));
        tiles.push((HumanBytes(run.bytes).to_string(), "read", false));
        tiles.push((span(run.elapsed), "taken", false));
    }
    html! {
        header {
            h1 { bdi { (crawl.site) } }
            p.about {
                span.state.complete[crawl.complete] { (crawl.rest) }
                ", begun on " (date(crawl.findings.began_ms)) " from "
                @for (number, seed) in crawl.findings.seeds.iter().enumerate() {
                    @if number > 0 { ", " }
                    (words::link(seed.as_str(), seed.as_str()))
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

/// The sections that are not empty: id, title, body.
fn sections(crawl: &Crawled) -> Vec<(&'static str, String, Markup)> {
    let findings = &crawl.findings;
    let counts = &findings.counts;
    let titled = |name: &str, count: u64| format!("{name} ({})", number(count));
    let lists = lists::Lists::of(crawl);
    let changed = match (&findings.held, &findings.changes) {
        (Some(held), _) => held.lost,
        (None, Some(changes)) => changes.all().iter().map(|(_, change)| change.count).sum(),
        (None, None) => 0,
    };
    let all = [
        (
            u64::from(crawl.run.is_some()),
            "rate",
            "Rate".to_owned(),
            html! { @if let Some(run) = &crawl.run { (rate::section(run)) } },
        ),
        (
            1,
            "outcomes",
            "Outcomes".to_owned(),
            outcomes::section(findings),
        ),
        (
            changed,
            "published",
            if findings.held.is_some() {
                titled("Held", changed)
            } else {
                titled("Changes", changed)
            },
            lists.published(),
        ),
        (
            counts.gone,
            "dead",
            titled("Dead links", counts.gone),
            lists.dead(),
        ),
        (
            counts.failed,
            "failed",
            titled("Failed", counts.failed),
            lists.failed(),
        ),
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
