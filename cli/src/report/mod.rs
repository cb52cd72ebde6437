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

use anyhow::Result;
use canter_core::failure::Failure;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Findings, Reading};
use canter_http::{Clock, Starts};
use indicatif::HumanBytes;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use file::ReportFile;
pub use targets::Targets;

use crate::args::Report;
use crate::index::ReadIndex;
use crate::usage::UsageError;
use words::{counted, date, number, span};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, whatever a crawled page brought in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// One site of the report.
pub struct Crawled {
    /// Id of the site.
    pub site: String,
    /// How it came to rest, a phrase.
    pub rest: String,
    /// Nothing was left to do.
    pub complete: bool,
    /// The run of the command that crawled; none when the report is made afterwards.
    pub run: Option<Run>,
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

/// Writes the report of a site that was crawled before.
pub async fn report(args: Report) -> Result<()> {
    let file = ReportFile::check(&args.file)?;
    let folder = Folder::existing(&crate::folder(&args.data)?)?;
    let Some((findings, targets)) = gather(&folder, &args.site).await? else {
        return Err(UsageError::unknown_site(&args.site, &folder)?.into());
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

/// What the folder holds of a site's newest crawl; nothing for an unknown site.
pub async fn gather(folder: &Folder, site: &str) -> Result<Option<(Findings, Targets)>, Failure> {
    let Some(reading) = Reading::open(folder)? else {
        return Ok(None);
    };
    let Some(findings) = reading.findings(site)? else {
        return Ok(None);
    };
    let sites = reading.sites()?;
    let known = sites.iter().find(|known| known.name == site);
    let noted = known.and_then(|known| known.server.as_deref());
    let index = ReadIndex::noted(folder, noted).await?;
    let targets = Targets::of(&findings, site, &index).await?;
    Ok(Some((findings, targets)))
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

/// What there is to tell: id, title, body.
fn sections(crawl: &Crawled) -> Vec<(&'static str, String, Markup)> {
    let findings = &crawl.findings;
    let counts = &findings.counts;
    let titled = |name: &str, count: u64| format!("{name} ({})", number(count));
    let lists = lists::Lists::of(crawl);
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
