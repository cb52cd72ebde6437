//! Weights of matches and BM25 parameters.
//!
//! The score of a page is the sum of its matches. Each match is weighed by BM25 with the factor
//! k1 + 1. The values were measured on judged queries for several documentation sites (ADR 43);
//! doubling or halving one of them changes little.

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

/// How soon a term that is repeated counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saturation {
    /// A few occurrences say that a text is about a term.
    Early,
    /// Many occurrences say more than a few. Of the words of a question, most pages hold some; the
    /// page that answers it holds one of them again and again.
    Late,
}

impl Field {
    /// Returns the BM25 parameters. Only body and anchor text are weighed with late saturation.
    pub fn bm25(self, saturation: Saturation) -> Bm25Params {
        let (k1, b) = match (self, saturation) {
            (Field::Body, Saturation::Late) => (16.0, 0.1),
            (Field::AnchorText, Saturation::Late) => (8.0, 0.4),
            (Field::Body | Field::Common, _) => (1.2, 0.6),
            (Field::AnchorText | Field::Address, _) => (1.2, 0.75),
            (Field::Sections, _) => (1.2, 0.3),
        };
        Bm25Params { k1, b }
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

/// A field, its saturation, and the weight of a match.
pub(super) type Weighed = (Field, Saturation, f32);

/// The fields in which words are looked for.
pub(super) const WORDS: &[Weighed] = &[
    (Field::Body, Saturation::Early, 1.8),
    (Field::AnchorText, Saturation::Early, 1.2),
    (Field::Address, Saturation::Early, 0.6),
    (Field::Common, Saturation::Early, 1.8),
    (Field::Sections, Saturation::Early, 1.0),
];

/// The fields in which the words of a question are looked for.
pub(super) const QUESTION: &[Weighed] = &[
    (Field::Body, Saturation::Late, 0.194),
    (Field::AnchorText, Saturation::Early, 1.2),
    (Field::AnchorText, Saturation::Late, 0.293),
    (Field::Address, Saturation::Early, 0.6),
    (Field::Sections, Saturation::Early, 1.0),
];

/// Weight of a pair of neighbouring words, which is weighed like a word of the body with early
/// saturation.
pub(super) const PAIR: f32 = 1.8;
/// Weight of a pair of neighbouring words of a question.
pub(super) const QUESTION_PAIR: f32 = 1.4;
/// Weight of a number between words, times its rarity in the body. It is meant exactly.
pub(super) const NUMBER: f32 = 8.8;
/// Weight of the links from other pages: a page gets s / (s + 1) of it, where s is
/// [`canter_core::inlinks::Inlinks::link_score`].
pub(super) const LINKS: f32 = 16.0;
/// Score of a page that bears the whole query as a name. It does not depend on BM25.
pub(super) const NAME: f32 = 13.2;
/// Additional weight of the links to a page whose own title is that name.
pub(super) const OWN_NAME: f32 = 16.0;
/// Score of a page whose title holds the words of the query as a phrase.
pub(super) const TITLE_PHRASE: f32 = 4.0;
/// Score of a page whose sections are as close to a question as can be.
pub(super) const CLOSENESS: f32 = 25.0;
/// Factor on the score of a page that is little more than its links
/// ([`canter_page::Page::list`]).
pub(super) const LIST: f32 = 0.65;
