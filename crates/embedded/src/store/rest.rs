//! How the newest crawl of a site came to rest, and within which bounds it went: what other
//! processes tell of it.

use canter_core::failure::Failure;
use canter_core::prospect::Bounds;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::crawls::SiteStore;

/// Why a crawl does not go on although tasks may wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rest", rename_all = "snake_case")]
pub enum Rest {
    /// Its process died.
    CutOff,
    /// It was asked to stop.
    Stopped,
    /// It reached a limit.
    Limit {
        /// The option that set it.
        option: String,
    },
    /// The site wants to be left alone.
    Paused {
        /// What it said.
        why: String,
    },
    /// The site is being forgotten: nothing may crawl it before that is done.
    Forgotten,
}

impl From<canter_core::rest::Rest> for Rest {
    fn from(rest: canter_core::rest::Rest) -> Self {
        match rest {
            canter_core::rest::Rest::Stopped => Rest::Stopped,
            canter_core::rest::Rest::Limit { option } => Rest::Limit { option },
            canter_core::rest::Rest::Paused { why } => Rest::Paused { why },
        }
    }
}

/// A crawl that goes on has no rest. What a process left behind when it died has none either:
/// whoever opens the store for writing is alone with it, and tells.
pub(super) fn settle(connection: &Connection) -> rusqlite::Result<()> {
    let rest = text(&Rest::CutOff);
    connection
        .execute(
            "UPDATE site SET rest = ? WHERE rest IS NULL AND ended_ms IS NULL",
            [rest],
        )
        .map(drop)
}

impl SiteStore {
    /// Notes what bounds the crawl, for whoever asks why a URL was not fetched.
    pub async fn note_bounds(&self, bounds: &Bounds) -> Result<(), Failure> {
        let site = self.site;
        let bounds = serde_json::to_string(bounds).map_err(Failure::permanent)?;
        self.store
            .run(move |connection| {
                connection
                    .execute(
                        "UPDATE site SET bounds = ? WHERE id = ?",
                        params![bounds, site],
                    )
                    .map(drop)
            })
            .await
    }

    /// URL of the server whose index holds the site's pages; none for the folder's own.
    pub async fn server(&self) -> Result<Option<String>, Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection.query_row("SELECT server FROM site WHERE id = ?", [site], |row| {
                    row.get(0)
                })
            })
            .await
    }

    /// How many pages of the site are in its index, as far as the store knows.
    pub async fn searchable(&self) -> Result<u64, Failure> {
        let site = self.site;
        let count = self.store.run(move |connection| {
            let count = "SELECT count(*) FROM url WHERE site = ? AND hash IS NOT NULL";
            connection.query_row(count, [site], |row| row.get::<_, i64>(0))
        });
        count.await.map(|count| count.max(0) as u64)
    }

    /// Notes in which server's index the site's pages are from now on.
    pub async fn note_server(&self, server: Option<String>) -> Result<(), Failure> {
        let site = self.site;
        self.store
            .run(move |connection| {
                connection
                    .execute(
                        "UPDATE site SET server = ? WHERE id = ?",
                        params![server, site],
                    )
                    .map(drop)
            })
            .await
    }

    /// Notes that the crawl has come to rest.
    pub(super) async fn note_rest(&self, rest: &Rest) -> Result<(), Failure> {
        let (site, rest) = (self.site, text(rest));
        self.store
            .run(move |connection| {
                connection
                    .execute("UPDATE site SET rest = ? WHERE id = ?", params![rest, site])
                    .map(drop)
            })
            .await
    }
}

/// As it is stored.
pub(super) fn text(rest: &Rest) -> Option<String> {
    serde_json::to_string(rest).ok()
}

/// What [`text`] wrote; a newer canter may know more.
pub(super) fn rest(text: Option<String>) -> Option<Rest> {
    serde_json::from_str(&text?).ok()
}
