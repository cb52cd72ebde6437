//! A search and its results.

use url::Url;

use crate::facets::Facets;

/// Maximum length of a query, in characters.
pub const MAX_QUERY: usize = 500;
/// Maximum of `offset + limit`.
pub const WINDOW: usize = 10_000;
/// Maximum number of deep links of one result.
pub const DEEP_LINKS: usize = 3;

/// A validated search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The text that the person typed: trimmed, not empty, at most [`MAX_QUERY`] characters. No
    /// query language parses it.
    pub text: String,
    /// Maximum number of results, from 1 to 100.
    pub limit: usize,
    /// Number of results to skip; `offset + limit <= WINDOW`.
    pub offset: usize,
    /// Site whose pages are searched; none for all sites.
    pub site: Option<String>,
    /// Language of the searched pages, including regional variants (`pt` finds `pt-br`); none for
    /// all languages.
    pub language: Option<String>,
    /// Prefix of the URL paths of the searched pages; none for all paths.
    pub path: Option<String>,
}

/// One page of results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hits {
    /// Number of matching pages, near-duplicates included.
    pub total: u64,
    /// Whether `total` is exact; otherwise it is a lower bound.
    pub exact: bool,
    /// The results, ordered by descending score, then by document id. Of several near-duplicates
    /// ([`crate::terms::PageTerms::near_duplicates`]), only the first is a result.
    pub hits: Vec<Hit>,
    /// The corrected query, if the query has words that no page holds; see
    /// [`crate::corrections`].
    pub meant: Option<String>,
    /// Counts over all matching pages.
    pub facets: Facets,
}

/// A matching page.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// URL of the page.
    pub url: Url,
    /// Title as plain text; the URL if the page has none.
    pub title: String,
    /// HTML-escaped text in which only `<mark>` is markup.
    pub snippet: String,
    /// Relevance score, which is comparable only within one answer.
    pub score: f32,
    /// Id of the site.
    pub site: String,
    /// Time of the fetch, in milliseconds since the Unix epoch.
    pub fetched_at_ms: u64,
    /// The best matching sections, best first; may be empty.
    pub sections: Vec<SectionHit>,
}

/// A matching section: a deep link.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionHit {
    /// URL of the page with the fragment of the section.
    pub url: Url,
    /// Heading as plain text.
    pub title: String,
    /// HTML-escaped text in which only `<mark>` is markup.
    pub snippet: String,
}
