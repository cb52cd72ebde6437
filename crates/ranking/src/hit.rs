//! Builds the results of matching pages in the same way for every index.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::plan::{Field, Plan};
use crate::query::{DEEP_LINKS, Hit, SectionHit};
use crate::snippet::{beginning, snippet, start};
use crate::terms::{PageTerms, names};
use crate::tokenizer::{Language, Tokenizer};
use canter_core::document::{Document, Stored, StoredSection};

/// The parts of a page that a result shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Id of the site.
    #[serde(rename = "s")]
    pub site: String,
    /// The page's URL.
    #[serde(rename = "u")]
    pub url: Url,
    /// The page's title.
    #[serde(rename = "t")]
    pub title: String,
    /// Time of the fetch, in milliseconds since the Unix epoch.
    #[serde(rename = "m")]
    pub fetched_at_ms: u64,
    /// Language of the page, by which its text is tokenized for the snippet.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// See [`PageTerms::known`].
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub known: Option<u32>,
    /// The beginning of the text, which is shown if no section matches.
    #[serde(rename = "x")]
    pub lead: String,
}

impl Shown {
    /// Returns the parts of a document that a result shows.
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

/// The parts of a section that a result shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage<'a> {
    /// Fragment of the section.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Cow<'a, str>>,
    /// The heading.
    #[serde(rename = "t")]
    pub title: Cow<'a, str>,
    /// The beginning of the text below the heading, from which the snippet is made.
    #[serde(rename = "x")]
    pub text: Cow<'a, str>,
    /// See [`SectionTerms::known`](crate::terms::SectionTerms::known).
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub known: Option<u32>,
}

impl<'a> Passage<'a> {
    /// Returns the passage of a section whose text begins with its heading.
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

/// Builds the result of a matching page. `passages` are its matching sections, best first; only
/// those that are shown are read. Stop words and signs match no section, so for a query of nothing
/// else [`Shown::lead`] is the [`start`] of the page's text, in which they are highlighted.
///
/// # Errors
///
/// Returns the error of a passage.
pub fn hit<'a, E>(
    page: Shown,
    passages: impl IntoIterator<Item = Result<Passage<'a>, E>>,
    score: f32,
    plan: &Plan,
    tokenizer: &mut Tokenizer,
) -> Result<Hit, E> {
    tokenizer.set_language(Language::of_tag(page.language.as_deref()));
    let mut best = None;
    let mut sections = Vec::new();
    for passage in passages {
        let passage = passage?;
        // A section without an anchor can be the best one, but not a deep link.
        if best.is_some() && passage.anchor.is_none() {
            continue;
        }
        let snippet = snippet(&passage.text, plan, tokenizer);
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
        snippet: best.unwrap_or_else(|| snippet(&page.lead, plan, tokenizer)),
        score,
        site: page.site,
        fetched_at_ms: page.fetched_at_ms,
        sections,
    })
}

/// The matches of a page in an index that stores whole pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// Numbers of the matching sections, best first.
    pub sections: Vec<usize>,
    /// Whether the page or one of its sections bears the query as its name.
    pub named: bool,
}

impl Matching {
    /// Builds the result of the page. `section` reads a section by its number, and returns none
    /// after the last one. It is called for the sections that are shown. Sections that bear the
    /// query as their name come first.
    ///
    /// # Errors
    ///
    /// Returns the error of `section`.
    pub fn hit<E>(
        self,
        stored: Stored,
        section: impl Fn(usize) -> Result<Option<StoredSection>, E>,
        score: f32,
        plan: &Plan,
        tokenizer: &mut Tokenizer,
    ) -> Result<Hit, E> {
        let mut sections = self.sections;
        if let Some(name) = plan.name.as_ref().filter(|_| self.named) {
            let mut named = Vec::new();
            for place in 0.. {
                let Some(section) = section(place)? else {
                    break;
                };
                let ids = section.anchor.iter().chain(&section.names);
                if names(&section.title, ids).contains(name) {
                    named.push(place);
                }
            }
            sections.retain(|place| !named.contains(place));
            sections.splice(..0, named);
        }
        let page = Shown {
            site: stored.site,
            url: stored.url,
            title: stored.title,
            fetched_at_ms: stored.fetched_at_ms,
            language: stored.language,
            known: None,
            lead: match plan.terms(Field::Sections).is_empty() {
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
        hit(page, passages, score, plan, tokenizer)
    }
}
