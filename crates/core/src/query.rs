//! What a search asks for and what it gives back: the same in every index.

use url::Url;

/// Longest query in characters.
pub const MAX_QUERY: usize = 500;
/// `offset + limit` may not go beyond this.
pub const WINDOW: usize = 10_000;

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
