//! Sites whose pages may call the API from a browser: Cross-Origin Resource Sharing (CORS) of the
//! Fetch Standard.

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

/// The sites whose pages may call the API; all sites if the list is empty.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<Origin>);

impl From<Vec<Origin>> for Origins {
    fn from(named: Vec<Origin>) -> Self {
        Origins(named)
    }
}

impl Origins {
    /// Reads a list from an environment variable, separated by spaces or commas.
    ///
    /// # Errors
    ///
    /// Returns the entry that is no origin, and the reason.
    pub fn listed(text: &str) -> Result<Self, String> {
        let named = text.split([' ', ',']).filter(|name| !name.is_empty());
        let named = named.map(|name| name.parse().map_err(|why| format!("{name}: {why}")));
        Ok(Origins(named.collect::<Result<_, _>>()?))
    }

    pub(crate) fn allowed(&self) -> AllowOrigin {
        match self.0.is_empty() {
            true => AllowOrigin::any(),
            false => AllowOrigin::list(self.0.iter().map(|origin| origin.0.clone())),
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
        assert_eq!(
            Origins::listed("https://a.test, http://b.test")
                .unwrap()
                .0
                .len(),
            2
        );
        assert_eq!(Origins::listed("").unwrap().0.len(), 0);
        let wrong = Origins::listed("https://a.test b").unwrap_err();
        assert!(wrong.starts_with("b: an origin is written"), "{wrong}");
    }
}
