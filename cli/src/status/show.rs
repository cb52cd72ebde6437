//! The state of sites for a person.

use canter_core::publish::Changes;
use canter_core::task::Skip;
use console::{Alignment, measure_text_width, pad_str, style};
use indicatif::HumanCount;

use super::standing::Standing;
use crate::crawl::summary::publish_command;
use crate::when::{ago, now_ms, span};

/// Maximum number of pages that are named for each kind of change.
const EXAMPLES: usize = 3;

/// One site in detail.
pub fn site(site: &Standing) -> String {
    let counts = &site.counts;
    let now = now_ms();
    let mut text = format!("{} {}\n", style(&site.site).bold(), phrase(site));
    let mut row = |label: &str, what: String| text += &self::row(label, &what);
    let Some(began) = site.began_ms else {
        let pages = site.searchable.unwrap_or_default();
        row("pages", format!("{} searchable", HumanCount(pages)));
        return text;
    };
    let searchable = match site.searchable {
        None => String::new(),
        Some(all) if all == counts.pages => ", all searchable".to_owned(),
        Some(some) => format!(", {} searchable", HumanCount(some)),
    };
    row("pages", format!("{}{searchable}", HumanCount(counts.pages)));
    let others = [
        (counts.duplicates, "duplicates"),
        (counts.redirected, "redirects"),
        (counts.waiting, "waiting"),
    ];
    for (count, label) in others {
        if count > 0 {
            row(label, HumanCount(count).to_string());
        }
    }
    let reasons = Skip::ALL.into_iter().filter_map(|reason| {
        let count = counts.skipped_by.get(reason.name())?;
        Some(format!("{}: {}", HumanCount(*count), reason.phrase()))
    });
    for (number, reason) in reasons.enumerate() {
        row(if number == 0 { "skipped" } else { "" }, reason);
    }
    for (count, label) in [(counts.gone, "dead"), (counts.failed, "failed")] {
        if count > 0 {
            row(label, style(HumanCount(count)).yellow().to_string());
        }
    }
    row(
        "rate",
        match site.rps {
            Some(rps) => format!("at most {rps} a second"),
            None => "no limit".to_owned(),
        },
    );
    if let Some(server) = &site.server {
        row("index", server.clone());
    }
    if let Some(held) = &site.held {
        let what = format!("{} of {} {}", held.lost, held.of, held.reason);
        row("held", style(what).yellow().to_string());
        held.examples
            .iter()
            .take(EXAMPLES)
            .for_each(|url| row("", url.to_string()));
        let command = publish_command(&site.site, site.stack.as_deref());
        row("", format!("{command} publishes it"));
    }
    for (name, change) in site.changes.iter().flat_map(Changes::all) {
        // The pages of a first crawl are all new.
        let all_new = name == "new" && Some(change.count) == site.searchable;
        if change.count > 0 && !all_new {
            row(name, HumanCount(change.count).to_string());
            change
                .examples
                .iter()
                .take(EXAMPLES)
                .for_each(|url| row("", url.to_string()));
        }
    }
    row("began", ago(began, now));
    if let Some(fetched) = site.fetched_ms {
        row("fetched", ago(fetched, now));
    }
    if let Some(alive) = site.alive_ms {
        row("alive", ago(alive, now));
    }
    text
}

/// A labelled line about one site.
pub fn row(label: &str, what: &str) -> String {
    format!("  {} {what}\n", style(format!("{label:<10}")).dim())
}

/// All sites, one per line.
pub fn table(sites: &[&Standing]) -> String {
    let now = now_ms();
    let cloud = sites.iter().any(|site| site.alive_ms.is_some());
    let heads = [
        "site",
        "pages",
        "searchable",
        "waiting",
        "skipped",
        "dead",
        "failed",
        if cloud { "alive" } else { "fetched" },
        "state",
    ];
    let mut lines = vec![heads.map(|head| style(head).dim().to_string())];
    lines.extend(sites.iter().map(|site| {
        let counts = &site.counts;
        let number = |count: u64| match count {
            0 => style("-").dim().to_string(),
            count => HumanCount(count).to_string(),
        };
        let trouble = |count: u64| match count {
            0 => number(0),
            count => style(HumanCount(count)).yellow().to_string(),
        };
        [
            style(&site.site).bold().to_string(),
            number(counts.pages),
            number(site.searchable.unwrap_or_default()),
            number(counts.waiting),
            number(counts.skipped),
            trouble(counts.gone),
            trouble(counts.failed),
            site.fetched_ms
                .or(site.alive_ms)
                .map_or(number(0), |at| span(at, now)),
            phrase(site),
        ]
    }));
    let width = |column: usize| {
        let widths = lines.iter().map(|line| measure_text_width(&line[column]));
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().enumerate().map(|(column, cell)| {
            // Numbers are aligned to the right. The last column needs no padding.
            let numbers = (1..heads.len() - 2).contains(&column);
            let side = if numbers {
                Alignment::Right
            } else {
                Alignment::Left
            };
            let last = column + 1 == heads.len();
            let width = if last { 0 } else { widths[column] };
            pad_str(cell, width, side, None).into_owned()
        });
        text += &cells.collect::<Vec<_>>().join("  ");
        text.push('\n');
    }
    text
}

fn phrase(site: &Standing) -> String {
    let why = site.why.as_deref().unwrap_or_default();
    match site.state {
        "complete" if site.held.is_some() => {
            let command = publish_command(&site.site, site.stack.as_deref());
            style(format!("held; {command} publishes it")).yellow()
        }
        "running" => style("crawling now".to_owned()).cyan(),
        "complete" => style("complete".to_owned()).green(),
        "imported" => style("imported, never crawled here".to_owned()).green(),
        "limit" => style(format!("stopped at {why}")).yellow(),
        "paused" => style(format!("paused: {why}")).yellow(),
        "stopped" => style("stopped; the same crawl command goes on".to_owned()).yellow(),
        "forgotten" => style(format!(
            "half forgotten; canter forget {} finishes",
            site.site
        ))
        .red(),
        _ => style("cut off; the same crawl command goes on".to_owned()).yellow(),
    }
    .to_string()
}
