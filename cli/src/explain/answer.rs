//! What is told of a URL, with its names in JSON.

use canter_core::document::Stored;
use canter_page::url::Change;
use serde::{Serialize, Serializer};
use url::Url;

use super::known::Known;
use crate::when;

/// One object of `--json`.
#[derive(Debug, Serialize)]
pub struct Answer {
    pub typed: String,
    pub url: Url,
    #[serde(serialize_with = "names")]
    pub changes: Vec<Change>,
    pub address: Address,
    /// None for what is not of the web.
    pub robots: Option<Robots>,
    pub sites: Vec<OfSite>,
    pub not_in: Vec<NotIn>,
}

/// Whom a request would go to.
#[derive(Debug, Serialize)]
pub struct Address {
    pub host: Option<String>,
    /// `name`, `public` or `private`.
    pub kind: &'static str,
    /// Whether it may be dialled; a name's address is not known before.
    pub permitted: Option<bool>,
}

/// What the robots.txt of the URL's authority says.
#[derive(Debug, Serialize)]
pub struct Robots {
    pub authority: String,
    /// It was fetched.
    pub known: bool,
    pub allowed: Option<bool>,
    /// The rule that decides; none where no rule matches.
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
    /// What speaks, or spoke, against it.
    pub reason: Option<&'static str>,
    /// One sentence.
    pub why: String,
    pub advice: Option<String>,
    pub known: Option<Known>,
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

/// The copy that a search finds.
#[derive(Debug, Serialize)]
pub struct InIndex {
    pub title: String,
    pub language: Option<String>,
    #[serde(rename = "fetched_at", serialize_with = "time")]
    pub fetched_ms: Option<u64>,
    /// Links out.
    pub links: usize,
    pub sections: Vec<Section>,
}

/// A section of the copy.
#[derive(Debug, Serialize)]
pub struct Section {
    pub title: String,
    pub level: u8,
    pub anchor: Option<String>,
}

impl InIndex {
    pub fn of(stored: Stored) -> Self {
        let sections = stored.sections.into_iter().map(|section| Section {
            title: section.title,
            level: section.level,
            anchor: section.anchor,
        });
        InIndex {
            title: stored.title,
            language: stored.language,
            fetched_ms: Some(stored.fetched_at_ms),
            links: stored.links.len(),
            sections: sections.collect(),
        }
    }
}

fn names<S: Serializer>(changes: &[Change], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(changes.iter().map(|change| change.name()))
}

/// Unix ms as RFC 3339.
pub fn time<S: Serializer>(ms: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    ms.map(when::iso).serialize(serializer)
}
