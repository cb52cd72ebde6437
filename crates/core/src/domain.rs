//! Whose server a URL is on: the key of a pace.
//!
//! The hosts of one owner are often one machine, so a pace applies to the registrable domain and
//! not to the host.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A registrable domain (`python.org`), or host and port where there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Domain(pub String);

impl Domain {
    /// The domain as text, which is its key in every store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The domain of a URL by the public suffix list, private suffixes included (`me.github.io`). For
/// an IP address, a name under no listed suffix (`localhost`, `wiki.internal`) and a name that is
/// itself a suffix, this is host and effective port, since each port may be a server of its own
/// there.
pub fn domain(url: &Url) -> Domain {
    let registrable = match url.host() {
        Some(Host::Domain(name)) => registrable(name),
        _ => None,
    };
    Domain(registrable.map_or_else(|| host_and_port(url), str::to_owned))
}

/// `scheme://host:port` with the effective port: what one robots.txt applies to (RFC 9309 §2.3).
pub fn authority(url: &Url) -> String {
    format!("{}://{}", url.scheme(), host_and_port(url))
}

/// Whether the domains directly below this name belong to different people (`co.uk`, `github.io`).
pub(crate) fn is_public_suffix(name: &str) -> bool {
    addr::parse_dns_name(name.trim_end_matches('.'))
        .is_ok_and(|name| name.has_known_suffix() && name.root().is_none())
}

fn registrable(name: &str) -> Option<&str> {
    // A final dot is the root of the DNS; the name with it means the same server.
    let name = addr::parse_dns_name(name.trim_end_matches('.')).ok()?;
    name.has_known_suffix().then(|| name.root()).flatten()
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_authorities() {
        let rows = [
            (
                "https://docs.python.org/3/",
                "python.org",
                "https://docs.python.org:443",
            ),
            (
                "http://docs.python.org:8080/",
                "python.org",
                "http://docs.python.org:8080",
            ),
            (
                "https://example.org./",
                "example.org",
                "https://example.org.:443",
            ),
            (
                "https://a.b.example.co.uk/",
                "example.co.uk",
                "https://a.b.example.co.uk:443",
            ),
            (
                "https://www.city.kobe.jp/",
                "city.kobe.jp",
                "https://www.city.kobe.jp:443",
            ),
            (
                "https://me.github.io/x",
                "me.github.io",
                "https://me.github.io:443",
            ),
            (
                "https://github.io/",
                "github.io:443",
                "https://github.io:443",
            ),
            (
                "https://a_b.example.org/",
                "example.org",
                "https://a_b.example.org:443",
            ),
            (
                "https://www.食狮.公司.cn/",
                "xn--85x722f.xn--55qx5d.cn",
                "https://www.xn--85x722f.xn--55qx5d.cn:443",
            ),
            ("http://localhost/", "localhost:80", "http://localhost:80"),
            (
                "https://wiki.internal/",
                "wiki.internal:443",
                "https://wiki.internal:443",
            ),
            (
                "http://127.0.0.1:8000/a",
                "127.0.0.1:8000",
                "http://127.0.0.1:8000",
            ),
            ("http://[::1]/", "[::1]:80", "http://[::1]:80"),
        ];
        for (url, of, place) in rows {
            let url = Url::parse(url).unwrap();
            assert_eq!(domain(&url).as_str(), of, "{url}");
            assert_eq!(authority(&url), place, "{url}");
        }
    }

    #[test]
    fn public_suffixes() {
        for (name, expected) in [
            ("co.uk", true),
            ("github.io", true),
            ("python.org", false),
            ("localhost", false),
            ("wiki.internal", false),
        ] {
            assert_eq!(is_public_suffix(name), expected, "{name}");
        }
    }
}
