//! Why a URL does not belong to a site, and which options would change that.

use std::fmt;

use url::Url;

use super::{Options, Scope, globs};
use canter_page::url::is_http;

/// Why a URL does not belong to a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// This scheme is neither http nor https.
    Scheme(String),
    /// No seed is on this host.
    Host(String),
    /// No seed on its host has this effective port.
    Port(u16),
    /// Its path is below none of these prefixes of the seeds on its host.
    Path(Vec<String>),
    /// It matches none of these `--include` globs.
    Include(Vec<String>),
    /// It matches this `--exclude` glob.
    Exclude(String),
}

impl Outside {
    /// Its name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Outside::Scheme(_) => "scheme",
            Outside::Host(_) => "host",
            Outside::Port(_) => "port",
            Outside::Path(_) => "path_prefix",
            Outside::Include(_) => "include",
            Outside::Exclude(_) => "exclude",
        }
    }
}

/// The end of a sentence for a person: "not in the site, since …".
impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outside::Scheme(scheme) => write!(f, "{scheme}: is neither http nor https"),
            Outside::Host(host) => write!(f, "{host} is another host"),
            Outside::Port(port) => write!(f, "port {port} is another one"),
            Outside::Path(prefixes) => write!(f, "its path is not below {}", prefixes.join(" or ")),
            Outside::Include(globs) => {
                write!(f, "its path matches no --include {}", quoted(globs, " or "))
            }
            Outside::Exclude(glob) => write!(f, "its path matches --exclude '{glob}'"),
        }
    }
}

impl Scope {
    /// Why a normalised URL does not belong to the site; none if it does, as [`Scope::contains`]
    /// tells.
    pub fn outside(&self, url: &Url) -> Option<Outside> {
        if !is_http(url) {
            return Some(Outside::Scheme(url.scheme().to_owned()));
        }
        let named = || self.places.iter().filter(|place| place.has_name(url));
        if named().next().is_none() {
            let host = url.host_str().unwrap_or_default();
            return Some(Outside::Host(host.to_owned()));
        }
        let hosts: Vec<_> = named().filter(|place| place.has_host(url)).collect();
        if hosts.is_empty() {
            return Some(Outside::Port(url.port_or_known_default().unwrap_or(0)));
        }
        let options = &self.stored.options;
        if !hosts.iter().any(|place| *url == place.seed) {
            if !options.include.is_empty() && !self.include.is_match(url.path()) {
                return Some(Outside::Include(options.include.clone()));
            }
            let below = hosts.iter().any(|place| place.has_path(url.path()));
            if options.include.is_empty() && !below {
                let prefixes = hosts.iter().map(|place| place.prefix.clone());
                return Some(Outside::Path(prefixes.collect()));
            }
        }
        let excludes = |glob: &&String| {
            globs(std::slice::from_ref(glob)).is_ok_and(|glob| glob.is_match(url.path()))
        };
        let exclude = options.exclude.iter().find(excludes);
        exclude.map(|glob| Outside::Exclude(glob.clone()))
    }

    /// The options to add so that a URL outside of the scope belongs to the site. None if no option
    /// can do that: for another host, another port and an excluded path.
    pub fn remedy(&self, url: &Url) -> Option<String> {
        let takes_in = |options: &Options| {
            Scope::new(self.seeds(), options.clone()).is_ok_and(|scope| scope.contains(url))
        };
        let mut options = self.stored.options.clone();
        if !options.subdomains {
            options.subdomains = true;
            if takes_in(&options) {
                return Some("--subdomains".to_owned());
            }
            options.subdomains = false;
        }
        // The first --include replaces the prefixes, which must then be named as well.
        let mut more = Vec::new();
        if options.include.is_empty() {
            let prefixes = self.places.iter().map(|place| place.prefix.as_str());
            more.extend(prefixes.map(below));
        }
        let folder = url.path().rfind('/').map_or("", |end| &url.path()[..end]);
        more.push(format!("{}/**", escaped(folder)));
        more.dedup();
        options.include.extend(more.iter().cloned());
        takes_in(&options).then(|| {
            let globs = more.iter().map(|glob| format!("--include '{glob}'"));
            globs.collect::<Vec<_>>().join(" ")
        })
    }
}

/// The glob that matches everything below a path prefix.
fn below(prefix: &str) -> String {
    format!("{}/**", escaped(prefix.trim_end_matches('/')))
}

/// The glob that matches exactly this path.
fn escaped(path: &str) -> String {
    let mut glob = String::with_capacity(path.len());
    for char in path.chars() {
        if "*?[]{}\\".contains(char) {
            glob.push('\\');
        }
        glob.push(char);
    }
    glob
}

fn quoted(globs: &[String], between: &str) -> String {
    let quoted = globs.iter().map(|glob| format!("'{glob}'"));
    quoted.collect::<Vec<_>>().join(between)
}
