//! What BM25 has to know of all documents, counted for one kind of entry.

use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

/// Statistics over the entries of one kind: Tantivy would divide by pages and sections together,
/// and so take every text for longer than the average.
pub(super) struct OfKind<'a> {
    searcher: &'a Searcher,
    entries: u64,
}

impl<'a> OfKind<'a> {
    /// Statistics over the entries that hold a term. Deleted ones count until they are merged
    /// away, here as in the frequencies of terms.
    pub(super) fn new(searcher: &'a Searcher, kind: &Term) -> tantivy::Result<Self> {
        let entries = searcher.doc_freq(kind)?;
        Ok(OfKind { searcher, entries })
    }
}

impl Bm25StatisticsProvider for OfKind<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::total_num_tokens(self.searcher, field)
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        // Never below the frequency of a term, and never a division by zero.
        Ok(self.entries.max(1))
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        Bm25StatisticsProvider::doc_freq(self.searcher, term)
    }
}
