//! The inbound links of a page: their anchor texts with the text around them, and the number of
//! pages that they come from. They are counted when pages are published ([`crate::publish`]).

use std::ops::Range;

use crate::task::UrlKey;

/// The link score of a page and the anchor texts of other pages' links to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inlinks {
    /// Number of pages that link to the page from their text, relative to the usual number on the
    /// site; lower on a small site.
    pub link_score: f32,
    /// Anchor texts of these pages' links.
    pub anchor_texts: Vec<AnchorText>,
}

impl Inlinks {
    /// Returns a digest of the value; 0 for the default.
    pub fn digest(&self) -> u64 {
        if *self == Inlinks::default() {
            return 0;
        }
        let mut told = self.link_score.to_bits().to_le_bytes().to_vec();
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

/// An anchor text and the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorText {
    /// Fragment of the link.
    pub fragment: Option<String>,
    /// The anchor text with whole words on each side.
    pub around: String,
    /// Range of the anchor text in `around`.
    pub link: Range<usize>,
}

impl AnchorText {
    /// Returns the anchor text alone.
    pub fn text(&self) -> &str {
        self.around.get(self.link.clone()).unwrap_or_default()
    }
}
