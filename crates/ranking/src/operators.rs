//! Query operators: `"a phrase"` and `-unwanted`.

use crate::terms::push;

/// A query, split at its operators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ParsedQuery<'a> {
    /// The text without operators and unwanted parts.
    pub(crate) wanted: String,
    /// The parts in quotation marks, which `wanted` holds too.
    pub(crate) quoted: Vec<&'a str>,
    /// The parts after a minus.
    pub(crate) unwanted: Vec<&'a str>,
}

/// Minimum length of a word after a minus, in characters; a shorter word is an option (`-m`).
const SHORTEST: usize = 3;

/// Parses the operators of a query. They count only at the edges of words, so that code and options
/// (`print("a")`, `--frozen`) stay intact. If nothing wanted is left, the whole text is wanted.
pub(crate) fn parse_query(text: &str) -> ParsedQuery<'_> {
    let mut parsed = ParsedQuery::default();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = &rest[start..];
        let minus = rest.strip_prefix('-');
        if let Some((inside, after)) = quoted(minus.unwrap_or(rest)) {
            rest = after;
            if minus.is_some() {
                parsed.unwanted.push(inside);
            } else {
                parsed.quoted.push(inside);
                push(&mut parsed.wanted, inside);
            }
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        match word.strip_prefix('-').filter(|word| is_unwanted(word)) {
            Some(unwanted) => parsed.unwanted.push(unwanted),
            None => push(&mut parsed.wanted, word),
        }
    }
    if parsed.wanted.contains(char::is_alphanumeric) {
        return parsed;
    }
    ParsedQuery {
        wanted: text.to_owned(),
        ..ParsedQuery::default()
    }
}

/// Splits a text after the quoted part at its beginning. The closing mark must end a word.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (open, close) = [('"', '"'), ('“', '”')]
        .into_iter()
        .find(|(open, _)| text.starts_with(*open))?;
    let inside = &text[open.len_utf8()..];
    let ends = inside.match_indices(close);
    let mut parts = ends.map(|(end, mark)| (&inside[..end], &inside[end + mark.len()..]));
    parts.find(|(_, after)| after.is_empty() || after.starts_with(char::is_whitespace))
}

fn is_unwanted(word: &str) -> bool {
    word.starts_with(char::is_alphanumeric) && word.chars().count() >= SHORTEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_count_at_the_edges_of_words() {
        let none: &[&str] = &[];
        for (text, wanted, quotes, minus) in [
            ("list  sort", "list sort", none, none),
            (
                "\"with statement\" nested",
                "with statement nested",
                &["with statement"][..],
                none,
            ),
            (
                "“with statement”",
                "with statement",
                &["with statement"],
                none,
            ),
            (
                "apple -pie -\"sour cream\"",
                "apple",
                none,
                &["pie", "sour cream"],
            ),
            ("python -m venv --help", "python -m venv --help", none, none),
            (
                "print(\"a\") x-ray e -= 1",
                "print(\"a\") x-ray e -= 1",
                none,
                none,
            ),
            ("\"open", "\"open", none, none),
            ("\"a\"b c\"", "a\"b c", &["a\"b c"], none),
            ("\"\" x", "x", &[""], none),
            ("-only", "-only", none, none),
            ("-only \"\"", "-only \"\"", none, none),
            ("ünï -straße", "ünï", none, &["straße"]),
            ("-", "-", none, none),
            ("", "", none, none),
        ] {
            let parsed = parse_query(text);
            assert_eq!(parsed.wanted, wanted, "{text}");
            assert_eq!(parsed.quoted, quotes, "{text}");
            assert_eq!(parsed.unwanted, minus, "{text}");
        }
    }
}
