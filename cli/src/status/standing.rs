//! The state of a site's newest crawl, whether local or in the cloud.

use canter_core::outcomes::Counts;
use canter_core::publish::{Changes, Held};
use canter_embedded::store::{Rest, SiteReport};
use serde_json::{Value, json};

use crate::crawl::summary::held_json;
use crate::when::iso;

/// What `canter status` tells of a site.
pub struct Standing {
    pub site: String,
    /// `running`, `complete`, `stopped`, `limit`, `paused`, `cut_off`, `forgotten` or `imported`.
    pub state: &'static str,
    pub why: Option<String>,
    pub counts: Counts,
    /// Pages that a search can find; none if unknown.
    pub searchable: Option<u64>,
    /// Rate limit, in requests per second; none if unlimited.
    pub rps: Option<f64>,
    /// URL of the server whose index holds the pages; none for the folder's own index.
    pub server: Option<String>,
    /// When the crawl began, in Unix milliseconds; none for imported sites.
    pub began_ms: Option<u64>,
    /// When a page was last fetched, in Unix milliseconds, if known.
    pub fetched_ms: Option<u64>,
    /// Last sign of life of a crawl in the cloud, in Unix milliseconds.
    pub alive_ms: Option<u64>,
    /// Why the last refresh is not published.
    pub held: Option<Held>,
    /// What the last publishing changed.
    pub changes: Option<Changes>,
    /// The deployed stack that the site belongs to.
    pub stack: Option<String>,
}

impl Standing {
    /// The state of a site of a folder. `busy` says whether a crawl holds the folder.
    pub fn of(report: SiteReport, busy: bool) -> Self {
        let (state, why) = match &report.rest {
            Some(Rest::Forgotten) => ("forgotten", None),
            _ if report.began_ms.is_none() => ("imported", None),
            _ if report.ended => ("complete", None),
            _ if report.is_running(busy) => ("running", None),
            None | Some(Rest::CutOff) => ("cut_off", None),
            Some(Rest::Stopped) => ("stopped", None),
            Some(Rest::Limit { option }) => ("limit", Some(option.clone())),
            Some(Rest::Paused { why }) => ("paused", Some(why.clone())),
        };
        Standing {
            site: report.site,
            state,
            why,
            counts: report.counts,
            searchable: Some(report.searchable),
            rps: report.rps,
            server: report.server,
            began_ms: report.began_ms,
            fetched_ms: report.fetched_ms,
            alive_ms: None,
            held: report.held,
            changes: report.changes,
            stack: None,
        }
    }

    /// The state of an imported site with this number of pages.
    pub fn imported(site: String, pages: u64) -> Self {
        Standing {
            site,
            state: "imported",
            why: None,
            counts: Counts::default(),
            searchable: Some(pages),
            rps: None,
            server: None,
            began_ms: None,
            fetched_ms: None,
            alive_ms: None,
            held: None,
            changes: None,
            stack: None,
        }
    }

    /// The state as JSON.
    pub fn object(&self) -> Value {
        let counts = &self.counts;
        json!({
            "site": self.site,
            "state": self.state,
            "why": self.why,
            "pages": counts.pages,
            "searchable": self.searchable,
            "indexed": counts.indexed,
            "unchanged": counts.unchanged,
            "duplicates": counts.duplicates,
            "redirected": counts.redirected,
            "gone": counts.gone,
            "skipped": counts.skipped,
            "skipped_by": counts.skipped_by,
            "failed": counts.failed,
            "waiting": counts.waiting,
            "held": self.held.as_ref().map(held_json),
            "changes": self.changes,
            "index": self.server,
            "rps_limit": self.rps,
            "began_at": self.began_ms.map(iso),
            "fetched_at": self.fetched_ms.map(iso),
        })
    }
}
