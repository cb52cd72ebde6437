//! Numbers, addresses and filters as the search page words them.

use canter_ranking::query::Query;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::answer::{Filters, Value};

/// Formats a number with commas between its thousands.
pub(super) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number of pages.
pub(super) fn pages(count: u64) -> String {
    let noun = if count == 1 { "page" } else { "pages" };
    format!("{} {noun}", grouped(count))
}

/// Splits a URL into the steps that lead to its page: the host, then each segment of the path,
/// decoded if it is safe to show.
pub(super) fn trail(url: &str) -> Vec<String> {
    let Ok(url) = Url::parse(url) else {
        return vec![url.to_owned()];
    };
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let path = url.path().split('/').filter(|part| !part.is_empty());
    let mut steps = vec![host];
    steps.extend(path.map(readable));
    if let (Some(last), Some(query)) = (steps.last_mut(), url.query()) {
        last.push('?');
        last.push_str(query);
    }
    steps
}

/// Decodes a segment, unless the result is not UTF-8 or holds characters that hide or reorder
/// others.
fn readable(part: &str) -> String {
    let unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    match percent_decode_str(part).decode_utf8() {
        Ok(text) if !text.contains(unseen) => text.into_owned(),
        _ => part.to_owned(),
    }
}

/// A filter of a search.
pub(super) struct Filter<'a> {
    /// Name for a person.
    pub(super) name: &'static str,
    /// Name in the query string.
    pub(super) parameter: &'static str,
    /// Value that the filter asks for.
    pub(super) value: &'a str,
    /// The search without the filter, from its first result.
    pub(super) without: Query,
}

/// Returns the filters of a search.
pub(super) fn filters(query: &Query) -> impl Iterator<Item = Filter<'_>> {
    let all = Query {
        offset: 0,
        ..query.clone()
    };
    let site = Query {
        site: None,
        ..all.clone()
    };
    let language = Query {
        language: None,
        ..all.clone()
    };
    let path = Query { path: None, ..all };
    [
        ("on", "site", &query.site, site),
        ("in language", "lang", &query.language, language),
        ("below", "path", &query.path, path),
    ]
    .into_iter()
    .filter_map(|(name, parameter, value, without)| {
        Some(Filter {
            name,
            parameter,
            value: value.as_deref()?,
            without,
        })
    })
}

/// The values that a filter of a search can have.
pub(super) struct Choice<'a> {
    /// Name for a person.
    pub(super) name: &'static str,
    /// Each value with its count and the search that is narrowed to it.
    pub(super) values: Vec<(&'a str, u64, Query)>,
}

/// Returns the filters that would leave out some of the results.
pub(super) fn choices<'a>(query: &Query, filters: &'a Filters) -> Vec<Choice<'a>> {
    type With = fn(Query, String) -> Query;
    let site: With = |query, site| Query {
        site: Some(site),
        ..query
    };
    let language: With = |query, language| Query {
        language: Some(language),
        ..query
    };
    let path: With = |query, path| Query {
        path: Some(path),
        ..query
    };
    let all = [
        ("Sites", &filters.site, &query.site, site),
        ("Languages", &filters.lang, &query.language, language),
        ("Folders", &filters.path, &query.path, path),
    ];
    let all = all.into_iter().filter_map(|(name, counted, chosen, with)| {
        let values = counted.iter().map(|Value { value, count }| {
            let all = Query {
                offset: 0,
                ..query.clone()
            };
            (value.as_str(), *count, with(all, value.clone()))
        });
        let values: Vec<_> = values
            .filter(|(value, ..)| chosen.as_deref() != Some(value))
            .collect();
        // A single value that all results share would not narrow the search.
        let parts = values.len() > 1 || (name == "Folders" && !values.is_empty());
        parts.then_some(Choice { name, values })
    });
    all.collect()
}
