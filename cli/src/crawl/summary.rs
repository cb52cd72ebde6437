//! How a crawl ended, for a person and for a program.

use std::io::{Write, stderr, stdout};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use canter_core::pace::Rate;
use canter_core::ports::Index;
use canter_core::task::Skip;
use canter_embedded::store::{Counts, Trouble};
use console::style;
use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};

use super::drive::Rest;
use super::progress::Progress;
use super::world::SiteWorld;

/// Examples of each kind of trouble.
const EXAMPLES: usize = 5;

/// The end of one site's crawl.
pub struct Summary {
    pub counts: Counts,
    /// The user stopped it.
    pub stopped: bool,
    site: String,
    rest: Rest,
    requests: u64,
    bytes: u64,
    elapsed: Duration,
    limit: Option<Rate>,
    peak: u32,
    retries: u64,
    gone: Vec<Trouble>,
    failed: Vec<Trouble>,
}

impl Summary {
    pub async fn of<I: Index>(
        world: &SiteWorld<I>,
        progress: &Progress,
        rest: &Rest,
        limit: Option<Rate>,
        elapsed: Duration,
    ) -> Result<Self> {
        let tally = world.gates.tally(&world.site.seeds);
        Ok(Summary {
            counts: world.store.counts().await?,
            stopped: *rest == Rest::Stopped,
            site: world.site.id.clone(),
            rest: rest.clone(),
            requests: tally.started,
            bytes: world.bytes.load(Ordering::Relaxed),
            elapsed,
            limit,
            peak: tally.peak,
            retries: progress.now().retries,
            gone: world.store.troubles("gone", EXAMPLES).await?,
            failed: world.store.troubles("failed", EXAMPLES).await?,
        })
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

    fn json(&self) -> Value {
        let counts = &self.counts;
        json!({
            "event": "summary",
            "site": self.site,
            "pages": counts.pages,
            "indexed": counts.indexed,
            "unchanged": counts.unchanged,
            "duplicates": counts.duplicates,
            "redirected": counts.redirected,
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
            "complete": self.rest == Rest::Complete,
            "rest": self.rest_name(),
        })
    }

    fn rest_name(&self) -> &'static str {
        match self.rest {
            Rest::Complete => "complete",
            Rest::Limit(_) => "limit",
            Rest::Stopped => "stopped",
            Rest::Paused(_) => "paused",
        }
    }

    fn text(&self) -> String {
        let counts = &self.counts;
        let n = |number| HumanCount(number).to_string();
        let mut text = format!("{} {}\n", style(&self.site).bold(), self.rest_phrase());
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
        text += &format!(
            "  {} pages: {}\n",
            style(n(counts.pages)).green(),
            kinds.join(", ")
        );
        if counts.redirected > 0 {
            text += &format!("  {} redirects\n", n(counts.redirected));
        }
        for reason in Skip::ALL {
            if let Some(count) = counts.skipped_by.get(reason.name()) {
                text += &format!("  {} skipped: {}\n", n(*count), reason.phrase());
            }
        }
        let troubles = [
            ("dead links", counts.gone, &self.gone),
            ("failed", counts.failed, &self.failed),
        ];
        for (what, count, examples) in troubles {
            if count > 0 {
                text += &format!("  {} {what}\n", style(n(count)).yellow());
                text += &examples.iter().map(example).collect::<String>();
            }
        }
        let limit = match self.limit {
            Some(limit) => format!("limit {}", limit.per_second()),
            None => "no limit".to_owned(),
        };
        text += &format!(
            "  {} requests, {} in {:.1} s; at most {} in any second ({limit})\n",
            n(self.requests),
            HumanBytes(self.bytes),
            self.elapsed.as_secs_f64(),
            self.peak,
        );
        text + &self.advice()
    }

    fn rest_phrase(&self) -> String {
        match &self.rest {
            Rest::Complete => style("complete").green().to_string(),
            Rest::Limit(option) => format!("stopped at {option}"),
            Rest::Stopped => "stopped".to_owned(),
            Rest::Paused(why) => format!("paused: {why}"),
        }
    }

    fn advice(&self) -> String {
        match self.rest {
            Rest::Complete => String::new(),
            Rest::Limit(option) => format!(
                "  {} URLs wait: the same command with a larger {option}, or without it, goes on\n",
                HumanCount(self.counts.waiting)
            ),
            Rest::Stopped | Rest::Paused(_) => format!(
                "  {} URLs wait: run the same command again to continue\n",
                HumanCount(self.counts.waiting)
            ),
        }
    }
}

fn example(trouble: &Trouble) -> String {
    let from = match &trouble.parent {
        Some(parent) => format!(" (on {parent})"),
        None => String::new(),
    };
    format!("    {} {}{from}\n", trouble.url, style(&trouble.what).dim())
}
