//! Pages that are little more than their links.

use std::ops::Range;

/// Minimum share of a page's text that is anchor text if the page is a list.
const LIST: f32 = 0.5;

/// Returns whether a page is a list of links, such as an index or a table of contents. `links` are
/// the ranges of the links in the text, in their order.
pub fn is_list(text: &str, links: impl Iterator<Item = Range<usize>>) -> bool {
    let mut linked = 0;
    let mut end = 0;
    for link in links {
        linked += link.end.saturating_sub(link.start.max(end));
        end = end.max(link.end);
    }
    linked > 0 && linked as f32 >= LIST * text.len() as f32
}
