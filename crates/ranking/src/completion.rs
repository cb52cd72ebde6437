//! Completions of an unfinished query: names of pages and sections, and words of pages.

use std::cmp::Reverse;
use std::collections::HashSet;

use url::Url;

use crate::terms::PageTerms;
use crate::tokenizer::name;
use canter_core::document::Document;

/// Maximum number of words with the same prefix that an index lists.
pub const MAX_WORDS: usize = 10;

/// A prefix of names, as a person typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// The prefix, spelled as in [`crate::terms::PageTerms::names`]; not empty.
    pub name: String,
    /// Site whose names are wanted; none for all sites.
    pub site: Option<String>,
    /// Maximum number of names.
    pub limit: usize,
}

impl Prefix {
    /// Returns the prefix that a person typed; none if no name can begin like that.
    pub fn of(text: &str, site: Option<String>, limit: usize) -> Option<Self> {
        // `os.` may become `os.path`.
        let text = text.trim_end_matches(|c: char| !c.is_alphanumeric());
        name(text).map(|name| Prefix { name, site, limit })
    }
}

/// A name that begins like the typed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name as it is shown.
    pub text: String,
    /// URL of the page or the section.
    pub url: Url,
    /// Whether the name equals the typed text.
    pub whole: bool,
    /// Number of counted links to the page or the section.
    pub known: u32,
}

impl Named {
    /// Returns the best of some names, best first: a name that equals the typed text, then those
    /// with the most links, then the shorter ones. No URL is listed twice, and no text of one page.
    pub fn best(mut names: Vec<Named>, limit: usize) -> Vec<Named> {
        names.sort_by(|a, b| {
            let rank = |named: &Named| rank(named.whole, named.known, &named.text);
            let ties = a.text.cmp(&b.text).then_with(|| a.url.cmp(&b.url));
            rank(a).cmp(&rank(b)).then(ties)
        });
        whole_first(&mut names, |named| named.whole);
        let (mut places, mut texts) = (HashSet::new(), HashSet::new());
        names.retain(|named| {
            let mut page = named.url.clone();
            page.set_fragment(None);
            places.insert(named.url.clone()) && texts.insert((page, named.text.to_lowercase()))
        });
        names.truncate(limit);
        names
    }
}

/// Returns the sort key of a name: the most links first, then the shorter text.
pub fn rank(whole: bool, known: u32, text: &str) -> (Reverse<(u32, bool)>, usize) {
    (Reverse((known, whole)), text.chars().count())
}

/// Moves the first of the ranked names that equals the typed text to the front.
pub fn whole_first<T>(names: &mut [T], is_whole: impl Fn(&T) -> bool) {
    if let Some(whole) = names.iter().position(is_whole) {
        names[..=whole].rotate_right(1);
    }
}

/// A name of a page or a section, which can be found by its prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameEntry<'a> {
    /// The name, spelled as in [`crate::terms::PageTerms::names`].
    pub name: &'a str,
    /// The name as it is shown.
    pub text: &'a str,
    /// Fragment of the section; none for the page.
    pub anchor: Option<&'a str>,
    /// See [`Named::known`].
    pub known: u32,
}

/// Returns the names of a page and of its sections.
pub fn name_entries<'a>(
    document: &'a Document,
    terms: &'a PageTerms,
) -> impl Iterator<Item = NameEntry<'a>> {
    let title = document.page.title.as_str();
    let own = terms.known.into_iter().flat_map(move |known| {
        terms.names.iter().map(move |name| NameEntry {
            name,
            text: title,
            anchor: None,
            known,
        })
    });
    let sections = document.page.sections.iter().zip(&terms.sections);
    let sections = sections.filter_map(|(section, of)| Some((section, of, of.known?)));
    own.chain(sections.flat_map(|(section, of, known)| {
        of.names.iter().map(move |name| NameEntry {
            name,
            text: &section.title,
            anchor: section.anchor.as_deref(),
            known,
        })
    }))
}

/// A completion of an unfinished query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The completed query.
    pub text: String,
    /// URL of the named page or section; none for words.
    pub url: Option<Url>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, url: &str, whole: bool, known: u32) -> Named {
        Named {
            text: text.into(),
            url: Url::parse(&format!("https://a.test/{url}")).unwrap(),
            whole,
            known,
        }
    }

    #[test]
    fn the_best_names_come_first_and_once() {
        let best = Named::best(
            vec![
                named("Queues", "q#queues", false, 0),
                named("queues", "q", false, 5),
                named("queue.get", "q#queue.get", false, 9),
                named("Queue", "r#queue", true, 0),
                named("queue.put", "q#queue.put", false, 9),
                named("queue.put", "q#queue.put", false, 9),
                named("Queue", "t#queue", true, 0),
                named("Query", "s", false, 5),
            ],
            5,
        );
        let texts: Vec<&str> = best.iter().map(|named| named.text.as_str()).collect();
        assert_eq!(
            texts,
            ["Queue", "queue.get", "queue.put", "Query", "queues"]
        );
    }

    #[test]
    fn a_name_begins_with_letters_or_digits() {
        for (text, name) in [
            ("os.", Some("os")),
            ("OS.pa", Some("ospa")),
            ("list comp", Some("list comp")),
            ("list ", Some("list")),
            ("__in", Some("__in")),
            ("--", None),
            ("", None),
        ] {
            let prefix = Prefix::of(text, None, 1);
            assert_eq!(prefix.map(|it| it.name).as_deref(), name, "{text}");
        }
    }
}
