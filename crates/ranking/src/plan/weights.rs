//! Weights of matches and BM25 parameters.
//!
//! The score of a page is the sum of its matches. Each match is weighed by BM25 with the factor
//! k1 + 1. The values were measured on judged queries for a documentation site; doubling or halving
//! one of them changes little.

/// A searched field of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Title and main text, with identifiers both whole and in parts.
    Body,
    /// Text around the links of other pages to the page.
    AnchorText,
    /// Words of the URL's path.
    Address,
    /// Stop words and signs.
    Common,
    /// The sections of the page, of which only the best one counts.
    Sections,
}

impl Field {
    /// Returns the weight of a match.
    pub(super) fn weight(self) -> f32 {
        match self {
            Field::Body | Field::Common => 1.8,
            Field::AnchorText => 1.2,
            Field::Address => 0.6,
            Field::Sections => 1.0,
        }
    }

    /// Returns the BM25 parameters.
    pub fn bm25(self) -> Bm25Params {
        let b = match self {
            Field::Body | Field::Common => 0.6,
            Field::AnchorText | Field::Address => 0.75,
            Field::Sections => 0.3,
        };
        Bm25Params { k1: 1.2, b }
    }
}

/// The BM25 parameters of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bm25Params {
    /// Saturation of repeated terms.
    pub k1: f32,
    /// Normalization by length, from 0 for none to 1 for full.
    pub b: f32,
}

/// Weight of a pair of neighbouring words, which is weighed like a word of the body.
pub(super) const PAIR: f32 = 1.8;
/// Weight of the links from other pages: a page gets s / (s + 1) of it, where s is
/// [`canter_core::inlinks::Inlinks::link_score`].
pub(super) const LINKS: f32 = 16.0;
/// Score of a page that bears the whole query as a name. It does not depend on BM25.
pub(super) const NAME: f32 = 13.2;
/// Factor on the score of a page that is little more than its links
/// ([`canter_page::Page::list`]).
pub(super) const LIST: f32 = 0.65;
