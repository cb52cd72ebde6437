//! What a person who types may be about to write: a name that a page or a section bears, or a word
//! that pages hold.

use std::cmp::Reverse;
use std::collections::HashSet;

use url::Url;

use crate::search::SearchIndex;
use crate::terms::{PageTerms, QueryTerms};
use crate::words::{Words, name};
use canter_core::document::Document;
use canter_core::failure::Failure;

/// A longer heading is no name that anybody would choose from a list.
const LONGEST: usize = 100;
/// So many words that begin alike are looked at.
pub const MOST_WORDS: usize = 10;
/// A word of so many letters that pages hold is no beginning of another one.
const WHOLE_WORD: usize = 3;

/// What names are to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// As [`crate::terms::PageTerms::names`] are spelled; not empty.
    pub name: String,
    /// Only names of this site.
    pub site: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Beginning {
    /// What a person typed so far; none where no name begins like that.
    pub fn of(text: &str, site: Option<String>, limit: usize) -> Option<Self> {
        // Whoever types `os.` goes on with `path`.
        let text = text.trim_end_matches(|c: char| !c.is_alphanumeric());
        name(text).map(|name| Beginning { name, site, limit })
    }
}

/// A name that begins like what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// For a person.
    pub text: String,
    /// Where it leads.
    pub url: Url,
    /// It is the whole of what was typed.
    pub whole: bool,
    /// So many links lead there, as far as they are counted.
    pub known: u32,
}

impl Named {
    /// The best of some names, best first: one that is the whole of what was typed, then what is best
    /// known, then what is shorter. Each place once, and of one page each text once.
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

/// What comes earlier among names: what is best known, then what is shorter.
pub fn rank(whole: bool, known: u32, text: &str) -> (Reverse<(u32, bool)>, usize) {
    (Reverse((known, whole)), text.chars().count())
}

/// Of ranked names, the first that is the whole of what was typed goes before all others.
pub fn whole_first<T>(names: &mut [T], is_whole: impl Fn(&T) -> bool) {
    if let Some(whole) = names.iter().position(is_whole) {
        names[..=whole].rotate_right(1);
    }
}

/// A name of a page or of a section, as an index finds it by its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer<'a> {
    /// As a whole query is compared with it.
    pub name: &'a str,
    /// For a person.
    pub text: &'a str,
    /// Fragment that leads there; none for the page.
    pub anchor: Option<&'a str>,
    /// As [`Named::known`].
    pub known: u32,
}

/// The names that a page offers: its own and those of its sections.
pub fn bearers<'a>(
    document: &'a Document,
    terms: &'a PageTerms,
) -> impl Iterator<Item = Bearer<'a>> {
    let title = document.page.title.as_str();
    let own = terms.known.into_iter().flat_map(move |known| {
        terms.names.iter().map(move |name| Bearer {
            name,
            text: title,
            anchor: None,
            known,
        })
    });
    let sections = document.page.sections.iter().zip(&terms.sections);
    let sections = sections.filter_map(|(section, of)| Some((section, of, of.known?)));
    own.chain(sections.flat_map(|(section, of, known)| {
        of.names.iter().map(move |name| Bearer {
            name,
            text: &section.title,
            anchor: section.anchor.as_deref(),
            known,
        })
    }))
}

/// Whether a text can be chosen from a list.
pub(crate) fn is_offered(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 4 * LONGEST && text.chars().count() <= LONGEST
}

/// A way to go on with what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The whole query.
    pub text: String,
    /// Where it leads at once; none for words.
    pub url: Option<Url>,
}

/// Names that begin like what was typed, best first.
///
/// # Errors
///
/// Those of the index.
pub async fn names<I: SearchIndex>(
    index: &I,
    text: &str,
    site: Option<String>,
    limit: usize,
) -> Result<Vec<Completion>, Failure> {
    let Some(beginning) = Beginning::of(text, site, limit) else {
        return Ok(Vec::new());
    };
    let names = index.names(beginning).await?.into_iter();
    let names = names.map(|named| Completion {
        text: named.text,
        url: Some(named.url),
    });
    Ok(names.collect())
}

/// Ways to go on with what was typed, best first: names, then words in the place of the last one,
/// unless that is a word itself, or what was typed is the beginning of a single name.
///
/// # Errors
///
/// Those of the index.
pub async fn completions<I: SearchIndex>(
    index: &I,
    text: &str,
    site: Option<String>,
    limit: usize,
) -> Result<Vec<Completion>, Failure> {
    let mut all = names(index, text, site, limit).await?;
    let a_name = !all.is_empty() && !text.trim().contains(char::is_whitespace);
    let terms = QueryTerms::of(text, &[], &mut Words::default());
    let begun = terms.begun();
    let Some(last) = begun.filter(|_| !a_name && all.len() < limit) else {
        return Ok(all);
    };
    let words = index.words(last.word.clone()).await?;
    let is_word = words.iter().any(|(word, _)| *word == last.word);
    if is_word && last.word.chars().count() >= WHOLE_WORD {
        return Ok(all);
    }
    for (word, _) in words {
        let text = last.replaced(text, &word);
        let known = |other: &Completion| other.text.to_lowercase() == text.to_lowercase();
        if word != last.word && all.len() < limit && !all.iter().any(known) {
            all.push(Completion { text, url: None });
        }
    }
    Ok(all)
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
            let beginning = Beginning::of(text, None, 1);
            assert_eq!(beginning.map(|it| it.name).as_deref(), name, "{text}");
        }
    }
}
