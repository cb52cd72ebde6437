//! Tasks and how they end.

use std::fmt;

use canter_page::url::Trap;
use serde::{Deserialize, Serialize};
use url::Url;

/// Key of a URL in every store: the first 16 bytes of the BLAKE3 hash of its normalised form. It is
/// exact for all practical purposes: the chance of a collision among a billion URLs is one in
/// 10^21.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UrlKey(pub [u8; 16]);

impl UrlKey {
    /// The key of a normalised URL.
    pub fn of(url: &Url) -> Self {
        Self::hash(url.as_str().as_bytes())
    }

    /// The key of any bytes, which is also the hash of a page's body.
    pub fn hash(bytes: &[u8]) -> Self {
        Self::from_hash(blake3::hash(bytes))
    }

    /// The key of the bytes of all parts in a row.
    pub(crate) fn hash_parts<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        parts.for_each(|part| {
            hasher.update(part);
        });
        Self::from_hash(hasher.finalize())
    }

    fn from_hash(hash: blake3::Hash) -> Self {
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        UrlKey(key)
    }
}

impl fmt::Display for UrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for UrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One URL to fetch in a crawl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Id of the site.
    pub site: String,
    /// Id of the crawl. A later crawl of the same site has a larger id.
    pub crawl: u64,
    /// The URL, normalised.
    pub url: Url,
    /// Number of links from the seed when the URL was discovered. A redirect's target has the depth
    /// of its source.
    pub depth: u32,
    /// Number of redirects in a row that led here.
    #[serde(rename = "hops")]
    pub redirects: u8,
    /// Number of attempts before this one.
    pub attempts: u32,
    /// The page on which the URL was discovered; none for a seed.
    pub parent: Option<Url>,
    /// What is expected there.
    #[serde(default)]
    pub kind: Kind,
}

/// What a task fetches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A page for the index.
    #[default]
    Page,
    /// A list of URLs (sitemaps.org).
    Sitemap,
}

/// How a task ended. Every claimed task gets exactly one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A page that a search can find.
    Indexed,
    /// The copy in the index is still right.
    Unchanged,
    /// Its content is found at another URL, which is indexed instead.
    Duplicate {
        /// The URL that is indexed.
        of: Url,
    },
    /// It redirects. The target is a task of its own if it is in scope.
    Redirected {
        /// The target, normalised.
        to: Url,
    },
    /// It is a sitemap and was read. What it lists are tasks of their own.
    Listed {
        /// Number of URLs of the site that it lists, including other sitemaps.
        urls: u64,
        /// Number of entries that are not a URL of the site.
        left_out: u64,
        /// False if the sitemap is broken or too large. What precedes the break was read.
        whole: bool,
    },
    /// There is no page (404, 410).
    Gone {
        /// Status of the response.
        status: u16,
    },
    /// It was not fetched, or fetched and not indexed, for a reason that is not a failure.
    Skipped {
        /// The reason.
        reason: Skip,
        /// Where it redirects to, if that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Url>,
    },
    /// All attempts failed.
    Failed {
        /// What happened at the last attempt, one phrase for a person.
        why: String,
    },
}

impl Outcome {
    /// Whether the URL answered with a page, be it in the index or not.
    pub fn is_page(&self) -> bool {
        match self {
            Outcome::Indexed | Outcome::Unchanged | Outcome::Duplicate { .. } => true,
            Outcome::Skipped { reason, .. } => *reason == Skip::Noindex,
            Outcome::Redirected { .. }
            | Outcome::Listed { .. }
            | Outcome::Gone { .. }
            | Outcome::Failed { .. } => false,
        }
    }
}

impl From<Skip> for Outcome {
    fn from(reason: Skip) -> Self {
        Outcome::Skipped { reason, to: None }
    }
}

/// Why a URL was not fetched, or its page not indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// robots.txt disallows it.
    Robots,
    /// The page asks not to be indexed (meta robots, `X-Robots-Tag`).
    Noindex,
    /// The response is not HTML.
    NotHtml,
    /// The body is larger than the limit for a page.
    TooLarge,
    /// Deeper than `--max-depth`.
    TooDeep,
    /// The URL is longer than the limit.
    LongUrl,
    /// The URL is probably a crawler trap: its path has too many segments, or segments that repeat.
    Trap,
    /// A trap: only a page leads to it whose content was met at many other URLs.
    TrapRepeats,
    /// A trap: its query combines parameters that were met in many other combinations.
    TrapCombinations,
    /// A trap: the site has too many hosts.
    TrapHosts,
    /// It redirects out of the site.
    LeavesSite,
    /// It redirects back to itself, or after too many other redirects.
    RedirectLoop,
    /// The host is, or resolves to, a private address.
    PrivateAddress,
}

impl From<Trap<'_>> for Skip {
    fn from(trap: Trap<'_>) -> Self {
        match trap {
            Trap::Long(_) => Skip::LongUrl,
            Trap::Segments(_) | Trap::Repeats(..) => Skip::Trap,
        }
    }
}

impl Skip {
    /// Every reason, in the order in which a summary lists them.
    pub const ALL: [Skip; 13] = [
        Skip::Robots,
        Skip::Noindex,
        Skip::NotHtml,
        Skip::TooLarge,
        Skip::TooDeep,
        Skip::LongUrl,
        Skip::Trap,
        Skip::TrapRepeats,
        Skip::TrapCombinations,
        Skip::TrapHosts,
        Skip::LeavesSite,
        Skip::RedirectLoop,
        Skip::PrivateAddress,
    ];

    /// Its name in JSON (`skipped_by`).
    pub fn name(self) -> &'static str {
        match self {
            Skip::Robots => "robots",
            Skip::Noindex => "noindex",
            Skip::NotHtml => "not_html",
            Skip::TooLarge => "too_large",
            Skip::TooDeep => "too_deep",
            Skip::LongUrl => "long_url",
            Skip::Trap => "trap",
            Skip::TrapRepeats => "trap_repeats",
            Skip::TrapCombinations => "trap_combinations",
            Skip::TrapHosts => "trap_hosts",
            Skip::LeavesSite => "leaves_site",
            Skip::RedirectLoop => "redirect_loop",
            Skip::PrivateAddress => "private_address",
        }
    }

    /// The reasons that are provisional.
    pub fn provisional() -> impl Iterator<Item = Skip> {
        Skip::ALL
            .into_iter()
            .filter(|reason| reason.is_provisional())
    }

    /// Whether another page that links to the URL may still have it fetched. All other reasons are
    /// about the URL itself.
    pub fn is_provisional(self) -> bool {
        matches!(
            self,
            Skip::TooDeep | Skip::TrapRepeats | Skip::TrapCombinations
        )
    }

    /// The end of a sentence for a person: "skipped because …".
    pub fn phrase(self) -> &'static str {
        match self {
            Skip::Robots => "robots.txt disallows it",
            Skip::Noindex => "the page asks not to be indexed",
            Skip::NotHtml => "it is no HTML",
            Skip::TooLarge => "it is larger than the limit",
            Skip::TooDeep => "it is deeper than --max-depth, such as in a calendar without end",
            Skip::LongUrl => "the URL is too long",
            Skip::Trap => "a trap: the path looks generated without end",
            Skip::TrapRepeats => "a trap: the same page at ever new addresses leads there",
            Skip::TrapCombinations => "a trap: ever new combinations of the same parameters",
            Skip::TrapHosts => "a trap: more than 200 hosts have answered",
            Skip::LeavesSite => "it redirects out of the site",
            Skip::RedirectLoop => "it is part of a redirect loop or redirects too often",
            Skip::PrivateAddress => "it is at a private address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trap_is_skipped_under_its_reason() {
        for (trap, skip) in [
            (Trap::Long(2_001), Skip::LongUrl),
            (Trap::Segments(31), Skip::Trap),
            (Trap::Repeats("a", 6), Skip::Trap),
        ] {
            assert_eq!(Skip::from(trap), skip);
        }
    }
}
