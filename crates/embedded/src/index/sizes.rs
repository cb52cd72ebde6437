//! How many texts there are and how long they are: what BM25 has to know of all pages.
//!
//! Counted as Lucene counts: a text without a word is none, and what was replaced or deleted
//! counts until its segment is merged. So that both indexes score alike, a section is a text
//! among all sections.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::index::SegmentId;
use tantivy::postings::Postings;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED, Term};

use super::entry::Fields;
use super::sections::Sections;

/// Pages whose sections are counted for one word. Of a word in more pages every second, third, …
/// is counted: such a word tells little, and an answer is not to wait for the last digit of it.
const MOST_COUNTED: u64 = 4_096;

/// Words whose sections are remembered, some MB.
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
    pub(super) fn weight(self, with_it: u64) -> Bm25Weight {
        let texts = self.texts.max(with_it).max(1);
        let average = self.words as f32 / texts as f32;
        Bm25Weight::for_one_term_without_explain(with_it, texts, average)
    }

    /// The same for Tantivy's own queries.
    pub(super) fn of(self, searcher: &Searcher) -> impl Bm25StatisticsProvider {
        Statistics {
            size: self,
            searcher,
        }
    }

    fn add(&mut self, other: Size) {
        self.texts += other.texts;
        self.words += other.words;
    }
}

struct Statistics<'a> {
    size: Size,
    searcher: &'a Searcher,
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, _: Field) -> tantivy::Result<u64> {
        Ok(self.size.words)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.size.texts.max(1))
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.searcher.doc_freq(term)
    }
}

/// The sizes of everything that is weighed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) body: Size,
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
    /// The commit that the sections were counted in, and how many of them hold a word.
    generation: u64,
    sections_with: HashMap<Term, u64>,
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
            sizes.address.add(here.address);
            sizes.common.add(here.common);
            sizes.sections.add(here.sections);
        }
        known.segments = seen;
        Ok(sizes)
    }

    /// How many sections hold a word that so many pages hold; about so many for a frequent one.
    pub(super) fn sections_with(
        &self,
        searcher: &Searcher,
        term: &Term,
        pages: u64,
    ) -> tantivy::Result<u64> {
        let generation = searcher.generation().generation_id();
        let mut known = self.known();
        if known.generation != generation || known.sections_with.len() >= MOST_KNOWN {
            known.generation = generation;
            known.sections_with.clear();
        }
        if let Some(count) = known.sections_with.get(term) {
            return Ok(*count);
        }
        // Nobody waits for a count.
        drop(known);
        let count = count_sections(searcher, term, pages)?;
        let mut known = self.known();
        if known.generation == generation {
            known.sections_with.insert(term.clone(), count);
        }
        Ok(count)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        address: size(fields.address)?,
        common: size(fields.common)?,
        sections: of_sections,
    })
}

fn count_sections(searcher: &Searcher, term: &Term, pages: u64) -> tantivy::Result<u64> {
    let each = pages.div_ceil(MOST_COUNTED).max(1);
    let (mut met, mut counted, mut found) = (0, 0, 0);
    let mut positions = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(term.field())?;
        let placed = IndexRecordOption::WithFreqsAndPositions;
        let Some(mut postings) = index.read_postings(term, placed)? else {
            continue;
        };
        let mut sections = Sections::new(segment)?;
        while postings.doc() != TERMINATED {
            if met % each == 0 {
                sections.take(postings.doc());
                postings.positions(&mut positions);
                found += sections.holding(&positions) as u64;
                counted += 1;
            }
            met += 1;
            postings.advance();
        }
    }
    Ok(match counted {
        0 => 0,
        counted => found * met / counted,
    })
}
