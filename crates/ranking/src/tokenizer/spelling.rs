//! Folding: one spelling for words that look alike.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::pieces::{MAX_WORD, is_invisible, is_spaceless};

/// Normalizes a name for comparison with a whole query; none if nothing is left or if the name is
/// too long to be typed.
///
/// The text is folded and has single spaces. It loses the brackets of a call, quotation marks, and
/// joints between the words of an identifier: `create_task` and `createTask` become equal, and so
/// do `os.path.join` and `os/path/join`. Leading and trailing signs (`__init__`, `--frozen`, `C++`)
/// stay.
pub fn name(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('¶').trim_end();
    let text = match text.strip_suffix('#') {
        // A trailing `#` is a link to the heading, unless it belongs to a name such as `C#`.
        Some(heading) if heading.chars().nth(1).is_some() => heading.trim_end(),
        _ => text,
    };
    let text = text.strip_suffix("()").unwrap_or(text);
    let mut folded = String::new();
    let mut name = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        fold(word, &mut folded);
        folded.retain(|c| !QUOTES.contains(&c));
        if !name.is_empty() && !folded.is_empty() {
            name.push(' ');
        }
        name.push_str(&folded);
    }
    let name = joined(&name);
    (!name.is_empty() && name.len() <= 2 * MAX_WORD).then_some(name)
}

/// Quotation marks that a heading puts around a name.
const QUOTES: [char; 7] = ['"', '`', '“', '”', '„', '«', '»'];

/// Returns a name without the joints between its words.
fn joined(name: &str) -> String {
    let mut all = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(JOINTS) {
        let (before, from) = rest.split_at(at);
        all.push_str(before);
        let end = from.find(|c| !JOINTS.contains(&c)).unwrap_or(from.len());
        let (joint, after) = from.split_at(end);
        let inside =
            all.ends_with(char::is_alphanumeric) && after.starts_with(char::is_alphanumeric);
        if !inside {
            all.push_str(joint);
        }
        rest = after;
    }
    all.push_str(rest);
    all
}

/// Joints between the words of an identifier. A space is not a joint: `foreign keys` is a subject,
/// `foreign_keys` a setting.
const JOINTS: [char; 5] = ['_', '.', ':', '-', '/'];

/// Returns the folded but unstemmed form of a word, which can be suggested to a person. None for
/// words with characters other than letters, and for scripts without spaces.
pub(crate) fn spelled(word: &str) -> Option<Cow<'_, str>> {
    if word.len() <= MAX_WORD && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return (!word.is_empty()).then_some(Cow::Borrowed(word));
    }
    let is_letter =
        |c: char| c.is_alphabetic() && !is_spaceless(c) || is_combining_mark(c) || is_invisible(c);
    if word.len() > MAX_WORD || !word.chars().all(is_letter) {
        return None;
    }
    let mut folded = String::new();
    fold(word, &mut folded);
    (!folded.is_empty()).then_some(Cow::Owned(folded))
}

/// Folds a text: lowercase, without accents on Latin letters, with compatibility forms (full width,
/// ligatures) resolved. Marks of other scripts are part of their letters, but for those that nobody
/// types ([`is_folded`]).
pub(super) fn fold(text: &str, into: &mut String) {
    into.clear();
    if text.is_ascii() {
        into.push_str(text);
        into.make_ascii_lowercase();
        return;
    }
    let mut letter = None;
    let plain = text
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|&c| {
            // A tatweel only makes an Arabic word longer.
            if is_invisible(c) || c == '\u{640}' {
                return false;
            }
            if is_combining_mark(c) {
                return !letter.is_some_and(|letter| is_folded(letter, c));
            }
            letter = Some(c);
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
            // The letter is usually written without its dots.
            'ё' => into.push('е'),
            // A term must hold no white space, even if a compatibility form resolves to it.
            c if c.is_whitespace() => {}
            c => into.push(c),
        }
    }
}

/// Returns whether a mark of a letter, in lower case, is left out.
fn is_folded(letter: char, mark: char) -> bool {
    match mark {
        _ if letter.is_ascii() => true,
        // Capitals have none, nor has what is typed in haste; breathings went out of use.
        _ if matches!(letter, '\u{370}'..='\u{3FF}') => true,
        // The stress of a Russian vowel; the breve of й and the dots of ї are part of the letter.
        '\u{300}' | '\u{301}' => "аеиоуыэюяєіѣ".contains(letter),
        '\u{483}'..='\u{487}' => true,
        // Points and accents of Hebrew, vowels and signs of recitation of Arabic, vowels of Syriac. The
        // hamza (U+0654, U+0655) is part of its letter.
        '\u{591}'..='\u{5C7}' => true,
        '\u{610}'..='\u{61A}' | '\u{64B}'..='\u{652}' | '\u{656}'..='\u{65F}' | '\u{670}' => true,
        '\u{6D6}'..='\u{6ED}' | '\u{711}' | '\u{730}'..='\u{74A}' => true,
        // The nukta of Hindi.
        '\u{93C}' => true,
        _ => false,
    }
}
