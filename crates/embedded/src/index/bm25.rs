//! BM25 with parameters for each field; Tantivy's has one set for all.

use canter_ranking::plan::Shape;
use tantivy::fieldnorm::FieldNormReader;

/// The score of a term in a text, by its frequency and the length of the text.
pub(super) struct Bm25 {
    /// Score at infinite frequency.
    most: f32,
    /// Frequency at half of that score, by the length of the text as Tantivy rounds it.
    half: [f32; 256],
}

impl Bm25 {
    /// Weighs a term of a rarity in texts of an average length, in words.
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

    /// `length` as [`FieldNormReader::fieldnorm_id`] gives it.
    pub(super) fn score(&self, length: u8, count: u32) -> f32 {
        let count = count as f32;
        self.most * (count / (count + self.half[usize::from(length)]))
    }
}

/// Rarity of a term: Lucene's idf, never below 0.
pub(super) fn rarity(texts: u64, holding: u64) -> f32 {
    let (texts, holding) = (texts.max(holding) as f32, holding as f32);
    (1.0 + (texts - holding + 0.5) / (holding + 0.5)).ln()
}
