//! Sitemaps (sitemaps.org): XML lists of URLs or of other sitemaps, plain lists with one URL a
//! line, RSS and Atom feeds, each of them plain or compressed with gzip. The content of a file
//! shows which of these it is.
//!
//! A sitemap may be wrong or broken. Entries that are of no use are left out and counted, and what
//! precedes a break is read. The file is read once from front to end, so besides the file itself
//! only the URLs that are kept take memory.

mod lastmod;
mod xml;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};

use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;
use url::Url;

use crate::task::{Kind, UrlKey};
use crate::time::Moment;
use canter_page::url::{is_http, normalise};

/// Maximum size of a sitemap in bytes, both compressed and decompressed: 50 MiB, the limit of the
/// protocol. The rest of a larger one is not read.
pub const MAX_BYTES: usize = 50 << 20;
/// Maximum number of entries of a sitemap, the limit of the protocol. Further ones are not read.
pub const MAX_ENTRIES: usize = 50_000;
/// Maximum number of URLs kept of a sitemap, including alternates in other languages.
const MAX_URLS: usize = 2 * MAX_ENTRIES;
/// Maximum length of a URL or a date in bytes, far beyond the 2,048 of the protocol.
const MAX_TEXT: usize = 16 * 1024;
/// Maximum length of an XML declaration, in bytes.
const MAX_DECLARATION: usize = 200;

/// What a file turned out to be that was expected to be a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// A sitemap.
    Listing(Listing),
    /// A page.
    Html,
    /// Something else, as one phrase describes.
    Other(String),
}

/// The URLs that a sitemap lists, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Pages, in the order of the file.
    pub pages: Vec<Entry>,
    /// Other sitemaps, in the order of the file.
    pub sitemaps: Vec<Entry>,
    /// Number of entries that are not an absolute http(s) URL, or were not wanted.
    pub left_out: u64,
    /// False if the file is broken or exceeds the limits, so that the rest of it is unknown.
    pub whole: bool,
}

/// One entry of a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The URL, normalised.
    pub url: Url,
    /// When the page last changed, according to the sitemap. A date after the fetch is ignored.
    pub lastmod: Option<Moment>,
}

/// Reads a sitemap that was fetched at `now`, since the Unix epoch. `wanted` decides which of the
/// normalised URLs of pages and sitemaps are kept.
pub fn read(body: &[u8], now: Moment, wanted: impl Fn(&Url, Kind) -> bool) -> Contents {
    let mut unpacked = BufReader::new(unpacked(body));
    let mut file = BufReader::new(
        DecodeReaderBytesBuilder::new()
            .encoding(Some(declared(&mut unpacked)))
            .bom_override(true)
            .build(unpacked),
    );
    let mut collector = Collector {
        listing: Listing::default(),
        met: HashSet::new(),
        entries: 0,
        now,
        wanted,
    };
    // An error comes again when the file is read.
    let start = file.fill_buf().unwrap_or_default();
    if start.trim_ascii_start().starts_with(b"<") {
        xml::read(file, &mut collector)
    } else {
        lines(file, &mut collector)
    }
}

/// The decompressed file, up to the limit.
fn unpacked(body: &[u8]) -> Box<dyn Read + '_> {
    if body.starts_with(b"\x1f\x8b") {
        Box::new(MultiGzDecoder::new(body).take(MAX_BYTES as u64))
    } else {
        Box::new(body.take(MAX_BYTES as u64))
    }
}

/// The encoding that the XML declaration names (XML 1.0 §4.3.3), or else UTF-8. An encoding in
/// which the declaration itself could not have been read is ignored.
fn declared(file: &mut impl BufRead) -> &'static Encoding {
    // An error comes again when the file is read.
    let start = file.fill_buf().unwrap_or_default();
    let start = String::from_utf8_lossy(start.get(..MAX_DECLARATION).unwrap_or(start));
    let named = start
        .trim_start()
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>")?.0.split_once("encoding"))
        .and_then(|(_, rest)| {
            let value = rest.trim_start().strip_prefix('=')?.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            value[1..].split(quote).next()
        });
    named
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .filter(|encoding| encoding.is_ascii_compatible())
        .unwrap_or(UTF_8)
}

/// Reads a list with one URL a line.
fn lines(
    mut file: impl BufRead,
    collector: &mut Collector<impl Fn(&Url, Kind) -> bool>,
) -> Contents {
    let mut line = Vec::new();
    let (mut any, mut bytes) = (false, 0);
    let whole = loop {
        line.clear();
        match file.read_until(b'\n', &mut line) {
            Ok(0) => break true,
            Ok(length) => bytes += length,
            Err(_) => break false,
        }
        if bytes >= MAX_BYTES && !line.ends_with(b"\n") {
            // The line was cut at the limit.
            break false;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        any |= absolute(text).is_some();
        if !collector.add(text, None, Kind::Page) {
            break false;
        }
    };
    if any {
        collector.end(whole)
    } else {
        Contents::Other("it is no sitemap".to_owned())
    }
}

/// Collects the entries of a sitemap.
struct Collector<F> {
    listing: Listing,
    met: HashSet<UrlKey>,
    entries: usize,
    now: Moment,
    wanted: F,
}

impl<F: Fn(&Url, Kind) -> bool> Collector<F> {
    /// Adds an entry, and returns whether more may follow.
    fn add(&mut self, text: &str, lastmod: Option<&str>, kind: Kind) -> bool {
        if self.entries == MAX_ENTRIES {
            return false;
        }
        self.entries += 1;
        let lastmod = lastmod
            .and_then(lastmod::parse)
            .filter(|at| *at <= self.now);
        self.keep(text, lastmod, kind);
        true
    }

    /// Keeps a URL if it is wanted. A repeated URL is neither kept nor counted.
    fn keep(&mut self, text: &str, lastmod: Option<Moment>, kind: Kind) {
        let url = absolute(text).filter(|url| (self.wanted)(url, kind));
        let Some(url) = url else {
            self.listing.left_out += 1;
            return;
        };
        if self.met.len() < MAX_URLS && self.met.insert(UrlKey::of(&url)) {
            let list = match kind {
                Kind::Page => &mut self.listing.pages,
                Kind::Sitemap => &mut self.listing.sitemaps,
            };
            list.push(Entry { url, lastmod });
        }
    }

    fn end(&mut self, whole: bool) -> Contents {
        let mut listing = std::mem::take(&mut self.listing);
        listing.whole = whole;
        Contents::Listing(listing)
    }
}

/// Parses an absolute http(s) URL (sitemaps.org, "Sitemap file location").
fn absolute(text: &str) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT {
        return None;
    }
    Url::parse(text).ok().filter(is_http).map(normalise)
}

#[cfg(test)]
mod tests;
