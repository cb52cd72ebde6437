//! How a crawl ended, for a person and for a program.

use std::collections::BTreeMap;
use std::io::{Write, stderr, stdout};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use canter_core::pace::Rate;
use canter_core::publish::{Changes, Done, Held};
use canter_core::rest::Rest;
use canter_core::task::Skip;
use canter_embedded::store::{Counts, Trouble};
use canter_engine::drive::Driven;
use console::style;
use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};

use super::line::slows;
use super::outward::Outward;
use crate::count::counted;
use crate::printable::printable;
use crate::report::crawled::Run;

/// Maximum number of examples for each kind of trouble.
const EXAMPLES: usize = 5;

/// The end of one site's crawl.
pub struct Summary {
    pub site: String,
    /// The deployed stack that the site belongs to.
    pub stack: Option<String>,
    pub counts: Counts,
    /// `None` for a crawl that is complete.
    pub rest: Option<Rest>,
    pub requests: u64,
    pub bytes: u64,
    pub elapsed: Duration,
    pub limit: Option<Rate>,
    /// Maximum number of requests that started in any second.
    pub peak: u32,
    /// `Crawl-delay` of the site; zero if there is none.
    pub delay: Duration,
    pub retries: u64,
    /// What was published; empty if nothing was.
    pub changes: Changes,
    /// Why nothing was published.
    pub held: Option<Held>,
    /// Whether the site was published before this crawl.
    pub is_refresh: bool,
    /// Examples of dead links and of failures.
    pub gone: Vec<Trouble>,
    pub failed: Vec<Trouble>,
    /// Links out of the site, if the crawl has stayed where it began.
    pub outward: Option<Outward>,
}

impl Summary {
    pub async fn of(
        run: &super::run::Run,
        driven: Driven,
        limit: Option<Rate>,
        elapsed: Duration,
    ) -> Result<Self> {
        let (changes, held) = match driven.done {
            Done::Published(changes) | Done::Part(changes) => (*changes, None),
            Done::Held(held) => (Changes::default(), Some(held)),
        };
        let (crawl, store) = (&run.crawl, &run.crawl.pages);
        let tally = run.gates.tally(&crawl.site.seeds);
        let counts = store.counts().await?;
        let came_to = (driven.rest.as_ref(), counts.pages);
        let archive = &**run.process.archive();
        let outward = Outward::of(&crawl.site, &crawl.scope(), came_to, store, archive).await?;
        Ok(Summary {
            stack: None,
            site: crawl.site.id.clone(),
            counts,
            outward,
            rest: driven.rest,
            changes,
            held,
            is_refresh: run.max_loss.is_some(),
            requests: crawl.counters.requests.load(Ordering::Relaxed),
            bytes: crawl.counters.bytes.load(Ordering::Relaxed),
            elapsed,
            limit,
            peak: tally.peak,
            delay: tally.delay,
            retries: run.progress.now().retries,
            gone: store.troubles("gone", EXAMPLES).await?,
            failed: store.troubles("failed", EXAMPLES).await?,
        })
    }

    /// How the crawl ended, as a phrase, and whether it is complete.
    pub fn rest(&self) -> (String, bool) {
        let phrase = match &self.rest {
            None => "complete".to_owned(),
            Some(Rest::Limit { option }) => format!("stopped at {option}"),
            Some(Rest::Stopped) => "stopped".to_owned(),
            Some(Rest::Paused { why }) => format!("paused: {why}"),
        };
        (phrase, self.rest.is_none())
    }

    /// The figures of this run for a report; the starts are left empty.
    pub fn run(&self) -> Run {
        Run {
            elapsed: self.elapsed,
            requests: self.requests,
            bytes: self.bytes,
            limit: self.limit.map(Rate::per_second),
            peak: self.peak,
            delay: self.delay,
            starts: BTreeMap::new(),
        }
    }

    /// Prints it: JSON on standard output, text on standard error.
    pub fn print(&self, json: bool) -> Result<()> {
        if json {
            writeln!(stdout(), "{}", self.json())?;
        } else {
            write!(stderr(), "{}", self.text())?;
        }
        Ok(())
    }

    /// The summary as JSON, which is the last line of the output.
    pub fn json(&self) -> Value {
        let counts = &self.counts;
        json!({
            "event": "summary",
            "site": self.site,
            "pages": counts.pages,
            "indexed": counts.indexed,
            "unchanged": counts.unchanged,
            "duplicates": counts.duplicates,
            "redirected": counts.redirected,
            "sitemaps": counts.sitemaps,
            "gone": counts.gone,
            "skipped": counts.skipped,
            "skipped_by": counts.skipped_by,
            "failed": counts.failed,
            "waiting": counts.waiting,
            "retries": self.retries,
            "requests": self.requests,
            "bytes": self.bytes,
            "seconds": self.elapsed.as_secs_f64(),
            "rps_limit": self.limit.map(Rate::per_second),
            "rps_peak": self.peak,
            "crawl_delay": (!self.delay.is_zero()).then_some(self.delay.as_secs_f64()),
            "complete": self.rest.is_none(),
            "rest": self.rest_name(),
            "new": self.changes.new.count,
            "changed": self.changes.changed.count,
            "moved": self.changes.moved.count,
            "removed": self.changes.removed.count,
            "withdrawn": self.changes.withdrawn.count,
            "examples": examples(&self.changes),
            "held": self.held.as_ref().map(held_json),
            "outward": self.outward.as_ref().map(Outward::json),
        })
    }

    fn rest_name(&self) -> &'static str {
        match &self.rest {
            None => "complete",
            Some(Rest::Limit { .. }) => "limit",
            Some(Rest::Stopped) => "stopped",
            Some(Rest::Paused { .. }) => "paused",
        }
    }

    /// The summary as text.
    pub fn text(&self) -> String {
        let counts = &self.counts;
        let n = |number| HumanCount(number).to_string();
        let (rest, complete) = self.rest();
        let rest = if complete {
            style(rest).green()
        } else {
            style(rest)
        };
        let mut text = format!("{} {rest}\n", style(&self.site).bold());
        let mut kinds = vec![format!("{} indexed", n(counts.indexed))];
        let more = [
            (counts.unchanged, "unchanged"),
            (counts.duplicates, "duplicates"),
        ];
        kinds.extend(
            more.iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{} {what}", n(*count))),
        );
        let pages = style(counted(counts.pages, "page")).green();
        text += &format!("  {pages}: {}\n", kinds.join(", "));
        if counts.redirected > 0 {
            text += &format!("  {}\n", counted(counts.redirected, "redirect"));
        }
        if counts.sitemaps > 0 {
            text += &format!("  {} read\n", counted(counts.sitemaps, "sitemap"));
        }
        for reason in Skip::ALL {
            if let Some(count) = counts.skipped_by.get(reason.name()) {
                text += &format!("  {} skipped: {}\n", n(*count), reason.phrase());
            }
        }
        let dead = counted(counts.gone, "dead link");
        let failed = format!("{} failed", n(counts.failed));
        for (what, count, examples) in [
            (dead, counts.gone, &self.gone),
            (failed, counts.failed, &self.failed),
        ] {
            if count > 0 {
                text += &format!("  {}\n", style(what).yellow());
                text += &examples.iter().map(example).collect::<String>();
                if !examples.is_empty() && count > examples.len() as u64 {
                    text += &format!("    and {} more\n", n(count - examples.len() as u64));
                }
            }
        }
        text += &self.published();
        let mut limit = match self.limit {
            Some(limit) => format!("limit {}", limit.per_second()),
            None => "no limit".to_owned(),
        };
        if slows(self.delay, self.limit.map(Rate::per_second)) {
            let delay = self.delay.as_secs_f64();
            limit += &format!("; the site asks for {delay} s between requests");
        }
        text += &format!(
            "  {}, {} in {:.1} s; at most {} in any second ({limit})\n",
            counted(self.requests, "request"),
            HumanBytes(self.bytes),
            self.elapsed.as_secs_f64(),
            self.peak,
        );
        text += &self.outward.as_ref().map(Outward::text).unwrap_or_default();
        text + &self.advice()
    }

    /// What a refresh changed in the index, or why it changed nothing.
    fn published(&self) -> String {
        if let Some(held) = &self.held {
            return held_text(held, &self.site, self.stack.as_deref());
        }
        if !self.is_refresh {
            return String::new();
        }
        let mut text = String::new();
        for (name, change) in self.changes.all() {
            if change.count == 0 || name == "duplicates" {
                continue;
            }
            text += &format!("  {} {name}\n", counted(change.count, "page"));
            let shown = change.examples.iter().take(EXAMPLES);
            text += &shown.map(|url| format!("    {url}\n")).collect::<String>();
        }
        text
    }

    fn advice(&self) -> String {
        match &self.rest {
            None => String::new(),
            Some(Rest::Limit { option }) => format!(
                "  {} to go: the same command with a larger {option}, or without it, goes on\n",
                counted(self.counts.waiting, "URL")
            ),
            Some(Rest::Stopped | Rest::Paused { .. }) => format!(
                "  {} to go: run the same command again to continue\n",
                counted(self.counts.waiting, "URL")
            ),
        }
    }
}

/// The examples of each change.
fn examples(changes: &Changes) -> Value {
    let all = changes.all().into_iter();
    let examples = all.map(|(name, change)| (name.to_owned(), json!(change.examples)));
    Value::Object(examples.collect())
}

/// Why a refresh was not published, for a program.
pub fn held_json(held: &Held) -> Value {
    json!(canter_api::Held::from(held))
}

/// Why a refresh was not published, and what to do about it.
pub fn held_text(held: &Held, site: &str, stack: Option<&str>) -> String {
    let percent = (held.share() * 100.0).round();
    let what = format!("held: {percent} % of the pages would be lost");
    let mut text = format!("  {}\n", style(what).yellow());
    text += &format!(
        "    {} of {} {}, for instance:\n",
        held.lost, held.of, held.reason
    );
    let examples = held.examples.iter().take(EXAMPLES);
    text += &examples
        .map(|url| format!("    {url}\n"))
        .collect::<String>();
    text + &format!(
        "    The search shows what it showed. If the site is right, publish it: {}\n",
        publish_command(site, stack)
    )
}

/// Returns the command that publishes a site of a folder, or of a stack.
pub fn publish_command(site: &str, stack: Option<&str>) -> String {
    let stack = stack.map(|stack| format!(" --aws {stack}"));
    format!("canter publish {site}{}", stack.unwrap_or_default())
}

fn example(trouble: &Trouble) -> String {
    let from = match &trouble.parent {
        Some(parent) => format!(" (on {parent})"),
        None => String::new(),
    };
    format!(
        "    {} {}{from}\n",
        trouble.url,
        style(printable(&trouble.what)).dim()
    )
}
