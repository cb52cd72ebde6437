//! One spelling for words that look alike: what an index holds and a query is compared with.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::LONGEST;

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

/// Lower case, without the accents of Latin letters, compatibility forms (full width, ligatures)
/// resolved. Accents of other scripts are part of their letters.
pub(super) fn fold(text: &str, into: &mut String) {
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
