//! Reads a page: from the bytes of a response to title, language, main content, sections, links and
//! directives; and [URLs](mod@url) as canter compares them.
//!
//! Begin with [`read`], which returns a [`Page`]. A page goes through these modules:
//!
//! - `encoding` decodes the bytes, as browsers do.
//! - `tokenizer` cuts the text into tags and text, with `reference` and `script`; `parse` runs it;
//!   `nest`, `start` and `open` nest the elements; `recorder` keeps the result as a list of `events`
//!   over the elements and attributes of `tag`.
//! - `facts` collects what the page says about itself, and all of its `links`.
//! - `content` extracts the main content without its `boilerplate`; `sections`, `anchors`, `names`
//!   and `item` cut it at its headings and definitions.
//!
//! Reading never fails: a broken page gives less. It takes time and memory linear in the length of
//! the page, builds no tree, and does not recurse.

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
mod list;
mod names;
mod nest;
mod open;
mod parse;
mod read;
mod recorder;
mod reference;
mod refresh;
mod relations;
mod script;
mod sections;
mod start;
mod tag;
mod text;
mod tokenizer;
pub mod url;

use std::ops::Range;

use ::url::Url;

pub use list::is_list;
pub use read::{read, read_html};

/// What was read from a page. Byte ranges are into [`Page::text`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The document's title; empty when it has none.
    pub title: String,
    /// Primary language as a lower-case BCP 47 tag (`en`, `pt-br`): the one that the page names, or
    /// else the one detected from its text.
    pub language: Option<String>,
    /// Main content as plain text. White space is folded except in code, and blocks are separated
    /// by `\n`.
    pub text: String,
    /// The content cut at its headings and definitions, in document order. The ranges do not
    /// overlap and cover all of `text`: the text of a nested section belongs to that section only.
    pub sections: Vec<Section>,
    /// Ranges of `text` that are code, in order, without overlap.
    pub code: Vec<Range<usize>>,
    /// The first [`MAX_LINKS`] links in document order: `a`, `area`, frames, and `link` elements
    /// that lead to pages. Links in `noscript` and `noframes` have no text.
    pub links: Vec<Link>,
    /// Target of `link rel=canonical`, resolved and normalised.
    pub canonical: Option<Url>,
    /// Target of a `meta http-equiv=refresh` that redirects within 100 seconds, resolved and
    /// normalised.
    pub refresh: Option<Url>,
    /// Directives of the page's meta robots.
    pub directives: Directives,
    /// Directives of meta elements that are named after other robots, in lower case.
    pub named_directives: Vec<(String, Directives)>,
    /// Whether the page is little more than its links, such as an index or a table of contents.
    pub list: bool,
}

/// A heading or a definition with the text below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// Fragment that leads to the section; none for text before the first anchor.
    pub anchor: Option<String>,
    /// Text of the heading, or the name that a definition defines (`asyncio.gather`).
    pub title: String,
    /// 1 to 6 for `h1` to `h6`, 7 for a definition below a heading, 0 for text before any heading.
    pub level: u8,
    /// Range of the section's own text, including the heading.
    pub range: Range<usize>,
    /// Qualified identifiers that the section defines (`asyncio.gather`), from ids and signatures.
    pub names: Vec<String>,
}

/// A link of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Target, resolved and normalised, without its fragment.
    pub url: Url,
    /// Fragment of the target, decoded.
    pub fragment: Option<String>,
    /// Anchor text, with white space folded.
    pub text: String,
    /// Whether `rel` has `nofollow`.
    pub nofollow: bool,
    /// Range of the anchor text in the main content; none for a link outside of it.
    pub place: Option<Range<usize>>,
}

/// Directives of a page or a response to robots (meta robots, `X-Robots-Tag`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directives {
    /// The page must not be indexed.
    pub noindex: bool,
    /// The links of the page must not be followed.
    pub nofollow: bool,
}

/// Maximum number of links that are kept of one page.
pub const MAX_LINKS: usize = 100_000;
