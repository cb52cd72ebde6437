//! The document that the index holds of a page, and the versions of index writes.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::inlinks::{Counted, Inlinks};
use crate::task::UrlKey;
use crate::time::Moment;
use canter_page::{Link, Page, Section};

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
    /// the writes; see [`version`].
    pub version: u64,
    /// The page as it was read.
    pub page: Page,
    /// Anchor texts and link score from other pages' links; empty until the end of a crawl.
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
    UrlKey::hash(format!("{site}\n{url}").as_bytes())
}

/// Returns the version of an index write: time of the fetch in ms × 1024 + number of the pass. A
/// later pass over the same copy may thus rewrite the fetch's write, and an older copy never wins.
pub fn version(fetched_at: Moment, pass: u16) -> u64 {
    fetched_at.millis().saturating_mul(PASSES) + u64::from(pass).min(DELETION - 1)
}

/// Number of versions of one copy: its fetch, the passes over it, and its deletion.
const PASSES: u64 = 1024;
/// The last version of a copy. A deletion wins over every pass over the copy.
const DELETION: u64 = PASSES - 1;

/// Returns the number of the pass that wrote a version.
fn pass_of(version: u64) -> u16 {
    (version % PASSES) as u16
}

/// Returns the version that deletes the copy of this version. No later pass over the copy brings it
/// back, but the next fetch does.
pub fn deleted(version: u64) -> u64 {
    version | DELETION
}

/// A page as the index returns it (`canter export`, stored links).
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
    /// Digest of other pages' links to the page.
    #[serde(
        rename = "inbound",
        default,
        skip_serializing_if = "Counted::is_nothing"
    )]
    pub inlinks: Counted,
}

impl Stored {
    /// Returns the stored form of a document without its text and its links. These two are most of
    /// its size, and an index keeps them apart: no search needs the links, and a text in JSON has
    /// to be escaped.
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
            inlinks: Counted {
                digest: document.inlinks.digest(),
                pass: pass_of(document.version),
            },
        }
    }

    /// Returns the document that replaces the page in the index, with new anchor texts and a new
    /// link score from other pages' links.
    pub fn again(self, inlinks: Inlinks) -> Document {
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
            version: version(fetched_at, self.inlinks.pass.saturating_add(1)),
            page: Page {
                title: self.title,
                language: self.language,
                text: self.text,
                sections: sections.collect(),
                links: links.collect(),
                ..Page::default()
            },
            inlinks,
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

impl StoredLink {
    /// Returns the range of the anchor text in the page's text; `None` for a link outside of the
    /// text.
    pub fn place(&self) -> Option<std::ops::Range<usize>> {
        self.place.map(|(start, end)| start..end)
    }
}

/// A [`StoredLink`] that borrows from the page.
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
