//! The stored form of outcomes, and how they are counted: the same in every store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::task::{Outcome, Skip};

/// The rows of a crawl, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Number of URLs that answered with a page.
    pub pages: u64,
    /// Number of pages written to the index.
    pub indexed: u64,
    /// Number of pages whose copy in the index is still right.
    pub unchanged: u64,
    /// Number of pages whose content is found at another URL.
    pub duplicates: u64,
    /// Number of URLs that redirect.
    pub redirected: u64,
    /// Number of sitemaps that were read.
    pub sitemaps: u64,
    /// Number of URLs without a page (404, 410).
    pub gone: u64,
    /// Number of URLs that were not fetched or not indexed for a reason that is not a failure.
    pub skipped: u64,
    /// The skipped URLs by reason.
    pub skipped_by: BTreeMap<String, u64>,
    /// Number of tasks that failed after all attempts.
    pub failed: u64,
    /// Number of tasks that wait.
    pub waiting: u64,
}

impl Counts {
    /// Counts one more row. `outcome` is what [`columns`] wrote, or none for a task that waits;
    /// `detail` is given for a skipped URL only.
    pub fn add(&mut self, outcome: Option<&str>, detail: Option<&str>) {
        let reason = detail.map(reason_of);
        let of_outcome = match outcome {
            None => &mut self.waiting,
            Some("indexed") => &mut self.indexed,
            Some("unchanged") => &mut self.unchanged,
            Some("duplicate") => &mut self.duplicates,
            Some("redirected") => &mut self.redirected,
            Some("listed") => &mut self.sitemaps,
            Some("gone") => &mut self.gone,
            Some("skipped") => &mut self.skipped,
            _ => &mut self.failed,
        };
        *of_outcome += 1;
        let page = match reason {
            Some(reason) => reason == Skip::Noindex.name(),
            None => matches!(outcome, Some("indexed" | "unchanged" | "duplicate")),
        };
        if page {
            self.pages += 1;
        }
        if let Some(reason) = reason {
            *self.skipped_by.entry(reason.to_owned()).or_default() += 1;
        }
    }
}

/// The stored form of an outcome: its kind and its detail.
pub fn columns(outcome: &Outcome) -> (&'static str, Option<String>) {
    match outcome {
        Outcome::Indexed => ("indexed", None),
        Outcome::Unchanged => ("unchanged", None),
        Outcome::Duplicate { of } => ("duplicate", Some(of.to_string())),
        Outcome::Redirected { to } => ("redirected", Some(to.to_string())),
        Outcome::Listed {
            urls,
            left_out,
            whole,
        } => ("listed", Some(format!("{urls} {left_out} {whole}"))),
        Outcome::Gone { .. } => ("gone", None),
        Outcome::Skipped { reason, to: None } => ("skipped", Some(reason.name().to_owned())),
        Outcome::Skipped {
            reason,
            to: Some(to),
        } => ("skipped", Some(format!("{} {to}", reason.name()))),
        Outcome::Failed { why } => ("failed", Some(why.clone())),
    }
}

/// The outcome that [`columns`] wrote.
pub fn outcome(kind: &str, detail: Option<String>, status: Option<u16>) -> Option<Outcome> {
    let url = || detail.as_deref().and_then(|url| Url::parse(url).ok());
    Some(match kind {
        "indexed" => Outcome::Indexed,
        "unchanged" => Outcome::Unchanged,
        "duplicate" => Outcome::Duplicate { of: url()? },
        "redirected" => Outcome::Redirected { to: url()? },
        "listed" => {
            let mut parts = detail.as_deref()?.split(' ');
            Outcome::Listed {
                urls: parts.next()?.parse().ok()?,
                left_out: parts.next()?.parse().ok()?,
                whole: parts.next()?.parse().ok()?,
            }
        }
        "gone" => Outcome::Gone {
            status: status.unwrap_or(404),
        },
        "skipped" => {
            let detail = detail.as_deref()?;
            let mut reasons = Skip::ALL.into_iter();
            Outcome::Skipped {
                reason: reasons.find(|reason| reason.name() == reason_of(detail))?,
                to: detail
                    .split_once(' ')
                    .and_then(|(_, to)| Url::parse(to).ok()),
            }
        }
        _ => Outcome::Failed {
            why: detail.unwrap_or_default(),
        },
    })
}

/// Whether another page that links to a skipped URL may still have it fetched, by the URL's detail.
pub fn is_provisional(detail: &str) -> bool {
    Skip::provisional().any(|reason| reason.name() == detail)
}

/// The name of the reason in the detail of a skipped URL, which a redirect's target may follow.
pub fn reason_of(detail: &str) -> &str {
    detail.split_once(' ').map_or(detail, |(reason, _)| reason)
}
