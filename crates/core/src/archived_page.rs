//! A page as the archive holds it, and its stored form.
//!
//! A stored page is a head of 13 bytes and three zstd frames: the page's data as JSON, its text,
//! and its links as JSON. Whoever needs the links only does not parse the rest.

use std::cell::RefCell;

use canter_page::{Directives, Page, Section};
use serde::{Deserialize, Serialize};
use url::Url;
use zstd::bulk::{Compressor, Decompressor};

use crate::document::{Document, KeptLink, Stored, StoredSection};
use crate::failure::Failure;
use crate::fingerprint::Fingerprint;
use crate::inlinks::Inlinks;
use crate::task::UrlKey;
use crate::time::Moment;

/// First byte of a stored page.
const FORMAT: u8 = 1;
/// Compression level of zstd, the fastest of its usual ones.
const LEVEL: i32 = 1;
/// Maximum length of a part of a page: far more than a crawl reads. It bounds the memory that a
/// damaged file can take.
const MAX_PART: u32 = 256 << 20;

/// One version of a page as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchivedPage {
    /// Id of the site.
    pub site: String,
    /// The page's URL, normalised.
    pub url: Url,
    /// Start of the request that fetched the page.
    pub fetched_at: Moment,
    /// The version, which grows with each version of the page.
    pub version: u64,
    /// Hash of the body.
    pub hash: UrlKey,
    /// `ETag` of the response.
    pub etag: Option<String>,
    /// `Last-Modified` of the response.
    pub last_modified: Option<String>,
    /// What was read.
    pub page: Page,
}

/// The links of an archived page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageLinks {
    text: String,
    links: String,
}

impl PageLinks {
    /// Returns the text that the links lie in.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Parses the links.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if they are damaged.
    pub fn read(&self) -> Result<Vec<KeptLink<'_>>, Failure> {
        serde_json::from_str(&self.links).map_err(damaged)
    }
}

/// The first part of a stored page.
#[derive(Serialize, Deserialize)]
struct Head {
    site: String,
    url: Url,
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    fetched_at: Moment,
    version: u64,
    hash: UrlKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    canonical: Option<Url>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    noindex: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    nofollow: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    list: bool,
    sections: Vec<StoredSection>,
}

impl ArchivedPage {
    /// Returns the fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.version, self.hash, &self.page.title, &self.page.text)
    }

    /// Returns the document that an index shows of the page, at a version of the index.
    pub fn document(self, written: u64, inlinks: Inlinks) -> Document {
        Document {
            site: self.site,
            url: self.url,
            fetched_at: self.fetched_at,
            version: written,
            page: self.page,
            inlinks,
        }
    }

    /// Returns the form that is exported, with its links.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the links are damaged.
    pub fn exported(self, links: &PageLinks) -> Result<Stored, Failure> {
        let links = serde_json::from_str(&links.links).map_err(damaged)?;
        Ok(Stored {
            site: self.site,
            url: self.url,
            title: self.page.title,
            language: self.page.language,
            fetched_at_ms: self.fetched_at.millis(),
            text: self.page.text,
            sections: self.page.sections.iter().map(StoredSection::from).collect(),
            links,
        })
    }

    /// Returns the stored form.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if a part is longer than 256 MiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        let page = &self.page;
        let head = serde_json::to_vec(&Head {
            site: self.site.clone(),
            url: self.url.clone(),
            title: page.title.clone(),
            language: page.language.clone(),
            fetched_at: self.fetched_at,
            version: self.version,
            hash: self.hash,
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            canonical: page.canonical.clone(),
            noindex: page.directives.noindex,
            nofollow: page.directives.nofollow,
            list: page.list,
            sections: page.sections.iter().map(StoredSection::from).collect(),
        });
        let links: Vec<KeptLink<'_>> = page.links.iter().map(KeptLink::from).collect();
        let links = serde_json::to_vec(&links).map_err(Failure::permanent)?;
        let parts = [
            &head.map_err(Failure::permanent)?,
            page.text.as_bytes(),
            &links,
        ];
        let mut bytes = vec![FORMAT];
        let mut frames = Vec::new();
        for part in parts {
            let length = u32::try_from(part.len()).ok().filter(|it| *it <= MAX_PART);
            let length = length.ok_or_else(|| {
                Failure::permanent(format!("{} is too long to be archived", self.url))
            })?;
            let frame = compressed(part)?;
            let taken = u32::try_from(frame.len()).map_err(Failure::permanent)?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&taken.to_be_bytes());
            frames.push(frame);
        }
        bytes.extend(frames.concat());
        Ok(bytes)
    }

    /// Reads the stored form without its links, which no index needs; see [`PageLinks`].
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if it is damaged or of another format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let [head, text, _] = parts(bytes)?;
        let head: Head = serde_json::from_slice(&head.read()?).map_err(damaged)?;
        Ok(ArchivedPage {
            site: head.site,
            url: head.url,
            fetched_at: head.fetched_at,
            version: head.version,
            hash: head.hash,
            etag: head.etag,
            last_modified: head.last_modified,
            page: Page {
                title: head.title,
                language: head.language,
                text: String::from_utf8(text.read()?).map_err(damaged)?,
                sections: head.sections.into_iter().map(Section::from).collect(),
                links: Vec::new(),
                canonical: head.canonical,
                directives: Directives {
                    noindex: head.noindex,
                    nofollow: head.nofollow,
                },
                list: head.list,
                ..Page::default()
            },
        })
    }
}

impl PageLinks {
    /// Reads the links of a page's stored form.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if it is damaged or of another format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let [_, text, links] = parts(bytes)?;
        Ok(PageLinks {
            text: String::from_utf8(text.read()?).map_err(damaged)?,
            links: String::from_utf8(links.read()?).map_err(damaged)?,
        })
    }
}

/// A part of a stored page.
#[derive(Clone, Copy)]
struct Part<'a> {
    length: u32,
    frame: &'a [u8],
}

impl Part<'_> {
    fn read(self) -> Result<Vec<u8>, Failure> {
        DECOMPRESSOR.with_borrow_mut(|decompressor| {
            if decompressor.is_none() {
                *decompressor = Some(Decompressor::new().map_err(damaged)?);
            }
            let decompressor = decompressor
                .as_mut()
                .ok_or_else(|| damaged("no decompressor"))?;
            let read = decompressor.decompress(self.frame, self.length as usize);
            let read = read.map_err(damaged)?;
            match read.len() == self.length as usize {
                true => Ok(read),
                false => Err(damaged("a part of it has another length")),
            }
        })
    }
}

/// Splits a stored page.
fn parts(bytes: &[u8]) -> Result<[Part<'_>; 3], Failure> {
    let split = || {
        let (format, mut rest) = bytes.split_first()?;
        let mut lengths = [(0, 0); 3];
        for (length, taken) in &mut lengths {
            let (first, after) = rest.split_first_chunk()?;
            let (second, after) = after.split_first_chunk()?;
            (*length, *taken) = (u32::from_be_bytes(*first), u32::from_be_bytes(*second));
            rest = after;
        }
        let mut parts = [Part {
            length: 0,
            frame: &[],
        }; 3];
        for (part, (length, taken)) in parts.iter_mut().zip(lengths) {
            let (frame, after) = rest.split_at_checked(taken as usize)?;
            *part = Part { length, frame };
            rest = after;
        }
        let sound = *format == FORMAT && lengths.iter().all(|(length, _)| *length <= MAX_PART);
        sound.then_some(parts)
    };
    split().ok_or_else(|| damaged("it is cut off or of another format"))
}

thread_local! {
    // Making a context takes longer than compressing a page.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn compressed(part: &[u8]) -> Result<Vec<u8>, Failure> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        if compressor.is_none() {
            *compressor = Some(Compressor::new(LEVEL).map_err(Failure::permanent)?);
        }
        let compressor = compressor.as_mut();
        let compressor = compressor.ok_or_else(|| Failure::permanent("no compressor"))?;
        compressor.compress(part).map_err(Failure::permanent)
    })
}

fn damaged(why: impl std::fmt::Display) -> Failure {
    Failure::permanent(format!("a page of the archive is damaged: {why}"))
}

#[cfg(test)]
mod tests {
    use canter_page::{Link, read_html};

    use super::*;

    fn page(html: &str) -> ArchivedPage {
        let url = Url::parse("https://a.test/docs/").unwrap();
        let page = read_html(html, &url);
        ArchivedPage {
            site: "a.test".into(),
            fetched_at: Moment(12_345_678_901),
            version: 7,
            hash: UrlKey::hash(html.as_bytes()),
            etag: Some("\"x\"".into()),
            last_modified: None,
            page: Page {
                refresh: None,
                ..page
            },
            url,
        }
    }

    #[test]
    fn the_stored_form_gives_the_page_back() {
        for html in [
            "",
            "<html lang=de><link rel=canonical href=/c><title>T</title><h1 id=a>A</h1><p>text \
             <a href='b#f'>a link</a> <a href=/c rel=nofollow>ü</a>",
        ] {
            let page = page(html);
            let bytes = page.to_bytes().unwrap();
            let mut without_links = page.clone();
            without_links.page.links.clear();
            assert_eq!(ArchivedPage::from_bytes(&bytes), Ok(without_links.clone()));
            let links = PageLinks::from_bytes(&bytes).unwrap();
            let exported = without_links.exported(&links).unwrap();
            let exported = exported.links.into_iter().map(Link::from);
            assert_eq!(exported.collect::<Vec<_>>(), page.page.links);
            assert_eq!(links.text(), page.page.text);
            let kept: Vec<KeptLink<'_>> = page.page.links.iter().map(KeptLink::from).collect();
            assert_eq!(links.read(), Ok(kept));
        }
    }

    #[test]
    fn what_is_damaged_is_told_and_takes_no_memory() {
        let whole = page("<p>text").to_bytes().unwrap();
        for length in 0..whole.len() {
            assert!(
                ArchivedPage::from_bytes(&whole[..length]).is_err(),
                "{length}"
            );
        }
        for at in 0..25 {
            let mut wrong = whole.clone();
            wrong[at] ^= 0xff;
            let links = PageLinks::from_bytes(&wrong);
            assert!(
                ArchivedPage::from_bytes(&wrong).is_err() || links.is_err(),
                "{at}"
            );
        }
    }
}
