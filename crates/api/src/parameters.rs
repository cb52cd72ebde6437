//! The parameters of a search, read strictly from its query string: a search is valid as a whole,
//! or refused with the name of every invalid parameter.

use canter_ranking::query::{MAX_QUERY, Query, WINDOW};
use percent_encoding::percent_decode;
use serde::Serialize;

/// Number of results per page if the request gives none.
pub(crate) const DEFAULT_LIMIT: usize = 10;
/// Maximum number of results per page.
const MAX_LIMIT: usize = 100;
/// Maximum length of a filter's value, in characters.
const MAX_FILTER: usize = 500;
/// Maximum length of a language tag. RFC 5646 section 4.4.1 counts 35 characters for the longest
/// tag in practice.
const MAX_LANGUAGE: usize = 35;

/// An invalid parameter, and how to correct it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Invalid {
    /// Name of the parameter.
    pub(crate) parameter: &'static str,
    /// One sentence for a person.
    pub(crate) detail: String,
}

/// The known parameters of a query string, decoded but not validated.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    q: Option<String>,
    limit: Option<String>,
    offset: Option<String>,
    site: Option<String>,
    lang: Option<String>,
    path: Option<String>,
    faults: Vec<Invalid>,
}

impl Parameters {
    /// Decodes a raw query string in the encoding of HTML forms. Unknown parameters are ignored. A
    /// known parameter that is given twice or is no percent-encoded UTF-8 is a fault.
    pub(crate) fn read(raw: &str) -> Self {
        let mut all = Parameters::default();
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decode(name) else { continue };
            let (name, slot) = match name.as_str() {
                "q" => ("q", &mut all.q),
                "limit" => ("limit", &mut all.limit),
                "offset" => ("offset", &mut all.offset),
                "site" => ("site", &mut all.site),
                "lang" => ("lang", &mut all.lang),
                "path" => ("path", &mut all.path),
                _ => continue,
            };
            let fault = match (decode(value), &slot) {
                (_, Some(_)) => "is given more than once",
                (None, None) => "is no percent-encoded UTF-8",
                (Some(value), None) => {
                    *slot = Some(value);
                    continue;
                }
            };
            all.faults.push(invalid(name, fault));
        }
        all
    }

    /// Returns the trimmed text that the person typed; empty if there is nothing to search for.
    pub(crate) fn text(&self) -> &str {
        self.q.as_deref().unwrap_or_default().trim()
    }

    /// Returns whether there is nothing to search for, as when the search page is first opened.
    pub(crate) fn is_blank(&self) -> bool {
        self.text().is_empty() && self.faults.is_empty()
    }

    /// Returns the search, or all faults of its parameters.
    pub(crate) fn query(self) -> Result<Query, Vec<Invalid>> {
        let mut faults = self.faults;
        let known: Vec<_> = faults.iter().map(|fault| fault.parameter).collect();
        let mut fault = |name: &'static str, detail: String| {
            if !known.contains(&name) {
                faults.push(invalid(name, &detail));
            }
        };

        // Lengths are those of the description: with the white space around.
        let typed = self.q.as_deref().unwrap_or_default();
        let text = typed.trim().to_owned();
        match typed.chars().count() {
            _ if self.q.is_none() => fault("q", "is missing: it holds the words to find".into()),
            ..=MAX_QUERY if text.is_empty() => {
                fault("q", "is empty: it holds the words to find".into());
            }
            ..=MAX_QUERY => {}
            many => fault(
                "q",
                format!("has {many} characters; at most {MAX_QUERY} are allowed"),
            ),
        }

        let limit = number(self.limit.as_deref(), DEFAULT_LIMIT);
        let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
        if limit.is_none() {
            fault(
                "limit",
                format!("must be a whole number from 1 to {MAX_LIMIT}"),
            );
        }
        let offset = number(self.offset.as_deref(), 0);
        match offset {
            None => fault("offset", "must be a whole number, 0 or more".into()),
            Some(WINDOW..) => fault(
                "offset",
                format!("must be less than {WINDOW}; narrow the search"),
            ),
            Some(_) => {}
        }

        for (name, value) in [("site", &self.site), ("path", &self.path)] {
            let length = value.as_ref().map_or(0, |value| value.chars().count());
            if length > MAX_FILTER {
                fault(name, format!("is longer than {MAX_FILTER} characters"));
            }
        }
        let site = self.site.map(|name| name.trim().to_owned());
        let site = not_empty(site);
        let language = not_empty(self.lang).map(|tag| tag.to_lowercase());
        let path = not_empty(self.path);
        if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            fault("path", "must begin with a slash".into());
        }
        if language.as_ref().is_some_and(|tag| !is_language(tag)) {
            fault("lang", "must be a language tag such as en or pt-br".into());
        }

        match (limit, offset) {
            (Some(limit), Some(offset)) if faults.is_empty() => Ok(Query {
                text,
                // The last page of the window may be short.
                limit: limit.min(WINDOW - offset),
                offset,
                site,
                language,
                path,
            }),
            _ => Err(faults),
        }
    }
}

fn invalid(parameter: &'static str, what: &str) -> Invalid {
    Invalid {
        parameter,
        detail: format!("{parameter} {what}"),
    }
}

/// An empty filter, as from an empty field of a form, is no filter.
fn not_empty(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// Reads a number of digits only, without signs and spaces. `+5` is refused, since a form decodes
/// it to a space and a 5.
fn number(value: Option<&str>, default: usize) -> Option<usize> {
    match value {
        None => Some(default),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
    }
}

fn is_language(tag: &str) -> bool {
    tag.len() <= MAX_LANGUAGE
        && tag
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Decodes a name or value of `application/x-www-form-urlencoded` strictly. An invalid escape or
/// invalid UTF-8 gives none, where the parser of browsers would guess.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let whole = bytes.iter().enumerate().all(|(at, &byte)| {
        byte != b'%'
            || bytes
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    let spaced = text.replace('+', " ");
    whole
        .then(|| percent_decode(spaced.as_bytes()).decode_utf8().ok())
        .flatten()
        .map(|text| text.into_owned())
}
