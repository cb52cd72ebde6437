//! Reads the links of a stored page without the rest of the page.

use std::borrow::Cow;

use serde::Deserialize;

/// A link of a stored page.
#[derive(Debug, Deserialize)]
pub struct PageLink<'a> {
    /// Normalised URL of the target, without its fragment.
    #[serde(rename = "u", borrow)]
    pub url: Cow<'a, str>,
    /// Anchor text.
    #[serde(rename = "t", default, borrow)]
    pub text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

/// Reads the URL and the links of a page from the JSON of its head and of its links.
pub(super) fn read<'a>(
    head: &'a str,
    links: &'a str,
) -> serde_json::Result<(Cow<'a, str>, Vec<PageLink<'a>>)> {
    let page: Page<'a> = serde_json::from_str(head)?;
    Ok((page.url, serde_json::from_str(links)?))
}
