//! One spelling for words that look alike: what an index holds and a query is compared with.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::LONGEST;
use super::pieces::is_spaceless;

/// A name as it is compared with a whole query: one spelling, single spaces, without the brackets of
/// a call, without quotation marks, and without what joins the words of an identifier, so that
/// `create_task` and `createTask` are one, as `os.path.join` and `os/path/join` are. What stands
/// before and behind (`__init__`, `--frozen`, `C++`) is kept. None when nothing is left, or when nobody would type it.
pub fn name(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('¶').trim_end();
    let text = match text.strip_suffix('#') {
        // A sign for links to the heading; `C#` and `F#` are names.
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
    (!name.is_empty() && name.len() <= 2 * LONGEST).then_some(name)
}

/// What a heading puts around a name.
const QUOTES: [char; 7] = ['"', '`', '“', '”', '„', '«', '»'];

/// A name without what joins its words.
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

/// What joins the words of an identifier. No space: `foreign keys` is a subject, `foreign_keys` a
/// setting.
const JOINTS: [char; 5] = ['_', '.', ':', '-', '/'];

/// A word in one spelling and not stemmed, as a person would have it suggested: none for what is no
/// word of letters, or of a script that puts no space between words.
pub(crate) fn spelled(word: &str) -> Option<String> {
    let is_letter = |c: char| c.is_alphabetic() && !is_spaceless(c);
    if word.len() > LONGEST || !word.chars().all(is_letter) {
        return None;
    }
    let mut folded = String::new();
    fold(word, &mut folded);
    Some(folded).filter(|folded| !folded.is_empty())
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
            // Mostly written without its dots.
            'ё' => into.push('е'),
            // A term holds no white space, whatever a compatibility form resolves to.
            c if c.is_whitespace() => {}
            c => into.push(c),
        }
    }
}
