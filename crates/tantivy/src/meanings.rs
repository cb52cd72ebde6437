//! The vectors of a page's sections: a column that holds each in four numbers.

use canter_ranking::meaning::{DIMENSIONS, Meaning};
use tantivy::columnar::Column;
use tantivy::{DocId, SegmentReader};

use crate::schema::column;
use crate::sections::values;

/// Number of dimensions in one value.
const BYTES: usize = 8;

/// Returns the values of the column for a page.
pub(super) fn packed(meanings: &[Meaning]) -> impl Iterator<Item = u64> {
    let parts = meanings
        .iter()
        .flat_map(|meaning| meaning.as_chunks::<BYTES>().0);
    parts.map(|part| u64::from_le_bytes(part.map(i8::cast_unsigned)))
}

/// Reads the vectors of the pages of a segment.
pub(super) struct Meanings {
    column: Option<Column<u64>>,
    /// Values of the current page.
    values: Vec<u64>,
}

impl Meanings {
    pub(super) fn new(segment: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Meanings {
            column: segment.fast_fields().column_opt::<u64>(column::MEANINGS)?,
            values: Vec::new(),
        })
    }

    /// Returns the vectors of a page's sections.
    pub(super) fn of(&mut self, page: DocId) -> impl Iterator<Item = Meaning> {
        self.values.clear();
        if let Some(column) = &self.column {
            values(column, page, &mut self.values);
        }
        let (meanings, _) = self.values.as_chunks::<{ DIMENSIONS / BYTES }>();
        meanings.iter().map(|parts| {
            let mut meaning = [0; DIMENSIONS];
            for (bytes, part) in meaning.as_chunks_mut::<BYTES>().0.iter_mut().zip(parts) {
                *bytes = part.to_le_bytes().map(u8::cast_signed);
            }
            meaning
        })
    }
}
