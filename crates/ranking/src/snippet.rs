//! Snippets: the part of a text that shows why it matches, as HTML in which only `<mark>` is
//! markup.

use std::ops::Range;

use crate::plan::{Marked, Plan};
use crate::tokenizer::{TokenKind, Tokenizer};

/// Approximate length of a snippet, in characters.
pub const LENGTH: usize = 200;
/// Maximum length of the part of a text that is searched for a snippet, in bytes. It bounds the
/// work.
const SCANNED: usize = 16 * 1024;
/// Maximum length of a snippet, in bytes. A character takes up to four.
const BYTES: usize = 4 * LENGTH;
/// Number of bytes that are tokenized before each check whether all words were found.
const PIECE: usize = 1024;

/// Returns the best part of a text for a query: the first part with the most different words of the
/// query, or the beginning if it holds none of them. White space is folded; `…` stands for omitted
/// text.
pub fn snippet(text: &str, plan: &Plan, tokenizer: &mut Tokenizer) -> String {
    let text = text.trim();
    let scanned = &text[..text.floor_char_boundary(SCANNED)];
    // The number of bytes that LENGTH characters of this text take.
    let characters = scanned.chars().count().max(1);
    let length = LENGTH * scanned.len().div_ceil(characters).max(1);
    let terms = Marked::of(plan);
    let mut marks = Vec::new();
    let mut stretch = None;
    let mut at = 0;
    while at < scanned.len() {
        let end = piece_end(scanned, at);
        mark(scanned, at..end, &terms, tokenizer, &mut marks);
        at = end;
        let found = best(&marks, length);
        let different = found.as_ref().map_or(0, |(different, _)| *different);
        stretch = found.map(|(_, range)| range);
        if different > 0 && different >= plan.distinct {
            break;
        }
    }
    let window = window(text, stretch, length);
    render(text, window, &marks)
}

/// Returns the beginning of a text that its snippet may depend on.
pub fn start(text: &str) -> &str {
    first(text, SCANNED + BYTES)
}

/// Returns the beginning of a text that a snippet can show.
pub(crate) fn beginning(text: &str) -> &str {
    first(text, BYTES)
}

fn first(text: &str, bytes: usize) -> &str {
    let text = text.trim_start();
    // One more byte shows that the text goes on.
    &text[..text.ceil_char_boundary((bytes + 1).min(text.len()))]
}

/// Returns the end of the piece that begins at `at`. It lies after a space, so that no word is cut.
fn piece_end(text: &str, at: usize) -> usize {
    let least = text.ceil_char_boundary((at + PIECE).min(text.len()));
    let space = text[least..].find(char::is_whitespace);
    space.map_or(text.len(), |space| {
        text.ceil_char_boundary(least + space + 1)
    })
}

/// A range of the text that is to be highlighted.
#[derive(Debug, Clone)]
struct Mark {
    range: Range<usize>,
    /// Number of the query's term that matches.
    word: usize,
}

/// Adds the marks of a piece of the text.
fn mark(
    text: &str,
    piece: Range<usize>,
    terms: &Marked<'_>,
    tokenizer: &mut Tokenizer,
    marks: &mut Vec<Mark>,
) {
    let mut around = 0..0;
    let wanted = |word: &str| terms.may_begin(word);
    tokenizer.tokenize_filtered(&text[piece.clone()], wanted, |token| {
        if token.kind == TokenKind::Word {
            around = token.range.clone();
        }
        let Some(word) = terms.number_of(&token) else {
            return;
        };
        // A part of a camelCase word marks the whole word, since half a name means nothing.
        let range = match token.kind {
            TokenKind::Part => &around,
            _ => &token.range,
        };
        marks.push(Mark {
            range: piece.start + range.start..piece.start + range.end,
            word,
        });
    });
}

/// Returns the first range of at most `length` bytes with the most different words, then with the
/// most marks, and the number of its different words.
fn best(marks: &[Mark], length: usize) -> Option<(usize, Range<usize>)> {
    let mut best: Option<((usize, usize), Range<usize>)> = None;
    let mut inside = vec![0_usize; marks.iter().map(|mark| mark.word + 1).max().unwrap_or(0)];
    let mut different = 0;
    let mut first = 0;
    for (last, mark) in marks.iter().enumerate() {
        different += usize::from(inside[mark.word] == 0);
        inside[mark.word] += 1;
        while first < last && mark.range.end > marks[first].range.start + length {
            inside[marks[first].word] -= 1;
            different -= usize::from(inside[marks[first].word] == 0);
            first += 1;
        }
        let value = (different, last - first);
        if best.as_ref().is_none_or(|(known, _)| value > *known) {
            best = Some((value, marks[first].range.start..mark.range.end));
        }
    }
    best.map(|((different, _), range)| (different, range))
}

/// Widens a range to about `length` bytes, between words if possible.
fn window(text: &str, stretch: Option<Range<usize>>, length: usize) -> Range<usize> {
    let stretch = stretch.unwrap_or(0..0);
    let spare = length.saturating_sub(stretch.len());
    // The window shows more text after the words than before them.
    let mut start = text.floor_char_boundary(stretch.start.saturating_sub(spare / 3));
    if start > 0
        && let Some(space) = text[start..stretch.start].find(char::is_whitespace)
    {
        start += space;
    }
    let mut end = text.floor_char_boundary(start + length).max(stretch.end);
    if end < text.len()
        && let Some(space) = text[stretch.end..end].rfind(char::is_whitespace)
    {
        end = stretch.end + space;
    }
    start..end
}

fn render(text: &str, window: Range<usize>, marks: &[Mark]) -> String {
    let mut html = Html::default();
    let mut at = window.start;
    for range in joined(text, &window, marks) {
        html.text(&text[at..range.start]);
        html.mark(&text[range.clone()]);
        at = range.end;
    }
    html.text(&text[at..window.end]);
    let cut = |text: &str| !text.trim().is_empty();
    let before = if cut(&text[..window.start]) {
        "… "
    } else {
        ""
    };
    let after = if cut(&text[window.end..]) { " …" } else { "" };
    format!("{before}{}{after}", html.out.trim())
}

/// Returns the marks inside a window. Marks that touch, overlap or belong to one identifier are
/// merged.
fn joined(text: &str, window: &Range<usize>, marks: &[Mark]) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for Mark { range, .. } in marks {
        let range = range.start.max(window.start)..range.end.min(window.end);
        if range.is_empty() {
            continue;
        }
        match joined.last_mut() {
            Some(last)
                if range.start <= last.end
                    || matches!(&text[last.end..range.start], "." | "_" | "::" | "-") =>
            {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[derive(Default)]
struct Html {
    out: String,
}

impl Html {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c if c.is_whitespace() || c.is_control() => {
                    if !self.out.is_empty() && !self.out.ends_with(' ') {
                        self.out.push(' ');
                    }
                }
                c => self.out.push(c),
            }
        }
    }

    fn mark(&mut self, text: &str) {
        self.out.push_str("<mark>");
        self.text(text);
        self.out.push_str("</mark>");
    }
}
