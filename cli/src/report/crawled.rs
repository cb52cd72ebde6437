//! The contents of a report: crawled sites, and the figures of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use canter_embedded::store::Findings;
use canter_http::Starts;

use super::targets::Targets;

/// One site of the report.
pub struct Crawled {
    /// Id of the site.
    pub site: String,
    /// How the crawl ended, as a phrase.
    pub rest: String,
    /// Whether nothing was left to do.
    pub complete: bool,
    /// The run that crawled it; none if the report is written later.
    pub run: Option<Run>,
    /// Findings of all runs of the crawl.
    pub findings: Findings,
    /// Pages that link to URLs that are gone, failed or redirect.
    pub targets: Targets,
}

/// Figures of one run of the command.
pub struct Run {
    /// How long it took.
    pub elapsed: Duration,
    /// Requests that were answered or broke off.
    pub requests: u64,
    /// Decoded bytes of the bodies.
    pub bytes: u64,
    /// Rate limit, in requests per second; none if unlimited.
    pub limit: Option<f64>,
    /// Maximum number of requests to a domain in any sliding second.
    pub peak: u32,
    /// `Crawl-delay` of the site; zero if there is none.
    pub delay: Duration,
    /// When requests started, by domain.
    pub starts: BTreeMap<String, Starts>,
}
