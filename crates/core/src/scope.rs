//! Which URLs belong to a site.
//!
//! A person who names `https://docs.example.org/3/` means that host and what is below `/3/`.
//! Everything else is asked for: `--include`, `--exclude`, `--subdomains`.

mod outside;

use globset::{GlobBuilder, GlobSet};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use crate::domain::{domain, is_public_suffix};
use canter_page::url::{is_http, normalise};

pub use outside::Outside;

/// What changes a scope beside its seeds. Globs match the path of a URL, percent-encoded, without
/// its query; letter case counts. `*` and `?` stay within one segment, `**` spans segments.
///
/// `/blog/**` takes in `/blog` too. A glob without a slash at its start may begin in any folder if
/// it has no other slash (`*.pdf`), else it begins at the root (`blog/**`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// When there are any, they stand in the place of the seeds' path prefixes: a page must match
    /// one of them. The seeds themselves always count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// A page that matches one of them is out, whatever else speaks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Take in the hosts below a seed's host, with the same path prefix and port. For a seed on
    /// `www.example.org`, `example.org` and all hosts below it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subdomains: bool,
}

/// A glob that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScopeError {
    /// A whole URL, or nothing.
    #[error("the glob {0:?} must be a path such as /blog/** or *.pdf")]
    NoPath(String),
    /// Its syntax is wrong.
    #[error("the glob {glob:?} is wrong: {why}")]
    Syntax {
        /// As it was typed.
        glob: String,
        /// One phrase.
        why: String,
    },
}

/// Which URLs belong to a site. Stored as its seeds and options.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Scope {
    stored: Stored,
    places: Vec<Place>,
    include: GlobSet,
    exclude: GlobSet,
}

/// What a scope is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    seeds: Vec<Url>,
    #[serde(flatten)]
    options: Options,
}

/// What one seed opens.
#[derive(Debug, Clone)]
struct Place {
    seed: Url,
    /// As [`prefix`].
    prefix: String,
    /// `.example.org`, where the hosts below count too.
    below: Option<String>,
}

impl Scope {
    /// The scope of a crawl from these http(s) seeds.
    pub fn new(seeds: &[Url], options: Options) -> Result<Self, ScopeError> {
        let seeds = seeds.iter().cloned().map(normalise).collect();
        Scope::try_from(Stored { seeds, options })
    }

    /// The seeds, normalised, where redirects have moved them.
    pub fn seeds(&self) -> &[Url] {
        &self.stored.seeds
    }

    /// Whether a normalised URL belongs to the site: http(s), on the host and port of a seed (the
    /// default ports of http and https count as one), and below the seed's path prefix: for
    /// `/3/` what is below it, for `/docs` it and what is below `/docs/`, for `/docs/index.html`
    /// what is below `/docs/`. [`Options`] change that.
    pub fn contains(&self, url: &Url) -> bool {
        // Most links lead to other hosts, or within the prefix: globs come last.
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

    /// The scope after a seed itself redirected out of it, to `to`: with `to` in the seed's place,
    /// where that is on the same host or registrable domain (`example.org` to `www.example.org`)
    /// and not excluded. None when the redirect may not be followed, and when nothing has to move
    /// since `to` is in scope: ask [`Scope::contains`] first.
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
            // The hosts below a public suffix belong to other people.
            below: below
                .filter(|name| !is_public_suffix(name))
                .map(|name| format!(".{name}")),
        }
    }

    fn has_host(&self, url: &Url) -> bool {
        // A default port parses to none, so that http and https agree on it.
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

/// Id of the site of a seed, where the user gives no name: host, port where it is not the
/// default, and path prefix, without a slash at its end: `docs.python.org/3`, `127.0.0.1:8000`.
pub fn site_id(seed: &Url) -> String {
    let host = seed.host_str().unwrap_or_default();
    let port = seed
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{host}{port}{}", prefix(seed).trim_end_matches('/'))
}

/// Names of files that are pages. A dot alone makes no file: `/3.14` and `/node.js` are folders.
const PAGES: [&str; 16] = [
    "html", "htm", "xhtml", "xht", "shtml", "php", "asp", "aspx", "jsp", "cgi", "cfm", "md", "txt",
    "xml", "rst", "pdf",
];

/// The part of a seed's path that its pages share: the folder of a page (`/docs/index.html`
/// gives `/docs/`), else the path itself.
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

/// The glob from the root on, spelled as paths are: what is not ASCII is percent-encoded.
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
