//! What is read out of a response: title, language, main content, sections, links, directives.

mod anchors;
mod boilerplate;
mod content;
mod directives;
mod encoding;
mod events;
mod facts;
mod item;
mod language;
pub mod link_header;
mod links;
mod names;
mod nest;
mod open;
mod parse;
mod read;
mod recorder;
mod refresh;
mod relations;
mod sections;
mod start;
mod tag;
mod text;
pub mod url;

use std::ops::Range;

use ::url::Url;

pub use read::{read, read_html};

/// A page as it was read. Byte ranges are into [`Page::text`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The document's title; empty when it has none.
    pub title: String,
    /// Primary language as the page names it, lower-cased BCP 47 (`en`, `pt-br`); that of its text
    /// where it names none.
    pub language: Option<String>,
    /// Main content as plain text, white space folded except inside code; blocks are separated
    /// by `\n`.
    pub text: String,
    /// The content cut at its headings and definitions, in document order. Ranges follow each
    /// other without overlap and cover all of `text`: a nested section's text belongs to itself alone.
    pub sections: Vec<Section>,
    /// Ranges of `text` that are code, in order, without overlap.
    pub code: Vec<Range<usize>>,
    /// Links in document order, as many as [`crate::MAX_LINKS`] allows: `a`, `area`, frames,
    /// and `link` elements that lead to pages. Links of `noscript` and `noframes` have no text.
    pub links: Vec<Link>,
    /// Target of `link rel=canonical`, resolved and normalised.
    pub canonical: Option<Url>,
    /// Where a `meta http-equiv=refresh` leads within 100 seconds, resolved and normalised: a
    /// redirect.
    pub refresh: Option<Url>,
    /// What the page's meta robots say.
    pub directives: Directives,
}

/// A heading or a definition with the text below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// The fragment that leads to it; none for text before the first anchor.
    pub anchor: Option<String>,
    /// Text of the heading, or the name that a definition defines (`asyncio.gather`).
    pub title: String,
    /// 1 to 6 for `h1` to `h6`; 7 for a definition below a heading; 0 for text before any heading.
    pub level: u8,
    /// Its own text, heading included.
    pub range: Range<usize>,
    /// Identifiers that it defines, whole (`asyncio.gather`): from ids and signatures.
    pub names: Vec<String>,
}

/// A link from one page to another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Resolved and normalised, without its fragment.
    pub url: Url,
    /// The fragment of the reference, decoded.
    pub fragment: Option<String>,
    /// Text of the anchor element, white space folded.
    pub text: String,
    /// `rel` holds `nofollow`.
    pub nofollow: bool,
    /// Where its text lies in the main content; none for one that surrounds it.
    pub place: Option<Range<usize>>,
}

/// What a page or a response asks of robots (meta robots, `X-Robots-Tag`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directives {
    /// Not to be found by a search.
    pub noindex: bool,
    /// Its links are not to be followed.
    pub nofollow: bool,
}

/// How many links of one page are kept, against generated pages.
pub const MAX_LINKS: usize = 100_000;
