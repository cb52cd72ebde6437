//! BM25 with its own parameters for each field; Tantivy's BM25 has one set for all fields.

use canter_ranking::plan::Bm25Params;
use tantivy::fieldnorm::FieldNormReader;

/// The BM25 score of a term in a text, as a function of the term frequency and the length of the
/// text.
pub(super) struct Bm25 {
    /// Score at infinite term frequency.
    most: f32,
    /// Term frequency at half of the maximum score, by the length of the text as Tantivy rounds it.
    half: [f32; 256],
}

impl Bm25 {
    /// Returns the score of a term with an idf, in texts of an average length in words.
    pub(super) fn new(idf: f32, average: f32, params: Bm25Params, weight: f32) -> Self {
        let half = std::array::from_fn(|id| {
            let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
            params.k1 * (1.0 - params.b + params.b * length / average.max(1.0))
        });
        Bm25 {
            most: weight * idf * (params.k1 + 1.0),
            half,
        }
    }

    /// Returns the score. `length` is the length of the text as [`FieldNormReader::fieldnorm_id`]
    /// returns it.
    pub(super) fn score(&self, length: u8, count: u32) -> f32 {
        let count = count as f32;
        self.most * (count / (count + self.half[usize::from(length)]))
    }
}

/// Returns the inverse document frequency of a term, never below 0, as Lucene computes it.
/// `doc_count` is the number of texts, `doc_freq` the number of those that hold the term.
pub(super) fn idf(doc_count: u64, doc_freq: u64) -> f32 {
    let (doc_count, doc_freq) = (doc_count.max(doc_freq) as f32, doc_freq as f32);
    (1.0 + (doc_count - doc_freq + 0.5) / (doc_freq + 0.5)).ln()
}
