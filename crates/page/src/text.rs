//! Writes plain text: with folded white space, each block on its own line, and code as it is.

use std::ops::Range;

/// Writes a plain text.
#[derive(Default)]
pub(super) struct TextWriter {
    text: String,
    gap: Gap,
}

/// The separator between the text so far and the next word.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
}

impl TextWriter {
    /// A writer with room for `bytes` bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        TextWriter {
            text: String::with_capacity(bytes),
            gap: Gap::None,
        }
    }

    /// Number of bytes written.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The text in a range of what was written.
    pub(super) fn get(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// Begins a new line with the next word.
    pub(super) fn line(&mut self) {
        self.gap = Gap::Line;
    }

    /// Begins a new word.
    pub(super) fn space(&mut self) {
        self.gap = self.gap.max(Gap::Space);
    }

    /// Writes the separator before the next word, and returns where that word begins.
    pub(super) fn settle(&mut self) -> usize {
        let begins_line = matches!(self.text.as_bytes().last(), None | Some(b'\n'));
        match self.gap {
            Gap::Space if !begins_line => self.text.push(' '),
            Gap::Line if !begins_line => self.text.push('\n'),
            _ => {}
        }
        self.gap = Gap::None;
        self.text.len()
    }

    /// Writes text in which each run of white space, including no-break spaces, becomes one space.
    pub(super) fn folded(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let end = words_end(rest);
            if end > 0 {
                self.settle();
                self.text.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            let word = space_end(rest);
            if word > 0 {
                self.space();
                rest = &rest[word..];
            }
        }
    }

    /// Writes text of a `pre` as it is, except that no-break spaces, which nobody types, become
    /// spaces.
    pub(super) fn verbatim(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.settle();
        let mut pieces = text.split('\u{a0}');
        self.text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.text.push(' ');
            self.text.push_str(piece);
        }
    }

    /// Removes white space from the end of the text, but not before byte `start`.
    pub(super) fn trim_end(&mut self, start: usize) {
        let tail = self.text.get(start..).unwrap_or_default();
        let keep = start.min(self.text.len()) + tail.trim_end().len();
        self.text.truncate(keep);
    }

    /// The text that was written.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Folds the white space of a text.
pub(super) fn fold(text: &str) -> String {
    let mut writer = TextWriter::with_capacity(text.len());
    writer.folded(text);
    writer.finish()
}

/// Whether a text has only white space, including no-break spaces.
pub(super) fn is_blank(text: &str) -> bool {
    space_end(text) == text.len()
}

/// Length of the white space at the start of a text, in bytes.
fn space_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes[at..] {
            [byte, ..] if byte.is_ascii_whitespace() => at += 1,
            [0xC2, 0xA0, ..] => at += 2,
            _ => return at,
        }
    }
}

/// Length of the words at the start of a text that are separated by single spaces, in bytes.
fn words_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes[at..] {
            [] => return at,
            [b' ', next, ..] if at > 0 && next.is_ascii_graphic() => at += 2,
            [byte, ..] if byte.is_ascii_whitespace() => return at,
            [0xC2, 0xA0, ..] => return at,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_folded() {
        assert_eq!(fold("  a \n\t b\u{a0}\u{a0}c  é\u{a0} "), "a b c é");
        assert_eq!(fold(" \n "), "");
    }

    #[test]
    fn code_has_plain_spaces() {
        let mut writer = TextWriter::default();
        writer.verbatim("\u{a0}a\n  \u{a0}b ");
        assert_eq!(writer.finish(), " a\n   b ");
    }

    #[test]
    fn space_between_pieces_is_kept_once() {
        let mut writer = TextWriter::default();
        writer.folded("a ");
        writer.folded(" b");
        writer.folded("c");
        writer.line();
        writer.folded(" ");
        writer.folded("d");
        assert_eq!(writer.finish(), "a bc\nd");
    }
}
