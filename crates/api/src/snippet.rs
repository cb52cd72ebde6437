//! A second check of snippets.
//!
//! An index promises HTML in which only `<mark>` is markup. A snippet is the only text that the
//! page does not escape, so this module enforces the promise again, whatever an index or an
//! imported file holds.

use std::borrow::Cow;

/// Returns the snippet with every `<` escaped that does not open `<mark>` or `</mark>`. Without a
/// `<`, no tag, comment or declaration can begin.
pub(crate) fn only_marks(html: &str) -> Cow<'_, str> {
    let allowed = |at: usize| {
        let rest = &html[at..];
        rest.starts_with("<mark>") || rest.starts_with("</mark>")
    };
    if html.match_indices('<').all(|(at, _)| allowed(at)) {
        return Cow::Borrowed(html);
    }
    let mut safe = String::with_capacity(html.len() + 16);
    for (at, letter) in html.char_indices() {
        if letter == '<' && !allowed(at) {
            safe.push_str("&lt;");
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}
