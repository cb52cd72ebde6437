//! A result, made of the page that was found: the same whatever index found it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::query::{DEEP_LINKS, Hit, SectionHit};
use crate::snippet::{beginning, snippet, start};
use crate::terms::{PageTerms, QueryTerms, names};
use crate::words::{Language, Words};
use canter_core::document::{Document, Stored, StoredSection};

/// What is shown of a page beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Id of the site.
    #[serde(rename = "s")]
    pub site: String,
    /// The page's URL.
    #[serde(rename = "u")]
    pub url: Url,
    /// The document's title.
    #[serde(rename = "t")]
    pub title: String,
    /// When it was fetched, milliseconds since the Unix epoch.
    #[serde(rename = "m")]
    pub fetched_at_ms: u64,
    /// Its language, in which the query's words are looked for to be marked.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// As [`PageTerms::known`].
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub known: Option<u32>,
    /// How its text begins: shown where no section matches.
    #[serde(rename = "x")]
    pub lead: String,
}

impl Shown {
    /// What is shown of a document.
    pub fn of(document: &Document, terms: &PageTerms) -> Self {
        Shown {
            site: document.site.clone(),
            url: document.url.clone(),
            title: document.page.title.clone(),
            fetched_at_ms: document.fetched_at.millis(),
            language: document.page.language.clone(),
            known: terms.known,
            lead: beginning(&document.page.text).to_owned(),
        }
    }
}

/// A section of a page, as a result shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage<'a> {
    /// Fragment that leads to it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Cow<'a, str>>,
    /// Its heading.
    #[serde(rename = "t")]
    pub title: Cow<'a, str>,
    /// What a snippet is made of: the beginning of its text below the heading, which is shown as
    /// the link's title.
    #[serde(rename = "x")]
    pub text: Cow<'a, str>,
    /// As [`SectionTerms::known`](crate::terms::SectionTerms::known).
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub known: Option<u32>,
}

impl<'a> Passage<'a> {
    /// Of a section's own text, which begins with its heading.
    pub fn new(anchor: Option<Cow<'a, str>>, title: Cow<'a, str>, text: &'a str) -> Self {
        let below = text
            .strip_prefix(&*title)
            .filter(|below| below.starts_with('\n') && !below.trim().is_empty());
        Passage {
            anchor,
            text: start(below.unwrap_or(text)).into(),
            title,
            known: None,
        }
    }
}

/// What is shown of a page that was found. `passages` are its sections that match, best first; no
/// more of them are read than are shown. No section is found by stop words and signs; for a query
/// of them alone [`Shown::lead`] is the [`start`] of the page's text, in which they are looked for.
///
/// # Errors
///
/// That of a passage.
pub fn hit<'a, E>(
    page: Shown,
    passages: impl IntoIterator<Item = Result<Passage<'a>, E>>,
    score: f32,
    terms: &QueryTerms,
    words: &mut Words,
) -> Result<Hit, E> {
    words.speak(Language::of_tag(page.language.as_deref()));
    let mut best = None;
    let mut sections = Vec::new();
    for passage in passages {
        let passage = passage?;
        // What no fragment leads to can be the best section, and no deep link.
        if best.is_some() && passage.anchor.is_none() {
            continue;
        }
        let snippet = snippet(&passage.text, terms, words);
        best.get_or_insert_with(|| snippet.clone());
        if let Some(anchor) = passage.anchor {
            let mut url = page.url.clone();
            url.set_fragment(Some(&anchor));
            let title = match passage.title.trim() {
                "" => page.title.clone(),
                title => title.to_owned(),
            };
            sections.push(SectionHit {
                url,
                title,
                snippet,
            });
        }
        if sections.len() == DEEP_LINKS {
            break;
        }
    }
    let title = match page.title.trim() {
        "" => page.url.to_string(),
        title => title.to_owned(),
    };
    Ok(Hit {
        url: page.url,
        title,
        snippet: best.unwrap_or_else(|| snippet(&page.lead, terms, words)),
        score,
        site: page.site,
        fetched_at_ms: page.fetched_at_ms,
        sections,
    })
}

/// What an index says of a page that it keeps as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// Places of the page's sections that match, best first.
    pub sections: Vec<usize>,
    /// The page, or a section of it, bears the query as its name.
    pub named: bool,
}

impl Matching {
    /// What is shown of the page, whose sections are read where they are shown: `section` gives the
    /// one at a place, and none behind the last. Sections that bear the query as their name come
    /// first.
    ///
    /// # Errors
    ///
    /// Those of reading a section.
    pub fn hit<E>(
        self,
        stored: Stored,
        section: impl Fn(usize) -> Result<Option<StoredSection>, E>,
        score: f32,
        terms: &QueryTerms,
        words: &mut Words,
    ) -> Result<Hit, E> {
        let mut sections = self.sections;
        if let Some(name) = terms.name.as_ref().filter(|_| self.named) {
            let mut bearers = Vec::new();
            for place in 0.. {
                let Some(section) = section(place)? else {
                    break;
                };
                let ids = section.anchor.iter().chain(&section.names);
                if names(&section.title, ids).contains(name) {
                    bearers.push(place);
                }
            }
            sections.retain(|place| !bearers.contains(place));
            sections.splice(..0, bearers);
        }
        let page = Shown {
            site: stored.site,
            url: stored.url,
            title: stored.title,
            fetched_at_ms: stored.fetched_at_ms,
            language: stored.language,
            known: None,
            lead: match terms.words.is_empty() {
                true => start(&stored.text).to_owned(),
                false => beginning(&stored.text).to_owned(),
            },
        };
        let text = &stored.text;
        let passages = sections.into_iter().filter_map(|place| {
            let passage = section(place).map(|section| {
                let section = section?;
                let text = text.get(section.start..section.end)?;
                let anchor = section.anchor.map(Cow::Owned);
                Some(Passage::new(anchor, section.title.into(), text))
            });
            passage.transpose()
        });
        hit(page, passages, score, terms, words)
    }
}
