//! The words of a text: what an index holds of it and what a query asks for, cut the same way.
//!
//! Every index stores terms that are made here, so that a query means the same in all of them and
//! no index's own analysis has a say. Words are cut at everything that is no letter or digit, in
//! one spelling (case, accents, widths), and stemmed with Porter 2; identifiers (`asyncio.gather`,
//! `create_task`, `assertEqual`) are given whole and in parts; scripts that put no space between
//! words (Chinese, Japanese, Korean, Thai, …) are cut into pairs of characters.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;
use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word, stemmed. In a script without spaces: two neighbouring characters, or one alone.
    Word,
    /// A word that says little about a text (`the`), not stemmed.
    Stop,
    /// An identifier of several words, whole (`os.path`); its words follow.
    Whole,
    /// A hump of a camelCase word, stemmed; the word itself came before.
    Part,
    /// One character of a run in a script without spaces, beside the pairs: what a query of one
    /// character finds.
    Single,
    /// Signs that are neither letters nor space (`+=`).
    Signs,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its spelling in the index; holds no white space.
    pub term: &'a str,
    /// Where it stands in the text, in bytes.
    pub range: Range<usize>,
}

/// Cuts texts. Remembers stems, so that it is worth keeping.
pub struct Words {
    stemmer: Stemmer,
    /// Folded word to its stem; none for a stop word.
    stems: HashMap<Box<str>, Option<Box<str>>, RandomState>,
    folded: String,
}

/// Words and identifiers of more bytes are blobs that nobody types, and are left out.
const LONGEST: usize = 128;
/// Signs in a row beyond this are ornament.
const MOST_SIGNS: usize = 6;
/// Stems that are remembered: the vocabulary of a large site, in a few megabytes.
const REMEMBERED: usize = 50_000;

impl Default for Words {
    fn default() -> Self {
        Words {
            stemmer: Stemmer::create(Algorithm::English),
            stems: HashMap::default(),
            folded: String::new(),
        }
    }
}

impl Words {
    /// Gives each token of a text in order.
    pub fn each(&mut self, text: &str, mut give: impl FnMut(Token<'_>)) {
        let mut at = 0;
        while let Some(c) = char_at(text, at) {
            if is_inside(c) {
                let end = chunk_end(text, at);
                self.chunk(text, at..end, &mut give);
                at = end;
            } else if c.is_whitespace() {
                at += c.len_utf8();
            } else {
                let end = signs_end(text, at);
                give_signs(text, at..end, &mut give);
                at = end;
            }
        }
    }

    /// An identifier: letters, digits and `_`, with `.` or `::` between them.
    fn chunk(&mut self, text: &str, chunk: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        let words = || Pieces {
            text,
            at: chunk.start,
            end: chunk.end,
        };
        let Some(first) = words().next() else {
            return give_signs(text, chunk, give);
        };
        if first != chunk && chunk.len() <= LONGEST {
            fold(&text[chunk.clone()], &mut self.folded);
            give(Token {
                kind: Kind::Whole,
                term: &self.folded,
                range: chunk.clone(),
            });
        }
        for word in words() {
            let after_apostrophe = text[..word.start].ends_with(['\'', '’']);
            if !(after_apostrophe && is_contraction(&text[word.clone()])) {
                self.word(text, word, give);
            }
        }
    }

    fn word(&mut self, text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        if text[range.clone()].starts_with(is_spaceless) {
            return self.grams(text, range, give);
        }
        if range.len() > LONGEST {
            return;
        }
        self.stemmed(text, range.clone(), Kind::Word, give);
        let mut start = range.start;
        for hump in humps(&text[range.clone()]) {
            let end = range.start + hump;
            self.stemmed(text, start..end, Kind::Part, give);
            start = end;
        }
        if start > range.start {
            self.stemmed(text, start..range.end, Kind::Part, give);
        }
    }

    fn stemmed(
        &mut self,
        text: &str,
        range: Range<usize>,
        kind: Kind,
        give: &mut impl FnMut(Token<'_>),
    ) {
        fold(&text[range.clone()], &mut self.folded);
        if self.folded.is_empty() {
            return;
        }
        if let Some(known) = self.stems.get(self.folded.as_str()) {
            return give_stem(known.as_deref(), &self.folded, kind, range, give);
        }
        let stem: Option<Box<str>> = match STOP_WORDS.binary_search(&self.folded.as_str()) {
            Ok(_) => None,
            Err(_) if self.folded.bytes().all(|b| b.is_ascii_lowercase()) => {
                Some(self.stemmer.stem(&self.folded).into())
            }
            Err(_) => Some(self.folded.as_str().into()),
        };
        give_stem(stem.as_deref(), &self.folded, kind, range, give);
        if self.stems.len() >= REMEMBERED {
            self.stems.clear();
        }
        self.stems.insert(self.folded.as_str().into(), stem);
    }

    fn grams(&mut self, text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        let mut previous: Option<Range<usize>> = None;
        let run = &text[range.clone()];
        let alone = run.chars().nth(1).is_none();
        for (offset, c) in run.char_indices() {
            let start = range.start + offset;
            let here = start..start + c.len_utf8();
            let mut one = |kind, range: Range<usize>| {
                fold(&text[range.clone()], &mut self.folded);
                give(Token {
                    kind,
                    term: &self.folded,
                    range,
                });
            };
            if alone {
                return one(Kind::Word, here);
            }
            if let Some(before) = previous {
                one(Kind::Word, before.start..here.end);
            }
            one(Kind::Single, here.clone());
            previous = Some(here);
        }
    }
}

/// A name as it is compared with a whole query: one spelling, single spaces, without the brackets
/// of a call. None when nothing is left, or when nobody would type it.
pub fn name(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(['¶', '#']).trim_end();
    let text = text.strip_suffix("()").unwrap_or(text);
    let mut name = String::with_capacity(text.len());
    let mut folded = String::new();
    for word in text.split_whitespace() {
        if !name.is_empty() {
            name.push(' ');
        }
        fold(word, &mut folded);
        name.push_str(&folded);
    }
    (!name.is_empty() && name.len() <= 2 * LONGEST).then_some(name)
}

/// Words of a question that say nothing about what is asked for. They are left out of queries
/// only: in a text they may matter.
pub fn is_question_word(word: &str) -> bool {
    QUESTION_WORDS.binary_search(&word).is_ok()
}

/// Lower case, without the accents of Latin letters, compatibility forms (full width, ligatures)
/// resolved. Accents of other scripts are part of their letters.
fn fold(text: &str, into: &mut String) {
    into.clear();
    if text.is_ascii() {
        into.push_str(text);
        into.make_ascii_lowercase();
        return;
    }
    let mut after_latin = false;
    let plain = text
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|&c| {
            if is_combining_mark(c) {
                return !after_latin;
            }
            after_latin = c.is_ascii();
            true
        })
        .nfc();
    for c in plain {
        match c {
            'ß' => into.push_str("ss"),
            'æ' => into.push_str("ae"),
            'œ' => into.push_str("oe"),
            'ø' => into.push('o'),
            'đ' | 'ð' => into.push('d'),
            'ł' => into.push('l'),
            'ħ' => into.push('h'),
            'ı' => into.push('i'),
            'þ' => into.push_str("th"),
            // A term holds no white space, whatever a compatibility form resolves to.
            c if c.is_whitespace() => {}
            c => into.push(c),
        }
    }
}

/// The words of a chunk: runs of letters and digits, cut where the script changes between one
/// with and one without spaces.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..self.end];
        let start = self.at + rest.find(is_word)?;
        let run = &self.text[start..self.end];
        let spaceless = run.starts_with(is_spaceless);
        let length = run
            .find(|c| !is_word(c) || (is_spaceless(c) != spaceless && !is_combining_mark(c)))
            .unwrap_or(run.len());
        self.at = start + length;
        Some(start..self.at)
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at) {
        Some(&byte) if byte.is_ascii() => Some(char::from(byte)),
        Some(_) => text[at..].chars().next(),
        None => None,
    }
}

fn is_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric() || is_combining_mark(c)
    }
}

fn is_inside(c: char) -> bool {
    c == '_' || is_word(c)
}

fn chunk_end(text: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(c) = char_at(text, at) {
        let joint = match c {
            c if is_inside(c) => c.len_utf8(),
            '.' => 1,
            ':' if text[at..].starts_with("::") => 2,
            _ => break,
        };
        if !is_inside(c) && !char_at(text, at + joint).is_some_and(is_inside) {
            break;
        }
        at += joint;
    }
    at
}

fn signs_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let length = rest.find(|c: char| is_inside(c) || c.is_whitespace());
    start + length.unwrap_or(rest.len())
}

/// Gives a word by its stem, or as the stop word that it is. A hump is no word of its own: one
/// that says little is left out.
fn give_stem(
    stem: Option<&str>,
    folded: &str,
    kind: Kind,
    range: Range<usize>,
    give: &mut impl FnMut(Token<'_>),
) {
    let (kind, term) = match stem {
        Some(stem) => (kind, stem),
        None if kind == Kind::Word => (Kind::Stop, folded),
        None => return,
    };
    give(Token { kind, term, range });
}

fn give_signs(text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
    let signs = &text[range.clone()];
    if signs.len() <= MOST_SIGNS {
        give(Token {
            kind: Kind::Signs,
            term: signs,
            range,
        });
    }
}

/// Where the second and later humps of a camelCase word begin (`HTTPServer`: 4).
fn humps(word: &str) -> impl Iterator<Item = usize> {
    let bytes = word.as_bytes();
    let ascii = word.is_ascii() && bytes.iter().any(u8::is_ascii_lowercase);
    (1..if ascii { bytes.len() } else { 0 }).filter(|&at| {
        let lower_after = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        bytes[at].is_ascii_uppercase() && (!bytes[at - 1].is_ascii_uppercase() || lower_after)
    })
}

/// Scripts whose words are not set apart by spaces, and Korean, whose words carry particles.
fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'     // Thai, Lao
        | '\u{1000}'..='\u{109F}'   // Myanmar
        | '\u{1780}'..='\u{17FF}'   // Khmer
        | '\u{1100}'..='\u{11FF}'   // Hangul letters
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30FF}'   // Hiragana, Katakana
        | '\u{3130}'..='\u{318F}'
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'   // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}'   // Hangul
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}'   // half-width Katakana
        | '\u{20000}'..='\u{3FFFF}')
}

/// What follows an apostrophe and is no word (`it's`, `don't`).
fn is_contraction(word: &str) -> bool {
    ["s", "t", "re", "ll", "ve", "d", "m"]
        .iter()
        .any(|end| word.eq_ignore_ascii_case(end))
}

/// In order, for a binary search.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

/// In order, for a binary search; folded, not stemmed.
const QUESTION_WORDS: [&str; 58] = [
    "able",
    "am",
    "any",
    "anyone",
    "been",
    "being",
    "best",
    "can",
    "cannot",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "done",
    "get",
    "give",
    "had",
    "has",
    "have",
    "having",
    "help",
    "how",
    "i",
    "know",
    "like",
    "make",
    "may",
    "me",
    "might",
    "must",
    "my",
    "need",
    "one",
    "our",
    "possible",
    "proper",
    "should",
    "some",
    "something",
    "than",
    "use",
    "used",
    "using",
    "want",
    "way",
    "ways",
    "we",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whose",
    "why",
    "would",
    "you",
    "your",
];
