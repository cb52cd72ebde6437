//! Words of a query that no page holds, and what their writer meant or is about to write.
//!
//! An index names the words of its pages that are like such a word ([`Missing`]), and those that
//! begin like the last one; which of them was meant is decided here. Other words of the query stay
//! as they are.

use std::cmp::Reverse;
use std::ops::Range;

use strsim::osa_distance;

use crate::operators::Written;
use crate::query::{Hits, Query};
use crate::search::SearchIndex;
use crate::terms::QueryTerms;
use crate::words::{Kind, Words, spelled};
use canter_core::failure::Failure;

/// Shorter words have too many neighbours.
const SHORTEST: usize = 4;
/// Words of so many letters may have two typos.
const LONG: usize = 6;
/// So much of a word has to be there for the rest of it to be known.
const BEGUN: usize = 2;

/// A word of a query that may be misspelt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Where it stands in the query.
    range: Range<usize>,
    /// As [`PageTerms::spelled`](crate::terms::PageTerms::spelled) has it.
    pub word: String,
    /// As the body of pages has it, in each of their languages: where a page holds one of these,
    /// nothing is misspelt.
    pub terms: Vec<String>,
    /// It is the end of what was typed so far, so that more of it may follow.
    pub begun: bool,
}

impl Typed {
    /// The query with another word in its place.
    pub(crate) fn replaced(&self, text: &str, word: &str) -> String {
        let mut text = text.to_owned();
        text.replace_range(self.range.clone(), word);
        text
    }

    /// Letters that may be wrong: added, left out, replaced, or swapped with their neighbour.
    pub fn most_edits(&self) -> u8 {
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
    /// As [`Typed::word`].
    pub word: String,
    /// Words that pages hold, within [`Typed::most_edits`], and how many pages hold each; all of
    /// those with the fewest edits.
    pub like: Vec<(String, u64)>,
    /// Words that begin with it, where it is [`Typed::begun`], and how many pages hold each: those
    /// of most pages.
    pub longer: Vec<(String, u64)>,
}

/// Adds the words of a query that may be misspelt, in the language at hand: those that are wanted
/// and not in quotation marks.
pub(crate) fn typed(text: &str, written: &Written<'_>, words: &mut Words, all: &mut Vec<Typed>) {
    let as_they_stand = written.quoted.iter().chain(&written.unwanted);
    let as_they_stand: Vec<Range<usize>> = as_they_stand
        .map(|part| {
            let start = part.as_ptr() as usize - text.as_ptr() as usize;
            start..start + part.len()
        })
        .collect();
    words.each(text, |token| {
        let stands = as_they_stand
            .iter()
            .any(|part| part.contains(&token.range.start));
        if token.kind != Kind::Word || stands {
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
        all.extend(word.map(|word| Typed {
            begun: token.range.end == text.len() && word.chars().count() >= BEGUN,
            range: token.range,
            word,
            terms: vec![term],
        }));
    });
    all.retain(|typed| typed.most_edits() > 0 || typed.begun);
}

/// The query as it was meant; none where nothing is missing, or nothing that pages hold is like
/// what is.
pub fn corrected(text: &str, terms: &QueryTerms, missing: &[Missing]) -> Option<String> {
    let mut meant = text.to_owned();
    for typed in terms.typed.iter().rev() {
        let missing = missing.iter().find(|missing| missing.word == typed.word);
        if let Some(word) = missing.and_then(|missing| missing.meant(typed)) {
            meant.replace_range(typed.range.clone(), word);
        }
    }
    (meant != text).then_some(meant)
}

/// Searches for what was meant: for [`Hits::meant`], which the hits then name, where there is such.
///
/// # Errors
///
/// That of the index.
pub async fn search_as_meant<I: SearchIndex>(index: &I, query: &Query) -> Result<Hits, Failure> {
    let hits = index.search(query.clone()).await?;
    let Some(meant) = hits.meant else {
        return Ok(hits);
    };
    let query = Query {
        text: meant.clone(),
        ..query.clone()
    };
    let hits = index.search(query).await?;
    Ok(Hits {
        meant: Some(meant),
        ..hits
    })
}

impl Missing {
    /// The word of which it is the beginning, the one that most pages hold; else the one with the
    /// fewest edits, of these one with the same first letter, of these the one that most pages hold.
    fn meant(&self, typed: &Typed) -> Option<&str> {
        let longer = self
            .longer
            .iter()
            .map(|(word, pages)| (Reverse(*pages), word));
        if let Some((_, word)) = longer.min().filter(|_| typed.begun) {
            return Some(word);
        }
        let first = |word: &str| word.chars().next();
        let like = self.like.iter().filter_map(|(word, pages)| {
            let edits = osa_distance(&self.word, word);
            let other = first(word) != first(&self.word);
            (edits <= typed.most_edits().into()).then_some((edits, other, Reverse(*pages), word))
        });
        like.min().map(|(.., word)| word.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str, known: &[(&str, u64)]) -> Option<String> {
        let mut words = Words::default();
        let terms = QueryTerms::of(text, &[], &mut words);
        let missing: Vec<Missing> = terms
            .typed
            .iter()
            .filter(|typed| known.iter().all(|(word, _)| *word != typed.word))
            .map(|typed| Missing {
                word: typed.word.clone(),
                like: known
                    .iter()
                    .map(|(word, pages)| ((*word).to_owned(), *pages))
                    .collect(),
                longer: known
                    .iter()
                    .filter(|(word, _)| word.starts_with(&typed.word))
                    .map(|(word, pages)| ((*word).to_owned(), *pages))
                    .collect(),
            })
            .collect();
        corrected(text, &terms, &missing)
    }

    #[test]
    fn what_was_meant_has_the_fewest_edits_then_the_same_beginning_then_most_pages() {
        let known = [
            ("gather", 3),
            ("father", 90),
            ("gathers", 9),
            ("gathered", 50),
            ("with", 99),
        ];
        for (text, expected) in [
            ("gahter", Some("gather")),
            ("gathr", Some("gather")),
            ("Xather", Some("father")),
            ("asyncio.gahter()", Some("asyncio.gather()")),
            ("gahter", Some("gather")),
            ("  wiht  gahter!", Some("  with  gather!")),
            // Known as it is.
            ("gather", None),
            // As it stands, or not at all.
            ("\"gahter\"", None),
            ("with -gahter", None),
            // Its beginning, at the end of the query.
            ("wit", Some("with")),
            ("to gathe", Some("to gathered")),
            ("gathe with", Some("gather with")),
            ("gathe!", Some("gather!")),
            // Too short, too far, no word of letters.
            ("w", None),
            ("wit gather", None),
            ("gxxxer", None),
            ("gahter2", None),
        ] {
            assert_eq!(meant(text, &known).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn short_words_may_have_one_typo_and_long_ones_two() {
        let edits = |text: &str| {
            let terms = QueryTerms::of(text, &[], &mut Words::default());
            terms.typed.first().map(Typed::most_edits)
        };
        let rows = [
            "j",
            "jon ",
            "jon",
            "json",
            "jsonn",
            "string",
            "verschlüsselung",
        ];
        let expected = [None, None, Some(0), Some(1), Some(1), Some(2), Some(2)];
        assert_eq!(rows.map(edits), expected);
    }
}
