//! BM25, with a shape of its own for each field: Tantivy's knows one for all.

use canter_ranking::query::Shape;
use tantivy::fieldnorm::FieldNormReader;

/// What a term is worth in a text, by how often it is there and how long the text is.
pub(super) struct Bm25 {
    /// What infinitely many would be worth.
    most: f32,
    /// By the length of the text, as Tantivy rounds it: how many are worth half of that.
    half: [f32; 256],
}

impl Bm25 {
    /// Of something as rare as `rarity`, in texts of so many words on the average.
    pub(super) fn new(rarity: f32, average: f32, shape: Shape, counts: f32) -> Self {
        let half = std::array::from_fn(|id| {
            let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
            shape.k1 * (1.0 - shape.b + shape.b * length / average.max(1.0))
        });
        Bm25 {
            most: counts * rarity * (shape.k1 + 1.0),
            half,
        }
    }

    /// `length` as [`FieldNormReader::fieldnorm_id`] gives it.
    pub(super) fn score(&self, length: u8, count: u32) -> f32 {
        let count = count as f32;
        self.most * (count / (count + self.half[usize::from(length)]))
    }
}

/// How rare a term is that so many of the texts hold: Lucene's idf, never below 0.
pub(super) fn rarity(texts: u64, with_it: u64) -> f32 {
    let (texts, with_it) = (texts.max(with_it) as f32, with_it as f32);
    (1.0 + (texts - with_it + 0.5) / (with_it + 0.5)).ln()
}
