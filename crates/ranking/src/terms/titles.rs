//! What a page is called: entries beside the names, which an index need not tell apart from them. A
//! name begins with no control character.

use std::ops::RangeInclusive;

/// Number of words of a phrase of a title.
pub(crate) const PHRASE: RangeInclusive<usize> = 2..=4;
/// Maximum number of words of a title that are looked at for phrases.
const MAX_TITLE: usize = 32;

/// Returns the entry of a name that is the page's own title or a part of it.
pub(crate) fn own_name(name: &str) -> String {
    format!("\u{1}{name}")
}

/// Returns the entry of a phrase that a title holds, given its words joined by spaces.
pub(crate) fn phrase(words: &str) -> String {
    format!("\u{2}{words}")
}

/// Returns the entries of a page, given its own names, and the words of its title without stop words,
/// joined by spaces.
pub(super) fn titles(names: &[String], title: &str) -> Vec<String> {
    let words: Vec<&str> = title.split_terminator(' ').take(MAX_TITLE).collect();
    let phrases = PHRASE.flat_map(|size| words.windows(size).map(|words| phrase(&words.join(" "))));
    let names = names.iter().map(|name| own_name(name));
    let mut titles: Vec<String> = names.chain(phrases).collect();
    titles.sort_unstable();
    titles.dedup();
    titles
}
