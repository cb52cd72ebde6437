//! Sitemaps (sitemaps.org): XML lists of URLs and of other sitemaps, plain lists with a URL a
//! line, RSS and Atom feeds; packed by gzip or not. What a file is shows in its content.
//!
//! A sitemap may lie and may be broken: what cannot be of use is left out and counted, and what
//! stands before a break is read. It is read once from front to end, so that memory beside the
//! file itself goes to the URLs that are kept.

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

/// Most bytes of a sitemap, packed or not: 50 MiB, the limit of the protocol. What lies beyond is
/// An XML declaration is no longer.
const DECLARATION: usize = 200;
/// not read.
pub const MAX_BYTES: usize = 50 << 20;
/// Most entries of a sitemap, the limit of the protocol. What lies beyond is not read.
pub const MAX_ENTRIES: usize = 50_000;
/// Most URLs that are kept of a sitemap, the alternates in other languages among them.
const MAX_URLS: usize = 2 * MAX_ENTRIES;
/// Longest text of a URL or a date, in bytes: far beyond the 2,048 of the protocol.
const MAX_TEXT: usize = 16 * 1024;

/// What a file that should be a sitemap turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// A sitemap.
    Listing(Listing),
    /// A page.
    Html,
    /// Neither; one phrase says why.
    Other(String),
}

/// What a sitemap lists, each URL once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Pages, in the order of the file.
    pub pages: Vec<Entry>,
    /// Other sitemaps.
    pub sitemaps: Vec<Entry>,
    /// Entries that are no absolute http(s) URL, or were not wanted.
    pub left_out: u64,
    /// False when the file is broken or beyond the limits; what comes after that is unknown.
    pub whole: bool,
}

/// One URL of a sitemap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Normalised.
    pub url: Url,
    /// When it last changed, as the sitemap says; never after it was fetched.
    pub lastmod: Option<Moment>,
}

/// Reads a sitemap that was fetched at `now`, since the Unix epoch. `wanted` says of normalised
/// URLs of pages and of sitemaps whether they are kept.
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
    // An error is met again where the file is read.
    let start = file.fill_buf().unwrap_or_default();
    if start.trim_ascii_start().starts_with(b"<") {
        xml::read(file, &mut collector)
    } else {
        lines(file, &mut collector)
    }
}

/// The file as it was before it was packed, as far as it may be read.
fn unpacked(body: &[u8]) -> Box<dyn Read + '_> {
    if body.starts_with(b"\x1f\x8b") {
        Box::new(MultiGzDecoder::new(body).take(MAX_BYTES as u64))
    } else {
        Box::new(body.take(MAX_BYTES as u64))
    }
}

/// The encoding that an XML declaration names (XML 1.0 §4.3.3), or else UTF-8. One that the
/// declaration could not be read in is none.
fn declared(file: &mut impl BufRead) -> &'static Encoding {
    // An error is met again where the file is read.
    let start = file.fill_buf().unwrap_or_default();
    let start = String::from_utf8_lossy(start.get(..DECLARATION).unwrap_or(start));
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

/// A list with one URL a line.
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
            // The limit cuts it.
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

/// Takes what a sitemap lists.
struct Collector<F> {
    listing: Listing,
    met: HashSet<UrlKey>,
    entries: usize,
    now: Moment,
    wanted: F,
}

impl<F: Fn(&Url, Kind) -> bool> Collector<F> {
    /// An entry; whether more may follow.
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

    /// Keeps a URL that is of use; one that is met again is neither kept nor counted.
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

/// The URL that a sitemap names: absolute, by http or https (sitemaps.org, "Sitemap file
/// location").
fn absolute(text: &str) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT {
        return None;
    }
    Url::parse(text).ok().filter(is_http).map(normalise)
}

#[cfg(test)]
mod tests;
