//! Which URLs belong to a site.
//!
//! A person who names `https://docs.example.org/3/` means that host and what is below `/3/`.
//! Options change that: `--include`, `--exclude`, `--subdomains`.

mod outside;

use globset::{GlobBuilder, GlobSet};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use crate::domain::{domain, is_public_suffix};
use canter_page::url::{is_http, normalise};

pub use outside::Outside;

/// The options of a scope. Globs match the percent-encoded path of a URL without its query, and are
/// case-sensitive. `*` and `?` stay within one segment; `**` spans segments.
///
/// `/blog/**` matches `/blog` too. A glob without a leading slash may begin in any folder if it has
/// no other slash (`*.pdf`), or else begins at the root (`blog/**`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// If there are any, a page must match one of them instead of a seed's path prefix. The seeds
    /// themselves always belong to the site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// A page that matches one of them does not belong to the site, whatever else matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Whether the hosts below a seed's host belong to the site, with the same path prefix and
    /// port. For a seed on `www.example.org`, these are `example.org` and all hosts below it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subdomains: bool,
}

/// A glob that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// It is a whole URL, or empty.
    #[error("the glob {0:?} must be a path such as /blog/** or *.pdf")]
    NoPath(String),
    /// Its syntax is wrong.
    #[error("the glob {glob:?} is wrong: {why}")]
    Syntax {
        /// The glob as it was typed.
        glob: String,
        /// What is wrong, one phrase.
        why: String,
    },
}

/// Which URLs belong to a site. The stored form has its seeds and options.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Scope {
    stored: Stored,
    places: Vec<Place>,
    include: GlobSet,
    exclude: GlobSet,
}

/// The stored form of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    seeds: Vec<Url>,
    #[serde(flatten)]
    options: Options,
}

/// The part of a scope that one seed gives.
#[derive(Debug, Clone)]
struct Place {
    seed: Url,
    /// See [`prefix`].
    prefix: String,
    /// `.example.org` if the hosts below belong to the site too.
    below: Option<String>,
}

impl Scope {
    /// The scope of a crawl from these http(s) seeds.
    ///
    /// # Errors
    ///
    /// Fails if a glob of the options cannot be used.
    pub fn new(seeds: &[Url], options: Options) -> Result<Self, ScopeError> {
        let seeds = seeds.iter().cloned().map(normalise).collect();
        Scope::try_from(Stored { seeds, options })
    }

    /// The seeds, normalised, at the places to which redirects have moved them.
    pub fn seeds(&self) -> &[Url] {
        &self.stored.seeds
    }

    /// Whether a normalised URL belongs to the site: it is http(s), on the host and port of a seed
    /// (the default ports of http and https count as one), and below the seed's path prefix. For
    /// the seed `/3/` that is everything below it, for `/docs` itself and everything below
    /// `/docs/`, and for `/docs/index.html` everything below `/docs/`. [`Options`] change that.
    pub fn contains(&self, url: &Url) -> bool {
        // Most URLs are on other hosts, or below the prefix, so globs come last.
        is_http(url)
            && self.places.iter().any(|place| {
                place.has_host(url)
                    && (*url == place.seed
                        || if self.include.is_empty() {
                            place.has_path(url.path())
                        } else {
                            self.include.is_match(url.path())
                        })
            })
            && !self.exclude.is_match(url.path())
    }

    /// The scope after `seed` redirected out of it to `to`: `to` takes the place of the seed if it
    /// is on the same host or registrable domain (`example.org` to `www.example.org`) and not
    /// excluded. None if the redirect may not be followed, and also if `to` is in scope already:
    /// ask [`Scope::contains`] first.
    pub fn moved(&self, seed: &Url, to: &Url) -> Option<Scope> {
        if self.contains(to) || !is_http(to) {
            return None;
        }
        let index = self.seeds().iter().position(|known| known == seed)?;
        let same_host = self.places.get(index)?.has_host(to);
        if !same_host && domain(seed) != domain(to) {
            return None;
        }
        let mut stored = self.stored.clone();
        *stored.seeds.get_mut(index)? = normalise(to.clone());
        Scope::try_from(stored)
            .ok()
            .filter(|scope| scope.contains(to))
    }

    /// The scope with its seeds where redirects have moved those of an earlier crawl, from `before`
    /// to `moved`. None if that crawl had other seeds, or if none has moved.
    pub fn moved_like(&self, before: &Scope, moved: &Scope) -> Option<Scope> {
        if self.seeds() != before.seeds() || moved.seeds() == before.seeds() {
            return None;
        }
        let mut stored = self.stored.clone();
        stored.seeds = moved.stored.seeds.clone();
        Scope::try_from(stored).ok()
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.stored == other.stored
    }
}

impl Eq for Scope {}

impl TryFrom<Stored> for Scope {
    type Error = ScopeError;

    fn try_from(stored: Stored) -> Result<Self, ScopeError> {
        let subdomains = stored.options.subdomains;
        Ok(Scope {
            places: stored
                .seeds
                .iter()
                .map(|seed| Place::new(seed, subdomains))
                .collect(),
            include: globs(&stored.options.include)?,
            exclude: globs(&stored.options.exclude)?,
            stored,
        })
    }
}

impl From<Scope> for Stored {
    fn from(scope: Scope) -> Self {
        scope.stored
    }
}

impl Place {
    fn new(seed: &Url, subdomains: bool) -> Self {
        let below = match seed.host() {
            Some(Host::Domain(name)) if subdomains => {
                Some(name.strip_prefix("www.").unwrap_or(name))
            }
            _ => None,
        };
        Place {
            seed: seed.clone(),
            prefix: prefix(seed).to_owned(),
            // The hosts below a public suffix belong to different people.
            below: below
                .filter(|name| !is_public_suffix(name))
                .map(|name| format!(".{name}")),
        }
    }

    fn has_host(&self, url: &Url) -> bool {
        // A default port parses to none, so http and https agree on it.
        url.port() == self.seed.port() && self.has_name(url)
    }

    fn has_name(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        self.seed.host_str() == Some(host)
            || self
                .below
                .as_deref()
                .is_some_and(|below| host.ends_with(below) || below.strip_prefix('.') == Some(host))
    }

    fn has_path(&self, path: &str) -> bool {
        path.strip_prefix(&self.prefix).is_some_and(|rest| {
            self.prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/')
        })
    }
}

/// Id of a seed's site if the user gives it no name: the host, the port if it is not the default,
/// and the path prefix without its final slash (`docs.python.org/3`, `127.0.0.1:8000`).
pub fn site_id(seed: &Url) -> String {
    let host = seed.host_str().unwrap_or_default();
    let port = seed
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{host}{port}{}", prefix(seed).trim_end_matches('/'))
}

/// Extensions of files that are pages. A dot alone does not make a file: `/3.14` and `/node.js` are
/// folders.
const PAGES: [&str; 16] = [
    "html", "htm", "xhtml", "xht", "shtml", "php", "asp", "aspx", "jsp", "cgi", "cfm", "md", "txt",
    "xml", "rst", "pdf",
];

/// The part of a seed's path that its pages share: the folder if the seed is a file
/// (`/docs/index.html` gives `/docs/`), or else the path itself.
fn prefix(seed: &Url) -> &str {
    let path = seed.path();
    let (folder, last) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let is_page = last.rsplit_once('.').is_some_and(|(_, extension)| {
        PAGES
            .iter()
            .any(|page| page.eq_ignore_ascii_case(extension))
    });
    if is_page { folder } else { path }
}

fn globs(globs: &[String]) -> Result<GlobSet, ScopeError> {
    let mut set = GlobSet::builder();
    for glob in globs {
        let rooted = rooted(glob).ok_or_else(|| ScopeError::NoPath(glob.clone()))?;
        let folder = rooted
            .strip_suffix("/**")
            .filter(|folder| !folder.is_empty());
        for pattern in folder.into_iter().chain([rooted.as_str()]) {
            let compiled = GlobBuilder::new(pattern)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| ScopeError::Syntax {
                    glob: glob.clone(),
                    why: error.kind().to_string(),
                })?;
            set.add(compiled);
        }
    }
    set.build().map_err(|error| ScopeError::Syntax {
        glob: error.glob().unwrap_or_default().to_owned(),
        why: error.kind().to_string(),
    })
}

/// The glob from the root on, with everything that is not ASCII percent-encoded as in a path.
fn rooted(glob: &str) -> Option<String> {
    let glob = glob.trim();
    if glob.is_empty() || glob.contains("://") {
        return None;
    }
    let mut rooted = String::from(if glob.starts_with('/') || glob.starts_with("**") {
        ""
    } else if glob.contains('/') {
        "/"
    } else {
        "**/"
    });
    for char in glob.chars() {
        if char.is_ascii() && char != ' ' {
            rooted.push(char);
        } else {
            let mut bytes = [0; 4];
            for byte in char.encode_utf8(&mut bytes).bytes() {
                rooted.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    Some(rooted)
}
