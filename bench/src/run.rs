//! One run of one crawler against a fresh server.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use canter_tests::{Answer, Site};
use serde::Serialize;

use crate::folder::Folder;
use crate::machine;
use crate::pace::Pace;
use crate::tool::Tool;
use crate::usage::{self, Usage};

/// What a run does.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    pub folder: &'a Folder,
    /// Path of the first page.
    pub start: &'a str,
    /// Time until the server answers.
    pub latency: Duration,
    /// Requests per second; none for unlimited.
    pub rate: Option<f64>,
    /// Maximum time of the run.
    pub limit: Duration,
}

/// The measurements of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    pub tool: String,
    /// The requested rate, in requests per second.
    pub rate: Option<f64>,
    /// The load average of the machine before the run.
    pub load: Option<f64>,
    #[serde(flatten)]
    pub usage: Usage,
    /// Number of all requests that arrived.
    pub requests: usize,
    /// Number of pages that were fetched at least once.
    pub pages: usize,
    /// Maximum number of requests in any sliding second.
    pub most_in_a_second: usize,
    /// Mean requests per second; none for fewer than two requests.
    pub mean_rps: Option<f64>,
    /// Maximum time between two requests.
    pub longest_gap_ms: f64,
    /// The pages that were fetched.
    #[serde(skip)]
    pub fetched: BTreeSet<String>,
}

impl Run {
    /// Runs a crawler in a new empty folder.
    pub fn of(tool: &Tool, task: Task<'_>) -> Result<Self> {
        let site = task.folder.clone();
        let site = Site::new()
            .otherwise(move |visit| site.answer(&visit.path))
            .latency(task.latency)
            // Even if the documentation has a robots.txt: it is meant for the public site, and not
            // all crawlers here read it.
            .answer("/robots.txt", Answer::status(404))
            .start();
        let within = tempfile::tempdir().context("there is no room for a run")?;
        let argv = tool.argv(&site.url(task.start), task.rate, within.path())?;
        let load = machine::load();
        let usage = usage::of(&argv, within.path(), task.limit)?;
        if tool.is_canter() && !usage.cut && usage.exit != Some(0) {
            let said = fs::read_to_string(within.path().join("stderr")).unwrap_or_default();
            bail!("{} failed: {}", tool.name, said.trim());
        }
        let visits = site.log().all();
        let times: Vec<Duration> = visits.iter().map(|visit| visit.at).collect();
        let pace = Pace::of(&times);
        let fetched = visits
            .iter()
            .filter_map(|visit| task.folder.page(&visit.path));
        let fetched: BTreeSet<String> = fetched.collect();
        Ok(Run {
            tool: tool.name.clone(),
            rate: task.rate,
            load,
            usage,
            requests: visits.len(),
            pages: fetched.len(),
            most_in_a_second: pace.most,
            mean_rps: pace.mean,
            longest_gap_ms: pace.gap.as_secs_f64() * 1000.0,
            fetched,
        })
    }

    /// CPU time for each page, in milliseconds.
    pub fn cpu_ms_a_page(&self) -> f64 {
        1000.0 * self.usage.cpu_s / self.pages.max(1) as f64
    }
}
