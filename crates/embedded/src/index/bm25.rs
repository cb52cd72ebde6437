//! BM25 with its own parameters for each field; Tantivy's BM25 has one set for all fields.

use canter_ranking::plan::Shape;
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
    /// Returns the score of a term with a rarity, in texts of an average length in words.
    pub(super) fn new(rarity: f32, average: f32, shape: Shape, weight: f32) -> Self {
        let half = std::array::from_fn(|id| {
            let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
            shape.k1 * (1.0 - shape.b + shape.b * length / average.max(1.0))
        });
        Bm25 {
            most: weight * rarity * (shape.k1 + 1.0),
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

/// Returns the rarity of a term: Lucene's idf, never below 0.
pub(super) fn rarity(texts: u64, holding: u64) -> f32 {
    let (texts, holding) = (texts.max(holding) as f32, holding as f32);
    (1.0 + (texts - holding + 0.5) / (holding + 0.5)).ln()
}
