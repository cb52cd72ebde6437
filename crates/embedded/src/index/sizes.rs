//! How many texts there are and how long they are: what BM25 has to know of all pages.
//!
//! Counted as Lucene counts: a text without a word is none, and what was replaced or deleted
//! counts until its segment is merged. So that both indexes score alike, a section is a text
//! among all sections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::index::SegmentId;
use tantivy::postings::Postings;
use tantivy::query::{Bm25StatisticsProvider, Bm25Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, Term};

use super::entry::Fields;
use super::sections::Sections;

/// Pages whose sections are counted for one word. Of a word in more pages every second, third, …
/// is counted: such a word tells little, and an answer is not to wait for the last digit of it.
const MOST_COUNTED: u64 = 4_096;

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

/// The sizes of each segment, which never change.
#[derive(Default)]
pub(super) struct Measured(Mutex<HashMap<SegmentId, Sizes>>);

impl Measured {
    /// The sizes of all that a searcher sees.
    pub(super) fn sizes(&self, searcher: &Searcher, fields: &Fields) -> tantivy::Result<Sizes> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sizes = Sizes::default();
        let mut seen = HashMap::new();
        for segment in searcher.segment_readers() {
            let id = segment.segment_id();
            let here = match known.get(&id) {
                Some(here) => *here,
                None => measure(segment, fields)?,
            };
            seen.insert(id, here);
            sizes.body.add(here.body);
            sizes.address.add(here.address);
            sizes.common.add(here.common);
            sizes.sections.add(here.sections);
        }
        *known = seen;
        Ok(sizes)
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

/// Counts the sections that hold a word.
pub(super) struct Census {
    segments: Vec<(Arc<InvertedIndexReader>, Sections)>,
    positions: Vec<u32>,
}

impl Census {
    pub(super) fn new(searcher: &Searcher, body: Field) -> tantivy::Result<Self> {
        let segments = searcher.segment_readers().iter();
        let segments =
            segments.map(|segment| Ok((segment.inverted_index(body)?, Sections::new(segment)?)));
        Ok(Census {
            segments: segments.collect::<tantivy::Result<_>>()?,
            positions: Vec::new(),
        })
    }

    /// How many sections hold a word that so many pages hold; about so many for a frequent one.
    pub(super) fn sections_with(&mut self, term: &Term, pages: u64) -> tantivy::Result<u64> {
        let each = pages.div_ceil(MOST_COUNTED).max(1);
        let (mut met, mut counted, mut found) = (0, 0, 0);
        for (index, sections) in &mut self.segments {
            let positions = IndexRecordOption::WithFreqsAndPositions;
            let Some(mut postings) = index.read_postings(term, positions)? else {
                continue;
            };
            while postings.doc() != TERMINATED {
                if met % each == 0 {
                    sections.take(postings.doc());
                    postings.positions(&mut self.positions);
                    found += sections.holding(&self.positions) as u64;
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
}
