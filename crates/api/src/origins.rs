//! Sites whose pages may call the API from a browser: Cross-Origin Resource Sharing (CORS) of the
//! Fetch Standard.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderValue;
use canter_page::url::is_http;
use thiserror::Error;
use tower_http::cors::AllowOrigin;
use url::Url;

/// A site as a browser names it: `https://docs.example.org`, with the port if it is not the
/// scheme's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The error for a text that is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an origin is written https://docs.example.org, without a path")]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let url: Url = text.parse().map_err(|_| NoOrigin)?;
        let whole = is_http(&url)
            && url.path() == "/"
            && url.username().is_empty()
            && [url.password(), url.query(), url.fragment()] == [None; 3];
        let name = HeaderValue::try_from(url.origin().ascii_serialization());
        name.ok().filter(|_| whole).map(Origin).ok_or(NoOrigin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl Origin {
    /// Returns the origin's host, without its port.
    pub fn host(&self) -> Option<String> {
        let url: Url = self.to_string().parse().ok()?;
        url.host_str().map(str::to_owned)
    }
}

/// The sites whose pages may call the API from a browser. The API's own pages always may.
#[derive(Debug, Clone, Default)]
pub enum Origins {
    /// All sites.
    #[default]
    All,
    /// These sites.
    Named(Vec<Origin>),
}

impl Origins {
    /// Reads a list from an environment variable, separated by spaces or commas. An empty list stands
    /// for all sites.
    ///
    /// # Errors
    ///
    /// Returns the entry that is no origin, and the reason.
    pub fn listed(text: &str) -> Result<Self, String> {
        let named = text.split([' ', ',']).filter(|name| !name.is_empty());
        let named = named.map(|name| name.parse().map_err(|why| format!("{name}: {why}")));
        let named: Vec<Origin> = named.collect::<Result<_, _>>()?;
        Ok(match named.is_empty() {
            true => Origins::All,
            false => Origins::Named(named),
        })
    }

    pub(crate) fn allowed(&self) -> AllowOrigin {
        match self {
            Origins::All => AllowOrigin::any(),
            Origins::Named(named) => AllowOrigin::list(named.iter().map(|it| it.0.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for (text, name) in [
            ("https://docs.example.org", Some("https://docs.example.org")),
            (
                "https://docs.example.org/",
                Some("https://docs.example.org"),
            ),
            ("http://LOCALHOST:8000", Some("http://localhost:8000")),
            (
                "https://docs.example.org:443",
                Some("https://docs.example.org"),
            ),
            ("https://docs.example.org/a", None),
            ("https://docs.example.org?a", None),
            ("https://me@docs.example.org", None),
            ("docs.example.org", None),
            ("file:///", None),
            ("*", None),
            ("", None),
        ] {
            let read = text.parse::<Origin>().ok();
            assert_eq!(
                read.as_ref().map(|it| it.0.to_str().unwrap()),
                name,
                "{text}"
            );
        }
    }

    #[test]
    fn a_list_has_commas_or_spaces() {
        let hosts = |text: &str| match Origins::listed(text).unwrap() {
            Origins::All => None,
            Origins::Named(named) => {
                Some(named.iter().filter_map(Origin::host).collect::<Vec<_>>())
            }
        };
        let two = hosts("https://a.test, http://b.test:81");
        assert_eq!(two, Some(vec!["a.test".to_owned(), "b.test".to_owned()]));
        assert_eq!(hosts(""), None);
        let wrong = Origins::listed("https://a.test b").unwrap_err();
        assert!(wrong.starts_with("b: an origin is written"), "{wrong}");
    }
}
