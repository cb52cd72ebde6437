//! A cache of stems. A page repeats most of its words, and a site nearly all of them.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rust_stemmers::Stemmer;
use unicode_normalization::UnicodeNormalization;

use super::language::{Language, Letters};
use super::pieces::humps;
use super::spelling::fold;
use super::stop_words::is_stop_word;

/// Maximum number of cached spellings: the vocabulary of a large site, in a few megabytes.
const CACHED: usize = 50_000;

/// Maximum length of a short word, in bytes. The map holds short words as numbers, with the stem
/// beside them, so that a lookup touches one place in memory. Almost all words are short.
const SHORT: usize = 15;

/// The cached stem of a word.
pub(super) enum Stem<'a> {
    Short(Small),
    Long(&'a Learnt),
}

/// The stem of a word of any length.
pub(super) struct Learnt {
    term: Box<str>,
    stop: bool,
    humped: bool,
}

/// The stem of a short word whose term is short as well.
#[derive(Clone, Copy)]
pub(super) struct Small {
    term: [u8; SHORT],
    /// Length of the term, with [`STOP`] and [`HUMPED`] in the higher bits.
    rest: u8,
}

const LENGTH: u8 = 0x0F;
const STOP: u8 = 0x10;
const HUMPED: u8 = 0x20;

/// Stems of a language, by the spelling of their words.
pub(super) struct Stems {
    pub(super) language: Language,
    short: HashMap<u128, Small, RandomState>,
    long: HashMap<Box<str>, Learnt, RandomState>,
    stemmer: Stemmer,
    letters: Letters,
}

impl Stems {
    pub(super) fn new(language: Language) -> Self {
        Stems {
            language,
            short: HashMap::default(),
            long: HashMap::default(),
            stemmer: language.stemmer(),
            letters: Letters::default(),
        }
    }

    /// Returns the stem of a word.
    pub(super) fn of(&mut self, word: &str) -> Stem<'_> {
        let number = number(word);
        if let Some(small) = number.and_then(|number| self.short.get(&number)) {
            return Stem::Short(*small);
        }
        if !self.long.contains_key(word) {
            self.learn(word, number);
            if let Some(small) = number.and_then(|number| self.short.get(&number)) {
                return Stem::Short(*small);
            }
        }
        Stem::Long(&self.long[word])
    }

    fn learn(&mut self, word: &str, number: Option<u128>) {
        if self.short.len() + self.long.len() >= CACHED {
            self.short.clear();
            self.long.clear();
        }
        let learnt = self.learnt(word);
        match number.zip(Small::of(&learnt)) {
            Some((number, small)) => drop(self.short.insert(number, small)),
            None => drop(self.long.insert(word.into(), learnt)),
        }
    }

    fn learnt(&self, word: &str) -> Learnt {
        let mut folded = String::new();
        fold(word, &mut folded);
        let stop = is_stop_word(&folded);
        Learnt {
            term: match stop {
                true => folded.into_boxed_str(),
                false => self.stem(word, folded),
            },
            stop,
            humped: humps(word).next().is_some(),
        }
    }

    /// Stems a word; `folded` is its folded spelling.
    fn stem(&self, word: &str, folded: String) -> Box<str> {
        if self.language == Language::ENGLISH && folded.bytes().all(|it| it.is_ascii_lowercase()) {
            return self.stemmer.stem(&folded).into();
        }
        if let Some(stemmer) = self.letters.stemmer(&folded) {
            return stemmer.stem(&folded).into();
        }
        if self.language == Language::ENGLISH || !folded.bytes().all(|it| it.is_ascii_lowercase()) {
            return folded.into_boxed_str();
        }
        // The stemming rules of these languages depend on accents, which the index leaves out.
        let accented: String = word.nfc().flat_map(char::to_lowercase).collect();
        let mut stem = String::new();
        fold(&self.stemmer.stem(&accented), &mut stem);
        stem.into_boxed_str()
    }
}

/// Returns a unique number for a short word, from its bytes and its length.
fn number(word: &str) -> Option<u128> {
    let mut bytes = [0; SHORT + 1];
    bytes[..SHORT]
        .get_mut(..word.len())?
        .copy_from_slice(word.as_bytes());
    bytes[SHORT] = word.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

impl Small {
    fn of(learnt: &Learnt) -> Option<Self> {
        let mut term = [0; SHORT];
        term.get_mut(..learnt.term.len())?
            .copy_from_slice(learnt.term.as_bytes());
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        Some(Small {
            term,
            rest: learnt.term.len() as u8 | flag(learnt.stop, STOP) | flag(learnt.humped, HUMPED),
        })
    }
}

impl Stem<'_> {
    /// Returns the folded stem, or the stop word itself; empty if nothing is left.
    pub(super) fn term(&self) -> &str {
        match self {
            Stem::Short(small) => {
                let term = &small.term[..usize::from(small.rest & LENGTH)];
                // The bytes come from a valid string, so the default is never used.
                std::str::from_utf8(term).unwrap_or_default()
            }
            Stem::Long(learnt) => &learnt.term,
        }
    }

    /// Returns whether the word says little about a text.
    pub(super) fn stop(&self) -> bool {
        match self {
            Stem::Short(small) => small.rest & STOP != 0,
            Stem::Long(learnt) => learnt.stop,
        }
    }

    /// Returns whether the word is written in camelCase.
    pub(super) fn humped(&self) -> bool {
        match self {
            Stem::Short(small) => small.rest & HUMPED != 0,
            Stem::Long(learnt) => learnt.humped,
        }
    }
}
