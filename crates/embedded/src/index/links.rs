//! The links of a stored page, read without the page.

use std::borrow::Cow;

use serde::Deserialize;

/// A link of a stored page.
#[derive(Debug, Deserialize)]
pub struct PageLink<'a> {
    /// Normalised target without fragment.
    #[serde(rename = "u", borrow)]
    pub url: Cow<'a, str>,
    /// Text of the link.
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
