//! Completes names and words from the dictionaries of the index.
//!
//! The term of a name holds everything that a completion displays, so that completion reads no
//! page: the name, its number of links, its text and its URL, separated by tabs.

use std::collections::HashMap;

use canter_core::document::Document;
use canter_ranking::completion::{MAX_WORDS, NameEntry, Named, Prefix, rank, whole_first};
use tantivy::postings::TermInfo;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED};
use url::Url;

use crate::filter::behind;
use crate::schema::{Fields, column};

/// Maximum number of terms that are read of a segment; only single letters begin more terms.
const MAX_TERMS: usize = 20_000;
/// Number of candidates for each wanted name, since some names belong to deleted pages.
const SPARE: usize = 8;

/// Returns the term of a name.
pub(super) fn coded(entry: &NameEntry<'_>, document: &Document) -> String {
    let mut url = document.url.clone();
    url.set_fragment(entry.anchor);
    let known = entry.known.min(0xFFFF);
    let text = entry.text.replace('\t', " ");
    format!("{}\t{known:04x}\t{text}\t{url}", entry.name)
}

/// The term of a name, parsed.
struct NameTerm<'a> {
    name: &'a str,
    known: u32,
    text: &'a str,
    url: &'a str,
}

impl<'a> NameTerm<'a> {
    fn read(term: &'a str) -> Option<Self> {
        let mut parts = term.splitn(4, '\t');
        Some(NameTerm {
            name: parts.next()?,
            known: u32::from_str_radix(parts.next()?, 16).ok()?,
            text: parts.next()?,
            url: parts.next()?,
        })
    }

    fn named(&self, prefix: &Prefix) -> Option<Named> {
        Some(Named {
            text: self.text.to_owned(),
            url: Url::parse(self.url).ok()?,
            whole: self.name == prefix.name,
            known: self.known,
        })
    }
}

/// Returns the names that complete a prefix; see [`canter_ranking::search::SearchIndex::names`].
pub(super) fn names(
    searcher: &Searcher,
    fields: &Fields,
    prefix: &Prefix,
) -> tantivy::Result<Vec<Named>> {
    let mut names = Vec::new();
    for segment in searcher.segment_readers() {
        let mut best = Best::new(prefix);
        each_term(segment, fields.completions, &prefix.name, |term, place| {
            best.add(term, place);
        })?;
        names.extend(best.living(segment, fields)?);
    }
    Ok(Named::best(names, prefix.limit))
}

/// Candidates for the best names of a segment.
struct Best<'a> {
    prefix: &'a Prefix,
    most: usize,
    candidates: Vec<(String, TermInfo)>,
}

impl<'a> Best<'a> {
    fn new(prefix: &'a Prefix) -> Self {
        Best {
            prefix,
            most: SPARE * prefix.limit,
            candidates: Vec::new(),
        }
    }

    fn add(&mut self, term: &str, place: &TermInfo) {
        self.candidates.push((term.to_owned(), place.clone()));
        if self.candidates.len() >= 4 * self.most.max(1) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let whole = |name: &NameTerm<'_>| name.name == self.prefix.name;
        self.candidates.sort_by_cached_key(|(term, _)| {
            let name = NameTerm::read(term);
            name.map_or(rank(false, 0, ""), |name| {
                rank(whole(&name), name.known, name.text)
            })
        });
        whole_first(&mut self.candidates, |(term, _)| {
            NameTerm::read(term).is_some_and(|name| whole(&name))
        });
        self.candidates.truncate(self.most);
    }

    /// Returns the names of pages that are not deleted and belong to the right site.
    fn living(mut self, segment: &SegmentReader, fields: &Fields) -> tantivy::Result<Vec<Named>> {
        self.cut();
        let index = segment.inverted_index(fields.completions)?;
        let sites = segment.fast_fields().str(column::SITE)?;
        let site = match (&self.prefix.site, &sites) {
            (Some(site), Some(sites)) => Some(sites.dictionary().term_ord(site)?),
            _ => None,
        };
        let mut living = Vec::new();
        for (term, place) in &self.candidates {
            let mut pages = index.read_postings_from_terminfo(place, IndexRecordOption::Basic)?;
            while pages.doc() != TERMINATED {
                let page = pages.doc();
                let of_site = site.is_none_or(|site| {
                    let own = sites.as_ref().and_then(|sites| sites.ords().first(page));
                    own.is_some() && own == site
                });
                if of_site && !segment.is_deleted(page) {
                    let named = NameTerm::read(term).and_then(|name| name.named(self.prefix));
                    living.extend(named);
                    break;
                }
                pages.advance();
            }
        }
        Ok(living)
    }
}

/// Returns the words that complete a prefix; see [`canter_ranking::search::SearchIndex::words`].
pub(super) fn words(
    searcher: &Searcher,
    fields: &Fields,
    prefix: &str,
) -> tantivy::Result<Vec<(String, u64)>> {
    let mut pages: HashMap<String, u64> = HashMap::new();
    for segment in searcher.segment_readers() {
        each_term(segment, fields.spelled, prefix, |word, place| {
            *pages.entry(word.to_owned()).or_default() += u64::from(place.doc_freq);
        })?;
    }
    let mut words: Vec<(String, u64)> = pages.into_iter().collect();
    words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.truncate(MAX_WORDS);
    Ok(words)
}

/// Passes the terms of a field that have the given prefix to `give`.
fn each_term(
    segment: &SegmentReader,
    field: Field,
    prefix: &str,
    mut give: impl FnMut(&str, &TermInfo),
) -> tantivy::Result<()> {
    let index = segment.inverted_index(field)?;
    let range = index.terms().range().ge(prefix).lt(behind(prefix));
    let mut terms = range.into_stream()?;
    for _ in 0..MAX_TERMS {
        let Some((term, place)) = terms.next() else {
            break;
        };
        if let Ok(term) = std::str::from_utf8(term) {
            give(term, place);
        }
    }
    Ok(())
}
