//! Boundaries of words and identifiers.
//!
//! Most text is ASCII, and its bytes are looked up in a table, because tokenizing is half of the
//! work of indexing a page.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// Maximum length of a word or an identifier, in bytes. Nobody types longer ones.
pub(super) const MAX_WORD: usize = 128;

/// The class of a character with regard to word boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A letter or a digit.
    Word,
    /// A character that belongs to an identifier, but to no word.
    Underscore,
    /// White space.
    Space,
    /// Any other character.
    Sign,
}

/// Class of each ASCII character.
const CLASSES: [Class; 128] = {
    let mut classes = [Class::Sign; 128];
    let mut at = 0_u8;
    while at < 128 {
        classes[at as usize] = match at {
            b'_' => Class::Underscore,
            // `char::is_whitespace` includes the vertical tab, `u8::is_ascii_whitespace` does not.
            // Java, and thus Lucene, treats the record separators as white space.
            b'\t'..=b'\r' | 0x1C..=0x1F | b' ' => Class::Space,
            _ if at.is_ascii_alphanumeric() => Class::Word,
            _ => Class::Sign,
        };
        at += 1;
    }
    classes
};

/// Returns the class of the character at a byte offset and its length in bytes; none at the end.
pub(super) fn class_of(text: &str, at: usize) -> Option<(Class, usize)> {
    let byte = *text.as_bytes().get(at)?;
    if let Some(class) = CLASSES.get(usize::from(byte)) {
        return Some((*class, 1));
    }
    let c = text[at..].chars().next()?;
    let class = match c {
        c if is_word(c) => Class::Word,
        c if c.is_whitespace() || is_invisible(c) => Class::Space,
        _ => Class::Sign,
    };
    Some((class, c.len_utf8()))
}

/// The extent of an identifier.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    /// Byte offset after the last character.
    pub(super) end: usize,
    /// Whether the identifier is a single word of ASCII letters and digits.
    pub(super) plain: bool,
    /// Whether the identifier is entirely ASCII.
    pub(super) ascii: bool,
}

/// Returns the extent of the identifier that begins at a letter, a digit or `_`.
pub(super) fn chunk_end(text: &str, start: usize) -> Chunk {
    let bytes = text.as_bytes();
    let mut ascii = true;
    let mut plain = true;
    let mut at = start;
    loop {
        at += words_of_ascii(&bytes[at..]);
        let joint = match bytes.get(at) {
            Some(b'_') => 1,
            Some(b'.') if is_inside(text, at + 1) => 1,
            Some(b':') if bytes.get(at + 1) == Some(&b':') && is_inside(text, at + 2) => 2,
            Some(byte) if !byte.is_ascii() => match class_of(text, at) {
                Some((Class::Word, length)) => {
                    ascii = false;
                    length
                }
                Some(_) if invisible(text, at) > 0 => {
                    ascii = false;
                    invisible(text, at)
                }
                _ => break,
            },
            _ => break,
        };
        plain = false;
        at += joint;
    }
    Chunk {
        end: at,
        plain,
        ascii,
    }
}

/// Returns the number of ASCII letters and digits that a text begins with.
fn words_of_ascii(bytes: &[u8]) -> usize {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric();
    let length = bytes.iter().position(|byte| !inside(byte));
    length.unwrap_or(bytes.len())
}

fn is_inside(text: &str, at: usize) -> bool {
    let at = at + invisible(text, at);
    matches!(
        class_of(text, at),
        Some((Class::Word | Class::Underscore, _))
    )
}

/// Returns the number of bytes of signs that belong to the name in front of a text (`C++`, `F#`).
pub(super) fn signs_of_a_name(after: &str) -> usize {
    let signs = match after.as_bytes() {
        [b'+', b'+', ..] => 2,
        [b'#', ..] => 1,
        _ => return 0,
    };
    let ends = match class_of(after, signs) {
        Some((Class::Word | Class::Underscore, _)) => false,
        Some((Class::Sign, _)) => after[signs..].starts_with([',', '.', ')', ';', ':', '?', '!']),
        Some((Class::Space, _)) | None => true,
    };
    if ends { signs } else { 0 }
}

/// Returns the end of a run of signs.
pub(super) fn signs_end(text: &str, start: usize) -> usize {
    let mut at = start;
    while let Some((Class::Sign, length)) = class_of(text, at) {
        at += length;
    }
    at
}

/// The words of a chunk: runs of letters and digits, split where a script with spaces and one
/// without spaces meet.
pub(super) struct Pieces<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    ascii: bool,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str, chunk: Range<usize>, ascii: bool) -> Self {
        Pieces {
            text,
            at: chunk.start,
            end: chunk.end,
            ascii,
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..self.end];
        let (before, length) = if self.ascii {
            let before = rest.bytes().position(|byte| byte.is_ascii_alphanumeric())?;
            (before, words_of_ascii(&rest.as_bytes()[before..]))
        } else {
            let before = rest.find(is_word)?;
            (before, piece(&rest[before..]))
        };
        let start = self.at + before;
        self.at = start + length;
        Some(start..self.at)
    }
}

/// Returns the length of the word that a text begins with.
fn piece(text: &str) -> usize {
    let spaceless = text.starts_with(is_spaceless);
    let ends = |c| !is_word(c) || (is_spaceless(c) != spaceless && !is_combining_mark(c));
    text.find(|c| !is_invisible(c) && ends(c))
        .unwrap_or(text.len())
}

/// Returns whether a character only permits a line break, forbids one, sets a direction, or selects a
/// variant of a sign. It is no part of a word that it stands in.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{200B}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2060}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{E0100}'..='\u{E01EF}'
    )
}

/// Returns the length of the invisible characters at a place in a text, in bytes.
fn invisible(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.len() - rest.trim_start_matches(is_invisible).len()
}

fn is_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric() || is_combining_mark(c) && !is_invisible(c)
    }
}

/// Returns the offsets at which the second and later parts of a camelCase word begin (4 in
/// `HTTPServer`).
pub(super) fn camel_case_boundaries(word: &str) -> impl Iterator<Item = usize> {
    let bytes = word.as_bytes();
    let ascii = word.is_ascii() && bytes.iter().any(u8::is_ascii_lowercase);
    (1..if ascii { bytes.len() } else { 0 }).filter(|&at| {
        let lower_after = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        bytes[at].is_ascii_uppercase() && (!bytes[at - 1].is_ascii_uppercase() || lower_after)
    })
}

/// Returns whether a character belongs to a script without spaces between words, or to Korean,
/// whose words carry particles.
pub(super) fn is_spaceless(c: char) -> bool {
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

/// Returns whether a word that follows an apostrophe is only a contraction (`it's`, `don't`).
pub(super) fn is_contraction(word: &str) -> bool {
    word.len() <= 2
        && ["s", "t", "re", "ll", "ve", "d", "m"]
            .iter()
            .any(|end| word.eq_ignore_ascii_case(end))
}
