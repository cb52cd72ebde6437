//! What the index holds of a page, and how it is put there.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::page::{Link, Page};
use crate::task::UrlKey;
use crate::time::Moment;

/// A page on its way into an index, or out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Id of the site.
    pub site: String,
    /// The page's normalised URL; with the site its identity.
    pub url: Url,
    /// When it was fetched, since the Unix epoch.
    pub fetched_at: Moment,
    /// A larger version wins over a smaller one, whatever the order of writing; see [`version`].
    pub version: u64,
    /// What was read.
    pub page: Page,
}

impl Document {
    /// The document's id: one a site and URL.
    pub fn id(&self) -> UrlKey {
        document_id(&self.site, &self.url)
    }
}

/// Id of the document of a URL in a site.
pub fn document_id(site: &str, url: &Url) -> UrlKey {
    UrlKey::hash(format!("{site}\n{url}").as_bytes())
}

/// Version of an index write: time of fetch in ms x 1024 + number of the pass, so that a later
/// pass over the same copy may rewrite what the fetch wrote, and an older copy never wins.
pub fn version(fetched_at: Moment, pass: u16) -> u64 {
    fetched_at.millis().saturating_mul(1024) + u64::from(pass.min(1023))
}

/// A page as the index gives it back (`canter export`, stored links).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Id of the site.
    pub site: String,
    /// The page's URL.
    pub url: Url,
    /// The document's title.
    pub title: String,
    /// Language as the page names it.
    pub language: Option<String>,
    /// When it was fetched, milliseconds since the Unix epoch.
    pub fetched_at_ms: u64,
    /// Main content.
    pub text: String,
    /// Sections, with ranges into `text`.
    pub sections: Vec<StoredSection>,
    /// Outgoing links with their texts.
    pub links: Vec<StoredLink>,
}

impl Stored {
    /// The stored form of a document but for its text and its links. They are most of it, and an
    /// index keeps them apart: no search needs the links, and a text in JSON has to be escaped.
    pub fn without_text_and_links(document: &Document) -> Self {
        let page = &document.page;
        let sections = page.sections.iter().map(|section| StoredSection {
            anchor: section.anchor.clone(),
            title: section.title.clone(),
            names: section.names.clone(),
            level: section.level,
            start: section.range.start,
            end: section.range.end,
        });
        Stored {
            site: document.site.clone(),
            url: document.url.clone(),
            title: page.title.clone(),
            language: page.language.clone(),
            fetched_at_ms: document.fetched_at.millis(),
            text: String::new(),
            sections: sections.collect(),
            links: Vec::new(),
        }
    }
}

/// A section as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSection {
    /// Fragment that leads to it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// Its heading.
    #[serde(rename = "t")]
    pub title: String,
    /// Names that it defines.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// As [`crate::page::Section::level`].
    #[serde(rename = "l")]
    pub level: u8,
    /// First byte of its own text.
    #[serde(rename = "s")]
    pub start: usize,
    /// Byte after the last of its own text.
    #[serde(rename = "e")]
    pub end: usize,
}

/// A link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLink {
    /// Normalised target without fragment.
    #[serde(rename = "u")]
    pub url: Url,
    /// Fragment of the reference.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<String>,
    /// Text of the link.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// `rel` holds `nofollow`.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub nofollow: bool,
}

/// A [`StoredLink`] that is still the page's.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct KeptLink<'a> {
    #[serde(rename = "u")]
    url: &'a str,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    fragment: Option<&'a str>,
    #[serde(rename = "t", skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(rename = "n", skip_serializing_if = "std::ops::Not::not")]
    nofollow: bool,
}

impl<'a> From<&'a Link> for KeptLink<'a> {
    fn from(link: &'a Link) -> Self {
        KeptLink {
            url: link.url.as_str(),
            fragment: link.fragment.as_deref(),
            text: &link.text,
            nofollow: link.nofollow,
        }
    }
}
