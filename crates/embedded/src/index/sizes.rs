//! How many texts there are and how long they are: what BM25 has to know of all pages.
//!
//! Counted as Lucene counts: a text without a word is none, and what was replaced or deleted
//! counts until its segment is merged. So that both indexes score alike, a section is a text
//! among all sections.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canter_ranking::query::Shape;
use canter_ranking::words::Language;
use tantivy::index::SegmentId;
use tantivy::{Searcher, SegmentReader, Term};

use super::bm25::{Bm25, rarity};
use super::entry::{Fields, column};
use super::postings::Postings;
use super::sections::Sections;

/// Terms that are remembered, some MB.
const MOST_KNOWN: usize = 20_000;

/// Texts of one kind.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// Those that hold a word.
    texts: u64,
    /// Words of all of them.
    words: u64,
}

impl Size {
    /// What a word is worth that so many of the texts hold.
    pub(super) fn weight(self, with_it: u64, shape: Shape, counts: f32) -> Bm25 {
        self.weight_of([with_it], shape, counts)
    }

    /// What words side by side are worth, each of which so many of the texts hold.
    pub(super) fn weight_of<const WORDS: usize>(
        self,
        with_each: [u64; WORDS],
        shape: Shape,
        counts: f32,
    ) -> Bm25 {
        let texts = self.texts.max(1);
        let rarity = with_each.map(|with_it| rarity(texts, with_it));
        let average = self.words as f32 / texts as f32;
        Bm25::new(rarity.iter().sum(), average, shape, counts)
    }

    fn add(&mut self, other: Size) {
        self.texts += other.texts;
        self.words += other.words;
    }
}

/// The sizes of everything that is weighed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) body: Size,
    pub(super) mentions: Size,
    pub(super) address: Size,
    pub(super) common: Size,
    pub(super) sections: Size,
}

/// What was counted for earlier searches.
#[derive(Default)]
pub(super) struct Measured(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The sizes of each segment, which never change.
    segments: HashMap<SegmentId, Sizes>,
    /// Languages of the pages of each segment.
    languages: HashMap<SegmentId, Vec<String>>,
    /// The commit in which terms were looked up.
    generation: u64,
    /// Where they lie; none where no page has them.
    terms: HashMap<Term, Option<Arc<Postings>>>,
}

impl Measured {
    /// The sizes of all that a searcher sees.
    pub(super) fn sizes(&self, searcher: &Searcher, fields: &Fields) -> tantivy::Result<Sizes> {
        let mut known = self.known();
        let mut sizes = Sizes::default();
        let mut seen = HashMap::new();
        for segment in searcher.segment_readers() {
            let id = segment.segment_id();
            let here = match known.segments.get(&id) {
                Some(here) => *here,
                None => measure(segment, fields)?,
            };
            seen.insert(id, here);
            sizes.body.add(here.body);
            sizes.mentions.add(here.mentions);
            sizes.address.add(here.address);
            sizes.common.add(here.common);
            sizes.sections.add(here.sections);
        }
        known.segments = seen;
        Ok(sizes)
    }

    /// The languages of all pages that a searcher sees.
    pub(super) fn languages(&self, searcher: &Searcher) -> tantivy::Result<Vec<Language>> {
        let mut known = self.known();
        let mut seen = HashMap::new();
        for segment in searcher.segment_readers() {
            let id = segment.segment_id();
            let here = match known.languages.remove(&id) {
                Some(here) => here,
                None => languages(segment)?,
            };
            seen.insert(id, here);
        }
        known.languages = seen;
        let tags = known.languages.values().flatten();
        Ok(Language::of_tags(tags.map(String::as_str)))
    }

    /// Where a term lies in each segment; none where no page has it.
    pub(super) fn postings(
        &self,
        searcher: &Searcher,
        term: Term,
    ) -> tantivy::Result<Option<Arc<Postings>>> {
        let generation = searcher.generation().generation_id();
        let mut known = self.known();
        if known.generation != generation || known.terms.len() >= MOST_KNOWN {
            known.generation = generation;
            known.terms.clear();
        }
        if let Some(postings) = known.terms.get(&term) {
            return Ok(postings.clone());
        }
        // Nobody waits while another one looks.
        drop(known);
        let postings = Postings::of(searcher, &term)?.map(Arc::new);
        let mut known = self.known();
        if known.generation == generation {
            known.terms.insert(term, postings.clone());
        }
        Ok(postings)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The languages of a segment's pages, each once, without their regions.
fn languages(segment: &SegmentReader) -> tantivy::Result<Vec<String>> {
    let mut all = BTreeSet::new();
    if let Some(tags) = segment.fast_fields().str(column::LANGUAGE)? {
        let mut stream = tags.dictionary().stream()?;
        while stream.advance() {
            let tag = String::from_utf8_lossy(stream.key());
            all.insert(tag.split('-').next().unwrap_or_default().to_owned());
        }
    }
    // A page that names none is taken for an English one.
    all.insert("en".to_owned());
    Ok(all.into_iter().collect())
}

fn measure(segment: &SegmentReader, fields: &Fields) -> tantivy::Result<Sizes> {
    let size = |field| -> tantivy::Result<Size> {
        let lengths = segment.get_fieldnorms_reader(field)?;
        let words = segment.inverted_index(field)?.total_num_tokens();
        let pages = 0..segment.max_doc();
        let texts = pages.filter(|&page| lengths.fieldnorm_id(page) > 0).count() as u64;
        Ok(Size { texts, words })
    };
    let mut of_sections = Size::default();
    let mut sections = Sections::new(segment)?;
    for page in 0..segment.max_doc() {
        sections.take(page);
        for length in sections.lengths().filter(|length| *length > 0) {
            of_sections.texts += 1;
            of_sections.words += u64::from(length);
        }
    }
    Ok(Sizes {
        body: size(fields.body)?,
        mentions: size(fields.mentions)?,
        address: size(fields.address)?,
        common: size(fields.common)?,
        sections: of_sections,
    })
}
