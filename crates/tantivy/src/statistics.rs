//! Collection statistics: the number and the length of texts, which BM25 needs.
//!
//! Texts are counted as in Lucene: an empty text is not counted, and a replaced or deleted text
//! counts until its segment is merged. Sections count among all sections, so that both indexes
//! score alike.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canter_ranking::plan::Bm25Params;
use canter_ranking::tokenizer::Language;
use tantivy::index::SegmentId;
use tantivy::schema::Field;
use tantivy::{Searcher, SegmentReader, Term};

use crate::bm25::{Bm25, idf};
use crate::postings::Postings;
use crate::schema::{Fields, column};
use crate::sections::Sections;

/// Maximum number of cached terms; they take some MB.
const MAX_CACHED: usize = 20_000;

/// Statistics of one field.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FieldStatistics {
    /// Number of texts with at least one word.
    doc_count: u64,
    /// Total number of words of all texts.
    words: u64,
}

impl FieldStatistics {
    /// Returns the BM25 score of a term or of neighbours, given the number of texts that hold each.
    pub(super) fn weight<const WORDS: usize>(
        self,
        doc_freqs: [u64; WORDS],
        params: Bm25Params,
        weight: f32,
    ) -> Bm25 {
        let idfs = doc_freqs.map(|doc_freq| self.idf(doc_freq));
        let average = self.words as f32 / self.doc_count.max(1) as f32;
        Bm25::new(idfs.iter().sum(), average, params, weight)
    }

    /// Returns the inverse document frequency of a term that some texts hold.
    pub(super) fn idf(self, doc_freq: u64) -> f32 {
        idf(self.doc_count.max(1), doc_freq)
    }

    fn add(&mut self, other: FieldStatistics) {
        self.doc_count += other.doc_count;
        self.words += other.words;
    }
}

/// Statistics of all scored fields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CollectionStatistics {
    pub(super) body: FieldStatistics,
    pub(super) anchor_text: FieldStatistics,
    pub(super) address: FieldStatistics,
    pub(super) common: FieldStatistics,
    pub(super) sections: FieldStatistics,
}

/// A cache of statistics and posting lists between searches.
#[derive(Default)]
pub(super) struct Statistics(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    /// Statistics of each segment, which never change.
    segments: HashMap<SegmentId, CollectionStatistics>,
    /// Languages of the pages of each segment.
    languages: HashMap<SegmentId, Vec<String>>,
    /// The commit in which terms were looked up.
    generation: u64,
    /// Posting lists of terms; `None` for a term that no page has.
    terms: HashMap<Term, Option<Arc<Postings>>>,
}

impl Statistics {
    /// Returns the fields that are measured.
    pub(super) fn fields(fields: &Fields) -> [Field; 4] {
        [
            fields.body,
            fields.anchor_text,
            fields.address,
            fields.common,
        ]
    }

    /// Returns the statistics of all segments of a searcher.
    pub(super) fn collection(
        &self,
        searcher: &Searcher,
        fields: &Fields,
    ) -> tantivy::Result<CollectionStatistics> {
        let mut cache = self.cache();
        let mut all = CollectionStatistics::default();
        let mut seen = HashMap::new();
        for segment in searcher.segment_readers() {
            let id = segment.segment_id();
            let here = match cache.segments.get(&id) {
                Some(here) => *here,
                None => measure(segment, fields)?,
            };
            seen.insert(id, here);
            all.body.add(here.body);
            all.anchor_text.add(here.anchor_text);
            all.address.add(here.address);
            all.common.add(here.common);
            all.sections.add(here.sections);
        }
        cache.segments = seen;
        Ok(all)
    }

    /// Returns the languages of all pages of a searcher.
    pub(super) fn languages(&self, searcher: &Searcher) -> tantivy::Result<Vec<Language>> {
        let mut cache = self.cache();
        let mut seen = HashMap::new();
        for segment in searcher.segment_readers() {
            let id = segment.segment_id();
            let here = match cache.languages.remove(&id) {
                Some(here) => here,
                None => languages(segment)?,
            };
            seen.insert(id, here);
        }
        cache.languages = seen;
        let tags = cache.languages.values().flatten();
        Ok(Language::of_tags(tags.map(String::as_str)))
    }

    /// Returns the posting lists of a term; `None` if no page has it.
    pub(super) fn postings(
        &self,
        searcher: &Searcher,
        term: Term,
    ) -> tantivy::Result<Option<Arc<Postings>>> {
        let generation = searcher.generation().generation_id();
        let mut cache = self.cache();
        if cache.generation != generation || cache.terms.len() >= MAX_CACHED {
            cache.generation = generation;
            cache.terms.clear();
        }
        if let Some(postings) = cache.terms.get(&term) {
            return Ok(postings.clone());
        }
        // Other searches need not wait for the lookup.
        drop(cache);
        let postings = Postings::of(searcher, &term)?.map(Arc::new);
        let mut cache = self.cache();
        if cache.generation == generation {
            cache.terms.insert(term, postings.clone());
        }
        Ok(postings)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the languages of a segment's pages, without regions and duplicates.
fn languages(segment: &SegmentReader) -> tantivy::Result<Vec<String>> {
    let mut all = BTreeSet::new();
    if let Some(tags) = segment.fast_fields().str(column::LANGUAGE)? {
        let mut stream = tags.dictionary().stream()?;
        while stream.advance() {
            let tag = String::from_utf8_lossy(stream.key());
            all.insert(tag.split('-').next().unwrap_or_default().to_owned());
        }
    }
    // A page without a language counts as English.
    all.insert("en".to_owned());
    Ok(all.into_iter().collect())
}

fn measure(segment: &SegmentReader, fields: &Fields) -> tantivy::Result<CollectionStatistics> {
    let of = |field| -> tantivy::Result<FieldStatistics> {
        let lengths = segment.get_fieldnorms_reader(field)?;
        let words = segment.inverted_index(field)?.total_num_tokens();
        let pages = 0..segment.max_doc();
        let doc_count = pages.filter(|&page| lengths.fieldnorm_id(page) > 0).count() as u64;
        Ok(FieldStatistics { doc_count, words })
    };
    let mut of_sections = FieldStatistics::default();
    let mut sections = Sections::new(segment)?;
    for page in 0..segment.max_doc() {
        sections.take(page);
        for length in sections.lengths().filter(|length| *length > 0) {
            of_sections.doc_count += 1;
            of_sections.words += u64::from(length);
        }
    }
    let [body, anchor_text, address, common] = Statistics::fields(fields);
    Ok(CollectionStatistics {
        body: of(body)?,
        anchor_text: of(anchor_text)?,
        address: of(address)?,
        common: of(common)?,
        sections: of_sections,
    })
}
