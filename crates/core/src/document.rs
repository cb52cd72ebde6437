//! The document that the index holds of a page, and the versions of index writes.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::inlinks::Inlinks;
use crate::task::UrlKey;
use crate::time::Moment;
use canter_page::{Link, Page, Section, is_list};

/// A page on its way into the index or out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Id of the site.
    pub site: String,
    /// The page's normalised URL, which identifies the page within the site.
    pub url: Url,
    /// Time at which the page was fetched, since the Unix epoch.
    pub fetched_at: Moment,
    /// Version of the write. A larger version wins over a smaller one, regardless of the order of
    /// the writes; see [`Write`].
    pub version: u64,
    /// The page as it was read.
    pub page: Page,
    /// Anchor texts and link score from other pages' links; empty until they are counted.
    pub inlinks: Inlinks,
}

impl Document {
    /// Returns the document's id, which is unique to its site and URL.
    pub fn id(&self) -> UrlKey {
        document_id(&self.site, &self.url)
    }
}

/// Returns the id of the document of a URL in a site.
pub fn document_id(site: &str, url: &Url) -> UrlKey {
    id_of(site, url.as_str())
}

/// Returns [`document_id`] of a normalised URL that was not parsed.
pub(crate) fn id_of(site: &str, url: &str) -> UrlKey {
    UrlKey::hash(format!("{site}\n{url}").as_bytes())
}

/// A write of a page into the index. Its number is version × 1024 + pass, so a later write of the
/// same version may replace an earlier one, and an older version never wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// The version of the page in the archive.
    pub version: u64,
    /// Number of earlier writes of this version, for instance with other inbound links.
    pub pass: u16,
}

/// Number of writes of one version, with its deletion.
const PASSES: u64 = 1024;
/// The last write of a version. A deletion wins over every other write of it.
const DELETION: u64 = PASSES - 1;

impl Write {
    /// Returns the number of the write.
    pub fn number(self) -> u64 {
        self.version.saturating_mul(PASSES) + u64::from(self.pass).min(DELETION - 1)
    }

    /// Returns the write with a number.
    pub fn numbered(number: u64) -> Self {
        Write {
            version: number / PASSES,
            pass: (number % PASSES) as u16,
        }
    }
}

/// Returns the number of the write that deletes what a write with this number has put. No later
/// write of the version brings it back, but the next version does.
pub fn deleted(number: u64) -> u64 {
    number | DELETION
}

/// A page as it is exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Id of the site.
    pub site: String,
    /// The page's URL.
    pub url: Url,
    /// The document's title.
    #[serde(default)]
    pub title: String,
    /// Language that the page declares.
    #[serde(default)]
    pub language: Option<String>,
    /// Time at which the page was fetched, in milliseconds since the Unix epoch.
    pub fetched_at_ms: u64,
    /// Main content.
    pub text: String,
    /// Sections, with ranges into `text`.
    #[serde(default)]
    pub sections: Vec<StoredSection>,
    /// Outgoing links with their anchor texts.
    #[serde(default)]
    pub links: Vec<StoredLink>,
}

impl Stored {
    /// Returns the stored form of a document without its text and its links, which an index keeps
    /// apart: a text in JSON has to be escaped.
    pub fn without_text_and_links(document: &Document) -> Self {
        let page = &document.page;
        Stored {
            site: document.site.clone(),
            url: document.url.clone(),
            title: page.title.clone(),
            language: page.language.clone(),
            fetched_at_ms: document.fetched_at.millis(),
            text: String::new(),
            sections: page.sections.iter().map(StoredSection::from).collect(),
            links: Vec::new(),
        }
    }

    /// Returns the page that was stored.
    pub fn into_page(self) -> Page {
        let links: Vec<Link> = self.links.into_iter().map(Link::from).collect();
        let places = links.iter().filter_map(|link| link.place.clone());
        Page {
            list: is_list(&self.text, places),
            title: self.title,
            language: self.language,
            text: self.text,
            sections: self.sections.into_iter().map(Section::from).collect(),
            links,
            ..Page::default()
        }
    }
}

/// A section in its stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSection {
    /// Fragment of the URL that leads to the section.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// The section's heading.
    #[serde(rename = "t")]
    pub title: String,
    /// Names that the section defines.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The section's level, as [`canter_page::Section::level`].
    #[serde(rename = "l")]
    pub level: u8,
    /// Offset of the first byte of the section's own text.
    #[serde(rename = "s")]
    pub start: usize,
    /// Offset of the byte after the section's own text.
    #[serde(rename = "e")]
    pub end: usize,
}

impl From<&Section> for StoredSection {
    fn from(section: &Section) -> Self {
        StoredSection {
            anchor: section.anchor.clone(),
            title: section.title.clone(),
            names: section.names.clone(),
            level: section.level,
            start: section.range.start,
            end: section.range.end,
        }
    }
}

impl From<StoredSection> for Section {
    fn from(section: StoredSection) -> Self {
        Section {
            anchor: section.anchor,
            title: section.title,
            level: section.level,
            range: section.start..section.end,
            names: section.names,
        }
    }
}

/// A link in its stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLink {
    /// Normalised URL of the target, without its fragment.
    #[serde(rename = "u")]
    pub url: Url,
    /// Fragment of the target.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<String>,
    /// Anchor text.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Whether `rel` holds `nofollow`.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub nofollow: bool,
    /// Range of the anchor text in the page's text; `None` for a link outside of the text.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    place: Option<(usize, usize)>,
}

impl From<Link> for StoredLink {
    fn from(link: Link) -> Self {
        StoredLink {
            url: link.url,
            fragment: link.fragment,
            text: link.text,
            nofollow: link.nofollow,
            place: link.place.map(|place| (place.start, place.end)),
        }
    }
}

impl From<StoredLink> for Link {
    fn from(link: StoredLink) -> Self {
        Link {
            url: link.url,
            fragment: link.fragment,
            text: link.text,
            nofollow: link.nofollow,
            place: link.place.map(|(start, end)| start..end),
        }
    }
}

/// A [`StoredLink`] that borrows what it can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLink<'a> {
    /// Normalised URL of the target, without its fragment.
    #[serde(rename = "u", borrow)]
    pub url: Cow<'a, str>,
    /// Fragment of the target.
    #[serde(rename = "f", borrow, default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<Cow<'a, str>>,
    /// Anchor text.
    #[serde(rename = "t", borrow, default, skip_serializing_if = "str::is_empty")]
    pub text: Cow<'a, str>,
    /// Whether `rel` holds `nofollow`.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub nofollow: bool,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    place: Option<(usize, usize)>,
}

impl KeptLink<'_> {
    /// Returns the range of the anchor text in the page's text; `None` for a link outside of the
    /// text.
    pub fn place(&self) -> Option<Range<usize>> {
        self.place.map(|(start, end)| start..end)
    }
}

impl<'a> From<&'a Link> for KeptLink<'a> {
    fn from(link: &'a Link) -> Self {
        KeptLink {
            url: link.url.as_str().into(),
            fragment: link.fragment.as_deref().map(Cow::from),
            text: link.text.as_str().into(),
            nofollow: link.nofollow,
            place: link.place.as_ref().map(|place| (place.start, place.end)),
        }
    }
}
