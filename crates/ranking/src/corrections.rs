//! Corrections of words that no page holds.
//!
//! An index lists words of its pages that are similar to a missing word ([`Missing`]), and words
//! that begin with an unfinished one. This module chooses among them; other words of the query stay
//! unchanged.

use std::cmp::Reverse;
use std::ops::Range;

use strsim::osa_distance;

use crate::operators::ParsedQuery;
use crate::tokenizer::{TokenKind, Tokenizer, spelled};

/// Minimum length of a correctable word, in characters. A shorter word is similar to too many
/// others.
const SHORTEST: usize = 4;
/// Minimum length of a word that may have two edits, in characters.
const LONG: usize = 6;
/// Minimum length of an unfinished word, in characters.
const BEGUN: usize = 2;

/// A word of a query that may be misspelt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryWord {
    /// Position in the query.
    range: Range<usize>,
    /// The word, spelled as in [`PageTerms::spelled`](crate::terms::PageTerms::spelled).
    pub word: String,
    /// Stems of the word in the languages of the pages. The word is missing if no page's body holds
    /// any of them.
    pub terms: Vec<String>,
    /// Whether the word ends the query, so that it may be unfinished.
    pub begun: bool,
}

impl QueryWord {
    /// Returns the query with another word in place of this one.
    pub(crate) fn replaced(&self, text: &str, word: &str) -> String {
        let mut text = text.to_owned();
        text.replace_range(self.range.clone(), word);
        text
    }

    /// Returns the maximum number of edits of a correction: letters added, left out, replaced or
    /// swapped.
    pub fn max_edits(&self) -> u8 {
        match self.word.chars().count() {
            ..SHORTEST => 0,
            SHORTEST..LONG => 1,
            LONG.. => 2,
        }
    }
}

/// A word of a query that no page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// See [`QueryWord::word`].
    pub word: String,
    /// Words of pages within [`QueryWord::max_edits`] and their numbers of pages; at least all
    /// words with the fewest edits.
    pub like: Vec<(String, u64)>,
}

/// Adds the words of a query that may be misspelt, stemmed in the tokenizer's language. Quoted and
/// unwanted words are left out.
pub(crate) fn query_words(
    text: &str,
    parsed: &ParsedQuery<'_>,
    tokenizer: &mut Tokenizer,
    all: &mut Vec<QueryWord>,
) {
    let as_they_stand = parsed.quoted.iter().chain(&parsed.unwanted);
    let as_they_stand: Vec<Range<usize>> = as_they_stand
        .map(|part| {
            let start = part.as_ptr() as usize - text.as_ptr() as usize;
            start..start + part.len()
        })
        .collect();
    tokenizer.tokenize(text, |token| {
        let stands = as_they_stand
            .iter()
            .any(|part| part.contains(&token.range.start));
        if token.kind != TokenKind::Word || stands {
            return;
        }
        let term = token.term.to_owned();
        if let Some(known) = all.iter_mut().find(|known| known.range == token.range) {
            if !known.terms.contains(&term) {
                known.terms.push(term);
            }
            return;
        }
        let word = spelled(&text[token.range.clone()]);
        all.extend(word.map(|word| QueryWord {
            begun: token.range.end == text.len() && word.chars().count() >= BEGUN,
            range: token.range,
            word: word.into_owned(),
            terms: vec![term],
        }));
    });
    all.retain(|word| word.max_edits() > 0 || word.begun);
}

/// Returns the corrected query; none if no word is missing, or if no word is similar to a missing
/// one. `longer` holds words that begin with the unfinished word, if that is missing, with their
/// numbers of pages.
pub(crate) fn corrected(
    text: &str,
    words: &[QueryWord],
    missing: &[Missing],
    longer: &[(String, u64)],
) -> Option<String> {
    let mut meant = text.to_owned();
    for query_word in words.iter().rev() {
        let missing = missing
            .iter()
            .find(|missing| missing.word == query_word.word);
        let longer = if query_word.begun { longer } else { &[] };
        if let Some(word) = missing.and_then(|missing| missing.meant(query_word, longer)) {
            meant.replace_range(query_word.range.clone(), word);
        }
    }
    (meant != text).then_some(meant)
}

impl Missing {
    /// Returns the longer word that most pages hold. Without one, returns the word with the fewest
    /// edits, then with the same first letter, then with the most pages.
    fn meant<'a>(&'a self, query_word: &QueryWord, longer: &'a [(String, u64)]) -> Option<&'a str> {
        let longer = longer.iter().map(|(word, pages)| (Reverse(*pages), word));
        if let Some((_, word)) = longer.min() {
            return Some(word);
        }
        let first = |word: &str| word.chars().next();
        let like = self.like.iter().filter_map(|(word, pages)| {
            let edits = osa_distance(&self.word, word);
            let other = first(word) != first(&self.word);
            (edits <= query_word.max_edits().into()).then_some((
                edits,
                other,
                Reverse(*pages),
                word,
            ))
        });
        like.min().map(|(.., word)| word.as_str())
    }
}
