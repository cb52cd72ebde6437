//! The previous and the next page of results and their query strings.

use canter_ranking::query::{Hits, Query, WINDOW};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::parameters::DEFAULT_LIMIT;

/// All characters but the unreserved ones of RFC 3986 section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Returns the next page of results, if there are more and the window allows them. The last page
/// inside the window may be short. Near-duplicates count as matching pages but make one result, so
/// a page that is not full is the last one.
pub(crate) fn next(query: &Query, hits: &Hits) -> Option<Query> {
    let offset = query.offset + query.limit;
    let full = hits.hits.len() >= query.limit;
    let more = u64::try_from(offset).is_ok_and(|offset| offset < hits.total);
    (full && (more || !hits.exact) && offset < WINDOW).then(|| Query {
        offset,
        limit: query.limit.min(WINDOW - offset),
        ..query.clone()
    })
}

/// Returns the previous page of results; none for the first page.
pub(crate) fn previous(query: &Query) -> Option<Query> {
    (query.offset > 0).then(|| Query {
        offset: query.offset.saturating_sub(query.limit),
        ..query.clone()
    })
}

/// Returns the query string of a search, without a question mark and without default values.
pub(crate) fn query_string(query: &Query) -> String {
    let mut text = format!("q={}", escape(&query.text));
    let filters = [
        ("site", &query.site),
        ("lang", &query.language),
        ("path", &query.path),
    ];
    for (name, value) in filters {
        if let Some(value) = value {
            text += &format!("&{name}={}", escape(value));
        }
    }
    if query.limit != DEFAULT_LIMIT {
        text += &format!("&limit={}", query.limit);
    }
    if query.offset != 0 {
        text += &format!("&offset={}", query.offset);
    }
    text
}

fn escape(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, ESCAPED)
}
