//! The links of all pages of a site, page by page, without the pages.

use std::borrow::Cow;

use canter_core::failure::Failure;
use serde::Deserialize;

use super::TantivyReader;

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

/// As much of a stored page as is wanted here.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
}

impl TantivyReader {
    /// Gives the URL and the links of each page of a site, in no particular order. Holds one page
    /// at a time in memory.
    pub fn each_page_links(
        &self,
        site: &str,
        mut each: impl FnMut(&str, &[PageLink<'_>]),
    ) -> Result<(), Failure> {
        self.shelf.refresh()?;
        self.shelf.each_stored(site, |page, links| {
            let page: Page<'_> = serde_json::from_str(page)?;
            let links: Vec<PageLink<'_>> = serde_json::from_str(links)?;
            each(&page.url, &links);
            Ok(())
        })
    }
}
