//! The posting lists of a term, looked up once in the dictionary of each segment of a commit.

use std::sync::OnceLock;

use tantivy::postings::{Postings as _, SegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED, Term};

use crate::sections::Sections;

/// Maximum number of pages whose sections are counted for a term. If more pages have the term, only
/// every second, third, … page is counted. Such a term has little weight, so an estimate suffices.
const MAX_COUNTED: u64 = 4_096;

/// The posting lists of a term in every segment.
pub(super) struct Postings {
    pub(super) field: Field,
    /// Number of pages that have the term.
    pub(super) pages: u64,
    /// The posting list in each segment; `None` for a segment without the term.
    infos: Vec<Option<TermInfo>>,
    sections: OnceLock<u64>,
}

impl Postings {
    /// Looks up a term; `None` if no segment has it.
    pub(super) fn of(searcher: &Searcher, term: &Term) -> tantivy::Result<Option<Self>> {
        let field = term.field();
        let (mut pages, mut infos) = (0, Vec::new());
        for segment in searcher.segment_readers() {
            let info = segment.inverted_index(field)?.get_term_info(term)?;
            pages += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
            infos.push(info);
        }
        Ok((pages > 0).then_some(Postings {
            field,
            pages,
            infos,
            sections: OnceLock::new(),
        }))
    }

    /// Returns the posting list in the segment with the given number.
    pub(super) fn within(
        &self,
        number: usize,
        segment: &SegmentReader,
        option: IndexRecordOption,
    ) -> tantivy::Result<Option<SegmentPostings>> {
        let info = self.infos.get(number).and_then(Option::as_ref);
        let index = segment.inverted_index(self.field)?;
        let postings = info.map(|info| index.read_postings_from_terminfo(info, option));
        Ok(postings.transpose()?)
    }

    /// Returns the number of sections that hold the term, a word of the body; estimated for a
    /// frequent term.
    pub(super) fn sections(&self, searcher: &Searcher) -> tantivy::Result<u64> {
        if let Some(known) = self.sections.get() {
            return Ok(*known);
        }
        let count = self.count_sections(searcher)?;
        Ok(*self.sections.get_or_init(|| count))
    }

    fn count_sections(&self, searcher: &Searcher) -> tantivy::Result<u64> {
        let each = self.pages.div_ceil(MAX_COUNTED).max(1);
        let (mut met, mut counted, mut found) = (0, 0, 0);
        let mut positions = Vec::new();
        for (number, segment) in searcher.segment_readers().iter().enumerate() {
            let placed = IndexRecordOption::WithFreqsAndPositions;
            let Some(mut postings) = self.within(number, segment, placed)? else {
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
}
