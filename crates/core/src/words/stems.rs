//! What is remembered of words: a page repeats most of its words, and a site nearly all.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rust_stemmers::{Algorithm, Stemmer};

use super::little::is_stop_word;
use super::pieces::humps;
use super::spelling::fold;

/// Spellings that are remembered: the vocabulary of a large site, in a few megabytes.
const REMEMBERED: usize = 50_000;

/// Words up to so many bytes are looked up as a number: without a call to compare them, and
/// without going where they are kept. Almost all words are so short.
const SHORT: usize = 15;

/// What is known of a word.
#[derive(Debug)]
pub(super) struct Known {
    /// Its stem; a stop word itself. In the spelling of the index; empty when nothing is left.
    pub(super) term: Box<str>,
    /// It says little about a text.
    pub(super) stop: bool,
    /// It is written in camelCase.
    pub(super) humped: bool,
}

/// Words as they are written, and what is known of them.
pub(super) struct Stems {
    /// Places in `known`, of short words and of long ones.
    short: HashMap<u128, usize, RandomState>,
    long: HashMap<Box<str>, usize, RandomState>,
    known: Vec<Known>,
    stemmer: Stemmer,
}

impl Default for Stems {
    fn default() -> Self {
        Stems {
            short: HashMap::default(),
            long: HashMap::default(),
            known: Vec::new(),
            stemmer: Stemmer::create(Algorithm::English),
        }
    }
}

impl Stems {
    /// What is known of a word.
    pub(super) fn of(&mut self, word: &str) -> &Known {
        let known = match number(word) {
            Some(number) => self.short.get(&number),
            None => self.long.get(word),
        };
        let place = match known {
            Some(&place) => place,
            None => self.learn(word),
        };
        &self.known[place]
    }

    fn learn(&mut self, word: &str) -> usize {
        if self.known.len() >= REMEMBERED {
            self.short.clear();
            self.long.clear();
            self.known.clear();
        }
        let place = self.known.len();
        self.known.push(learnt(&self.stemmer, word));
        match number(word) {
            Some(number) => self.short.insert(number, place),
            None => self.long.insert(word.into(), place),
        };
        place
    }
}

/// A short word as a number of its own: its bytes and its length.
fn number(word: &str) -> Option<u128> {
    let mut bytes = [0; SHORT + 1];
    bytes.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
    (word.len() <= SHORT).then(|| {
        bytes[SHORT] = word.len() as u8;
        u128::from_le_bytes(bytes)
    })
}

fn learnt(stemmer: &Stemmer, word: &str) -> Known {
    let mut folded = String::new();
    fold(word, &mut folded);
    let stop = is_stop_word(&folded);
    let term = if !stop && folded.bytes().all(|byte| byte.is_ascii_lowercase()) {
        stemmer.stem(&folded).into()
    } else {
        folded.into_boxed_str()
    };
    Known {
        term,
        stop,
        humped: humps(word).next().is_some(),
    }
}
