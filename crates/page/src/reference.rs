//! Character references, by WHATWG HTML, "Character reference state" and those after it.

use web_atoms::{C1_REPLACEMENTS, NAMED_ENTITIES};

/// Length of the longest name of a character, in bytes, with its semicolon.
const LONGEST_NAME: usize = 32;

/// Up to two characters.
#[derive(Clone, Copy, Default)]
pub(super) struct Characters {
    bytes: [u8; 8],
    length: usize,
}

impl Characters {
    fn of(characters: impl IntoIterator<Item = char>) -> Self {
        let mut them = Characters::default();
        for character in characters {
            let written = character.encode_utf8(&mut them.bytes[them.length..]);
            them.length += written.len();
        }
        them
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl From<char> for Characters {
    fn from(character: char) -> Self {
        Characters::of([character])
    }
}

/// Decodes the reference that begins a text, and returns its length. A text that begins with `&` and
/// no reference is none.
pub(super) fn decode(text: &[u8], in_attribute: bool) -> Option<(Characters, usize)> {
    match text.get(1)? {
        b'#' => number(text),
        first if first.is_ascii_alphanumeric() => name(text, in_attribute),
        _ => None,
    }
}

fn name(text: &[u8], in_attribute: bool) -> Option<(Characters, usize)> {
    let (characters, length) = frequent(text).or_else(|| longest_name(text))?;
    // Links have parameters that begin like names: `?a=1&copy=2`.
    let next = text.get(length);
    let goes_on = next.is_some_and(|next| *next == b'=' || next.is_ascii_alphanumeric());
    match in_attribute && goes_on && text[length - 1] != b';' {
        true => None,
        false => Some((characters, length)),
    }
}

/// Decodes the names that nearly all references have, which is faster than to look them up.
fn frequent(text: &[u8]) -> Option<(Characters, usize)> {
    for (name, character) in [
        (&b"&lt;"[..], '<'),
        (b"&gt;", '>'),
        (b"&amp;", '&'),
        (b"&quot;", '"'),
        (b"&nbsp;", '\u{A0}'),
    ] {
        if text.starts_with(name) {
            return Some((character.into(), name.len()));
        }
    }
    None
}

fn longest_name(text: &[u8]) -> Option<(Characters, usize)> {
    let mut longest = None;
    for length in 2..=text.len().min(1 + LONGEST_NAME) {
        // The table has the beginnings of all names, with no characters.
        let name = str::from_utf8(&text[1..length]).ok();
        let Some((first, second)) = name.and_then(|name| NAMED_ENTITIES.get(name)) else {
            break;
        };
        let characters = [*first, *second].into_iter().filter(|code| *code != 0);
        let characters = Characters::of(characters.filter_map(char::from_u32));
        if characters.length > 0 {
            longest = Some((characters, length));
        }
    }
    longest
}

fn number(text: &[u8]) -> Option<(Characters, usize)> {
    let (start, base) = match text.get(2)? {
        b'x' | b'X' => (3, 16),
        _ => (2, 10),
    };
    let digits = text[start..].iter();
    let digits = digits.map_while(|byte| char::from(*byte).to_digit(base));
    let (mut code, mut end) = (0_u32, start);
    for digit in digits {
        code = code.saturating_mul(base).saturating_add(digit);
        end += 1;
    }
    if end == start {
        return None;
    }
    let character = match code {
        0 => None,
        0x80..=0x9F => {
            let replaced = C1_REPLACEMENTS[code as usize - 0x80];
            replaced.or(char::from_u32(code))
        }
        code => char::from_u32(code),
    };
    let has_semicolon = text.get(end) == Some(&b';');
    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((character.into(), end + usize::from(has_semicolon)))
}
