//! What other pages say about a page: the text around their links to it, and the number of these
//! pages. It is counted when a crawl has ended ([`crate::link_pass`]).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::task::UrlKey;

/// Minimum share of a list's text that its links take.
const LIST: f32 = 0.5;

/// What other pages say about a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inbound {
    /// Number of pages that link to it from their text, relative to what is usual on the site; lower
    /// on a small site.
    pub standing: f32,
    /// The text of their links.
    pub anchor_texts: Vec<AnchorText>,
}

impl Inbound {
    /// A digest of the value; 0 for the default.
    pub fn digest(&self) -> u64 {
        if *self == Inbound::default() {
            return 0;
        }
        let mut told = self.standing.to_bits().to_le_bytes().to_vec();
        for anchor in &self.anchor_texts {
            let fragment = anchor.fragment.as_deref().unwrap_or_default();
            for part in [fragment, &anchor.around, anchor.text()] {
                told.extend_from_slice(part.as_bytes());
                told.push(0);
            }
        }
        let UrlKey(hash) = UrlKey::hash(&told);
        hash.iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// The text of a link and the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorText {
    /// Fragment of the link.
    pub fragment: Option<String>,
    /// Text of the link and whole words on each side.
    pub around: String,
    /// Range of the link's text in `around`.
    pub link: Range<usize>,
}

impl AnchorText {
    /// Text of the link.
    pub fn text(&self) -> &str {
        self.around.get(self.link.clone()).unwrap_or_default()
    }
}

/// What an index stores of the [`Inbound`] of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The [`Inbound::digest`].
    #[serde(rename = "d")]
    pub digest: u64,
    /// Number of the pass that wrote it, counted since the fetch of the page; see
    /// [`crate::document::version`].
    #[serde(rename = "p")]
    pub pass: u16,
}

impl Counted {
    /// Whether no pass has written the page.
    pub fn is_nothing(&self) -> bool {
        *self == Counted::default()
    }
}

/// Whether a page is little more than its links, such as an index or a table of contents.
pub fn is_list(text: &str, links: impl Iterator<Item = Range<usize>>) -> bool {
    let mut linked = 0;
    let mut end = 0;
    for link in links {
        linked += link.end.saturating_sub(link.start.max(end));
        end = end.max(link.end);
    }
    linked > 0 && linked as f32 >= LIST * text.len() as f32
}
