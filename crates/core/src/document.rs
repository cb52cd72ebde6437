//! What the index holds of a page, and how it is put there.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::inbound::{Counted, Inbound};
use crate::task::UrlKey;
use crate::time::Moment;
use canter_page::{Link, Page, Section};

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
    /// What other pages say about it; nothing before the end of a crawl.
    pub inbound: Inbound,
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
    fetched_at.millis().saturating_mul(PASSES) + u64::from(pass).min(DELETION - 1)
}

/// Versions of one copy: its fetch, the passes over it, its deletion.
const PASSES: u64 = 1024;
/// What is gone is gone for every pass.
const DELETION: u64 = PASSES - 1;

/// The pass that a version is of.
fn pass_of(version: u64) -> u16 {
    (version % PASSES) as u16
}

/// Version of the deletion of a copy of this version: no later pass over the copy brings it back,
/// and the next fetch does.
pub fn deleted(version: u64) -> u64 {
    version | DELETION
}

/// A page as the index gives it back (`canter export`, stored links).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Id of the site.
    pub site: String,
    /// The page's URL.
    pub url: Url,
    /// The document's title.
    #[serde(default)]
    pub title: String,
    /// Language as the page names it.
    #[serde(default)]
    pub language: Option<String>,
    /// When it was fetched, milliseconds since the Unix epoch.
    pub fetched_at_ms: u64,
    /// Main content.
    pub text: String,
    /// Sections, with ranges into `text`.
    #[serde(default)]
    pub sections: Vec<StoredSection>,
    /// Outgoing links with their texts.
    #[serde(default)]
    pub links: Vec<StoredLink>,
    /// What was counted of other pages' links to it.
    #[serde(default, skip_serializing_if = "Counted::is_nothing")]
    pub inbound: Counted,
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
            inbound: Counted {
                digest: document.inbound.digest(),
                pass: pass_of(document.version),
            },
        }
    }

    /// The page as it is put into the index once more, with what others say about it.
    pub fn again(self, inbound: Inbound) -> Document {
        let sections = self.sections.into_iter().map(|section| Section {
            anchor: section.anchor,
            title: section.title,
            level: section.level,
            range: section.start..section.end,
            names: section.names,
        });
        let links = self.links.into_iter().map(|link| Link {
            place: link.place(),
            url: link.url,
            fragment: link.fragment,
            text: link.text,
            nofollow: link.nofollow,
        });
        let fetched_at = Moment::from_millis(self.fetched_at_ms);
        Document {
            site: self.site,
            url: self.url,
            fetched_at,
            version: version(fetched_at, self.inbound.pass.saturating_add(1)),
            page: Page {
                title: self.title,
                language: self.language,
                text: self.text,
                sections: sections.collect(),
                links: links.collect(),
                ..Page::default()
            },
            inbound,
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
    /// As [`canter_page::Section::level`].
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
    /// Where its text lies in the page's; none for one that surrounds it.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    place: Option<(usize, usize)>,
}

impl StoredLink {
    /// Where its text lies in the page's; none for one that surrounds it.
    pub fn place(&self) -> Option<std::ops::Range<usize>> {
        self.place.map(|(start, end)| start..end)
    }
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
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    place: Option<(usize, usize)>,
}

impl<'a> From<&'a Link> for KeptLink<'a> {
    fn from(link: &'a Link) -> Self {
        KeptLink {
            url: link.url.as_str(),
            fragment: link.fragment.as_deref(),
            text: &link.text,
            nofollow: link.nofollow,
            place: link.place.as_ref().map(|place| (place.start, place.end)),
        }
    }
}
