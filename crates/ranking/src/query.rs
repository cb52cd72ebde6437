//! What a search asks for and what it gives back: the same in every index.

use url::Url;

use crate::counts::Counts;

/// Longest query in characters.
pub const MAX_QUERY: usize = 500;
/// `offset + limit` may not go beyond this.
pub const WINDOW: usize = 10_000;

/// The score of a page is a sum: what each kind of match counts for in it. A match is weighed by
/// BM25 (with the factor k1 + 1, and the [`Shape`] of its field) over the terms of
/// [`crate::terms`]; any word may match and none has to. Measured on judged queries for a
/// documentation site; doubling or halving one weight moves little.
pub mod weight {
    /// The best section of the page.
    pub const SECTION: f32 = 1.0;
    /// Title and main text, identifiers whole and in parts.
    pub const BODY: f32 = 1.8;
    /// Pairs of neighbouring words in title and main text.
    pub const PAIRS: f32 = 1.8;
    /// What other pages say around their links to the page.
    pub const MENTIONS: f32 = 1.2;
    /// That other pages link to it: half of this for as many as is usual, s / (s + 1) of it for
    /// [`canter_core::inbound::Inbound::standing`] s.
    pub const STANDING: f32 = 16.0;
    /// Words of the URL's path.
    pub const ADDRESS: f32 = 0.6;
    /// The whole query is a name on the page: an API name, an id, a heading. Not BM25: the same
    /// for every page.
    pub const NAME: f32 = 13.2;
    /// A page that is little more than its links ([`canter_core::inbound::is_list`]) keeps this part of
    /// its score: nobody who asks for something is looking for it.
    pub const LIST: f32 = 0.65;
}

/// How BM25 counts in a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// How soon a term that comes again counts for less.
    pub k1: f32,
    /// How much more a term counts in a short text; 0 for not at all, 1 for all of it.
    pub b: f32,
}

impl Shape {
    /// Of [`weight::SECTION`].
    pub const SECTION: Shape = Shape { k1: 1.2, b: 0.3 };
    /// Of [`weight::BODY`] and [`weight::PAIRS`].
    pub const BODY: Shape = Shape { k1: 1.2, b: 0.6 };
    /// Of [`weight::MENTIONS`].
    pub const MENTIONS: Shape = Shape { k1: 1.2, b: 0.75 };
    /// Of [`weight::ADDRESS`].
    pub const ADDRESS: Shape = Shape { k1: 1.2, b: 0.75 };
}

/// Most deep links of one result.
pub const DEEP_LINKS: usize = 3;

/// A validated search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What the person typed, trimmed, not empty, at most [`MAX_QUERY`] characters. Never parsed
    /// by a query language: it is words.
    pub text: String,
    /// Results wanted, 1 to 100.
    pub limit: usize,
    /// Results to leave out before the first; `offset + limit <= WINDOW`.
    pub offset: usize,
    /// Only pages of this site.
    pub site: Option<String>,
    /// Only pages whose language is this or begins with it and a hyphen (`pt` finds `pt-br`).
    pub language: Option<String>,
    /// Only pages whose URL path begins with this.
    pub path: Option<String>,
}

/// One page of results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hits {
    /// How many pages match, nearly equal ones among them.
    pub total: u64,
    /// Whether `total` is exact, or a lower bound.
    pub exact: bool,
    /// By falling score, then by document id; each page once, and of pages that hold nearly the
    /// same ([`crate::terms::PageTerms::twins`]) the first one.
    pub hits: Vec<Hit>,
    /// The query as it was meant, where it has words that no page holds; see
    /// [`crate::typos::corrected`].
    pub meant: Option<String>,
    /// How all that match are spread.
    pub counts: Counts,
}

/// A page that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The page.
    pub url: Url,
    /// Its title, plain text; never empty (the URL stands in for a missing one).
    pub title: String,
    /// HTML-escaped text in which only `<mark>` is markup.
    pub snippet: String,
    /// Relevance; comparable only within one answer.
    pub score: f32,
    /// Id of its site.
    pub site: String,
    /// When it was fetched, milliseconds since the Unix epoch.
    pub fetched_at_ms: u64,
    /// Its best sections for this query, best first; may be empty.
    pub sections: Vec<SectionHit>,
}

/// A section that matches: a deep link.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionHit {
    /// The page's URL with the section's fragment.
    pub url: Url,
    /// Its heading, plain text.
    pub title: String,
    /// HTML-escaped text in which only `<mark>` is markup.
    pub snippet: String,
}
