//! What a search asks for and what it gives back: the same in every index.

use url::Url;

/// Longest query in characters.
pub const MAX_QUERY: usize = 500;
/// `offset + limit` may not go beyond this.
pub const WINDOW: usize = 10_000;

/// The score of a page is a sum: what each kind of match counts for in it. A match is weighed by
/// BM25 (k1 1.2, b 0.75, with the factor k1 + 1) over the terms of [`crate::terms`]; any word may
/// match and none has to. Measured on judged queries for a documentation site; doubling or
/// halving one weight moves little.
pub mod weight {
    /// The best section of the page.
    pub const SECTION: f32 = 1.0;
    /// Title and main text, identifiers whole and in parts.
    pub const BODY: f32 = 1.6;
    /// Pairs of neighbouring words in title and main text.
    pub const PAIRS: f32 = 1.6;
    /// Words of the URL's path.
    pub const ADDRESS: f32 = 0.4;
    /// The whole query is a name on the page: an API name, an id, a heading. Not BM25: the same
    /// for every page.
    pub const NAME: f32 = 13.2;
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
    /// How many pages match.
    pub total: u64,
    /// Whether `total` is exact, or a lower bound.
    pub exact: bool,
    /// By falling score, then by document id; each page once.
    pub hits: Vec<Hit>,
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
