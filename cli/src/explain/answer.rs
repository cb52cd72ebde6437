//! The answer about a URL, with its field names in JSON.

use canter_core::document::Stored;
use canter_page::url::Change;
use serde::{Serialize, Serializer};
use url::Url;

use super::history::{History, time};

/// One object of `--json`.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub typed: String,
    pub url: Url,
    #[serde(serialize_with = "names")]
    pub changes: Vec<Change>,
    pub address: Address,
    /// None if the URL is neither http nor https.
    pub robots: Option<Robots>,
    pub sites: Vec<OfSite>,
    pub not_in: Vec<NotIn>,
}

/// The address that a request would go to.
#[derive(Debug, Serialize)]
pub struct Address {
    pub host: Option<String>,
    /// `name`, `public` or `private`.
    pub kind: &'static str,
    /// Whether it may be dialled; none for a name, whose address is not known yet.
    pub permitted: Option<bool>,
}

/// What the robots.txt of the URL's authority says.
#[derive(Debug, Serialize)]
pub struct Robots {
    pub authority: String,
    /// Whether it was fetched.
    pub known: bool,
    pub allowed: Option<bool>,
    /// The rule that matches; none if no rule does.
    pub rule: Option<String>,
    pub group: Option<String>,
    pub crawl_delay_seconds: Option<f64>,
    #[serde(rename = "fetched_at", serialize_with = "time")]
    pub fetched_ms: Option<u64>,
}

/// A site that the URL belongs to, or that knows it.
#[derive(Debug, Serialize)]
pub struct OfSite {
    pub site: String,
    pub in_scope: bool,
    pub would_fetch: bool,
    /// Why it is not, or was not, fetched.
    pub reason: Option<&'static str>,
    /// One sentence.
    pub why: String,
    pub advice: Option<String>,
    pub known: Option<History>,
    pub index: Option<InIndex>,
}

/// A site that the URL does not belong to.
#[derive(Debug, Serialize)]
pub struct NotIn {
    pub site: String,
    pub reason: &'static str,
    pub why: String,
    pub advice: Option<String>,
}

/// The page in the index.
#[derive(Debug, Serialize)]
pub struct InIndex {
    pub title: String,
    pub language: Option<String>,
    #[serde(rename = "fetched_at", serialize_with = "time")]
    pub fetched_ms: Option<u64>,
    /// Number of outgoing links.
    pub links: usize,
    pub sections: Vec<Section>,
}

/// A section of the page.
#[derive(Debug, Serialize)]
pub struct Section {
    pub title: String,
    pub level: u8,
    pub anchor: Option<String>,
}

impl InIndex {
    /// `links` is the number of outgoing links.
    pub fn of(stored: Stored, links: usize) -> Self {
        let sections = stored.sections.into_iter().map(|section| Section {
            title: section.title,
            level: section.level,
            anchor: section.anchor,
        });
        InIndex {
            title: stored.title,
            language: stored.language,
            fetched_ms: Some(stored.fetched_at_ms),
            links,
            sections: sections.collect(),
        }
    }
}

fn names<S: Serializer>(changes: &[Change], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.iter().map(|change| change.name()))
}
