//! A second lock on the door that snippets come in by.
//!
//! An index promises HTML in which only `<mark>` is markup. A snippet is the one text that the
//! page does not escape, so the promise is kept here too, whatever an index or an imported file
//! says.

use std::borrow::Cow;

/// The snippet with every `<` that opens something else than `<mark>` or `</mark>` escaped.
/// Without a `<` no tag, comment or declaration can begin.
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
