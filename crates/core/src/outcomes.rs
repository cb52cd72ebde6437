//! How outcomes are written down, and counted: the same in every store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::task::{Outcome, Skip};

/// Numbers of a crawl, from its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// URLs that answered with a page.
    pub pages: u64,
    /// Pages written to the index.
    pub indexed: u64,
    /// Pages whose copy in the index is still right.
    pub unchanged: u64,
    /// Pages whose content stands at another URL.
    pub duplicates: u64,
    /// URLs that lead elsewhere.
    pub redirected: u64,
    /// Sitemaps that were read.
    pub sitemaps: u64,
    /// URLs without a page (404, 410).
    pub gone: u64,
    /// URLs not fetched or not indexed for a reason that is no fault.
    pub skipped: u64,
    /// Those by reason.
    pub skipped_by: BTreeMap<String, u64>,
    /// Tasks that failed after all attempts.
    pub failed: u64,
    /// Tasks that wait.
    pub waiting: u64,
}

impl Counts {
    /// Counts one more row: what [`columns`] wrote, none for a task that waits; `detail` is that of
    /// a skipped one.
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

/// An outcome as it is stored: its kind, and what belongs to it.
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

/// The name of the reason in the detail of what was skipped; where it redirects to may follow.
pub fn reason_of(detail: &str) -> &str {
    detail.split_once(' ').map_or(detail, |(reason, _)| reason)
}
