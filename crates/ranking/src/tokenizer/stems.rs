//! A cache of stems. A page repeats most of its words, and a site nearly all of them.

use std::cell::Cell;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use rust_stemmers::Stemmer;
use unicode_normalization::UnicodeNormalization;

use super::language::{Language, ScriptStemmers};
use super::pieces::{camel_case_boundaries, is_invisible};
use super::spelling::fold;
use super::stop_words::is_stop_word;
use crate::meaning::Place;

/// Maximum number of cached spellings: the vocabulary of a large site, in a few megabytes.
const CACHED: usize = 50_000;

/// Maximum length of a short word, in bytes. The map holds short words as numbers, with the stem
/// beside them, so that a lookup touches one place in memory. Almost all words are short.
const SHORT: usize = 15;
/// Maximum length of the term of a short word, so that all that is cached of it takes 16 bytes.
const SHORT_TERM: usize = 12;

/// The cached stem of a word.
pub(super) enum Stem<'a> {
    Short(Small),
    /// With the page on which the word was met before.
    Long(&'a CachedStem, u8),
}

/// The stem of a word of any length.
pub(super) struct CachedStem {
    term: Box<str>,
    place: Place,
    met: Cell<u8>,
    stop: bool,
    camel_case: bool,
}

/// The stem of a short word whose term is short as well.
#[derive(Clone, Copy)]
pub(super) struct Small {
    term: [u8; SHORT_TERM],
    place: Place,
    /// Number of the page on which the word was met last.
    met: u8,
    /// Length of the term, with [`STOP`] and [`CAMEL_CASE`] in the higher bits.
    rest: u8,
}

const LENGTH: u8 = 0x0F;
const STOP: u8 = 0x10;
const CAMEL_CASE: u8 = 0x20;

/// The stems of a language, by the spelling of their words.
pub(super) struct StemCache {
    pub(super) language: Language,
    short: HashMap<u128, Small, RandomState>,
    long: HashMap<Box<str>, CachedStem, RandomState>,
    stemmer: Stemmer,
    script_stemmers: ScriptStemmers,
}

impl StemCache {
    pub(super) fn new(language: Language) -> Self {
        StemCache {
            language,
            short: HashMap::default(),
            long: HashMap::default(),
            stemmer: language.stemmer(),
            script_stemmers: ScriptStemmers::default(),
        }
    }

    /// Returns the stem of a word, and notes that the word was met on a page.
    pub(super) fn of(&mut self, word: &str, page: Option<u8>) -> Stem<'_> {
        let number = number(word);
        if let Some(small) = number.and_then(|number| self.short.get_mut(&number)) {
            return Stem::Short(small.meet(page));
        }
        if !self.long.contains_key(word) {
            self.insert(word, number);
            if let Some(small) = number.and_then(|number| self.short.get_mut(&number)) {
                return Stem::Short(small.meet(page));
            }
        }
        let stem = &self.long[word];
        let before = stem.met.get();
        stem.met.set(page.unwrap_or(before));
        Stem::Long(stem, before)
    }

    /// Forgets on which pages words were met.
    pub(super) fn forget_pages(&mut self) {
        self.short.values_mut().for_each(|small| small.met = 0);
        self.long.values().for_each(|stem| stem.met.set(0));
    }

    fn insert(&mut self, word: &str, number: Option<u128>) {
        if self.short.len() + self.long.len() >= CACHED {
            self.short.clear();
            self.long.clear();
        }
        let stem = self.compute(word);
        match number.zip(Small::of(&stem)) {
            Some((number, small)) => drop(self.short.insert(number, small)),
            None => drop(self.long.insert(word.into(), stem)),
        }
    }

    fn compute(&self, word: &str) -> CachedStem {
        let mut folded = String::new();
        fold(word, &mut folded);
        let stop = is_stop_word(&folded);
        let term = match stop {
            true => folded.into_boxed_str(),
            false => self.stem(word, folded),
        };
        let place = match self.language == Language::ENGLISH && !stop {
            true => Place::of(&term),
            false => Place::NONE,
        };
        CachedStem {
            term,
            place,
            met: Cell::default(),
            stop,
            camel_case: camel_case_boundaries(word).next().is_some(),
        }
    }

    /// Stems a word; `folded` is its folded spelling.
    fn stem(&self, word: &str, folded: String) -> Box<str> {
        if self.language == Language::ENGLISH && folded.bytes().all(|it| it.is_ascii_lowercase()) {
            return self.stemmer.stem(&folded).into();
        }
        if let Some(stemmer) = self.script_stemmers.stemmer(&folded) {
            return stemmer.stem(&folded).into();
        }
        if self.language == Language::ENGLISH || !folded.bytes().all(|it| it.is_ascii_lowercase()) {
            return folded.into_boxed_str();
        }
        // The stemming rules of these languages depend on accents, which the index leaves out.
        let visible = word.chars().filter(|c| !is_invisible(*c));
        let accented: String = visible.nfc().flat_map(char::to_lowercase).collect();
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
    /// Returns what was known of the word before it was met on a page.
    fn meet(&mut self, page: Option<u8>) -> Self {
        let before = *self;
        self.met = page.unwrap_or(before.met);
        before
    }

    fn of(stem: &CachedStem) -> Option<Self> {
        let mut term = [0; SHORT_TERM];
        term.get_mut(..stem.term.len())?
            .copy_from_slice(stem.term.as_bytes());
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        Some(Small {
            term,
            place: stem.place,
            met: 0,
            rest: stem.term.len() as u8 | flag(stem.stop, STOP) | flag(stem.camel_case, CAMEL_CASE),
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
            Stem::Long(stem, _) => &stem.term,
        }
    }

    /// Returns the place of the word's vector.
    pub(super) fn place(&self) -> Place {
        match self {
            Stem::Short(small) => small.place,
            Stem::Long(stem, _) => stem.place,
        }
    }

    /// Returns the number of the page on which the word was met before.
    pub(super) fn met(&self) -> u8 {
        match self {
            Stem::Short(small) => small.met,
            Stem::Long(_, before) => *before,
        }
    }

    /// Returns whether the word says little about a text.
    pub(super) fn stop(&self) -> bool {
        match self {
            Stem::Short(small) => small.rest & STOP != 0,
            Stem::Long(stem, _) => stem.stop,
        }
    }

    /// Returns whether the word is written in camelCase.
    pub(super) fn camel_case(&self) -> bool {
        match self {
            Stem::Short(small) => small.rest & CAMEL_CASE != 0,
            Stem::Long(stem, _) => stem.camel_case,
        }
    }
}
