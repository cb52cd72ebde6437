//! A result, made of the page that was found: the same whatever index found it.

use crate::document::Stored;
use crate::query::{DEEP_LINKS, Hit, SectionHit};
use crate::snippet::snippet;
use crate::terms::{QueryTerms, names};
use crate::words::Words;

/// What an index says of a page that it found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// Places of the page's sections that match, best first.
    pub sections: Vec<usize>,
    /// The page, or a section of it, bears the query as its name.
    pub named: bool,
}

impl Matching {
    /// What is shown of the page. Sections that bear the query as their name come first.
    pub fn hit(self, stored: Stored, score: f32, terms: &QueryTerms, words: &mut Words) -> Hit {
        let mut sections = self.sections;
        if let Some(name) = terms.name.as_ref().filter(|_| self.named) {
            let bears = |place: &usize| {
                let section = &stored.sections[*place];
                let ids = section.anchor.iter().chain(&section.names);
                names(&section.title, ids).contains(name)
            };
            let bearers: Vec<usize> = (0..stored.sections.len()).filter(bears).collect();
            sections.retain(|place| !bearers.contains(place));
            sections.splice(..0, bearers);
        }
        let text_of = |place: &usize| {
            let section = stored.sections.get(*place)?;
            let text = stored.text.get(section.start..section.end)?;
            // The heading is shown as the link's title.
            let below = text
                .strip_prefix(section.title.as_str())
                .filter(|below| below.starts_with('\n') && !below.trim().is_empty());
            Some((section, below.unwrap_or(text)))
        };
        let best = sections.iter().find_map(text_of);
        let text = best.map_or(stored.text.as_str(), |(_, text)| text);
        let page_snippet = snippet(text, terms, words);
        let links = sections.iter().filter_map(text_of).filter_map(|found| {
            let mut url = stored.url.clone();
            url.set_fragment(Some(found.0.anchor.as_deref()?));
            Some((url, found))
        });
        let links = links.take(DEEP_LINKS).map(|(url, found)| SectionHit {
            url,
            title: match found.0.title.trim() {
                "" => stored.title.clone(),
                title => title.to_owned(),
            },
            snippet: match best == Some(found) {
                true => page_snippet.clone(),
                false => snippet(found.1, terms, words),
            },
        });
        let sections = links.collect();
        let title = match stored.title.trim() {
            "" => stored.url.to_string(),
            title => title.to_owned(),
        };
        Hit {
            url: stored.url,
            title,
            snippet: page_snippet,
            score,
            site: stored.site,
            fetched_at_ms: stored.fetched_at_ms,
            sections,
        }
    }
}
