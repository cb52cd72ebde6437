//! What a section or a question is about, beyond its words: a vector, so that a question finds a section
//! that answers it in other words.
//!
//! The vector of a text is the sum of the vectors of its words. Those are a part of the program,
//! `meaning/words.txt` and `meaning/vectors.bin`, which `meaning/make.py` makes. They are of English;
//! a text in another language has no vector.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::RandomState;

use crate::terms::{SectionTerms, with_sections_above};

/// Number of dimensions of a vector.
pub const DIMENSIONS: usize = 32;
/// Number of pages, best first, of which the vectors are compared with that of a question.
pub const COMPARED: usize = 15;
/// Number of sections of a page whose closeness counts.
const CLOSEST: usize = 5;
/// Maximum number of words of a section that are looked at.
const MAX_WORDS: usize = 200;
/// Length of a vector.
const UNIT: f32 = 127.0;

/// A vector of length 127, rounded; all zeros for a text without known words.
pub type Meaning = [i8; DIMENSIONS];

/// The stems in the order of their vectors, a line each.
const WORDS: &str = include_str!("../meaning/words.txt");
/// The vectors, one after the other.
static VECTORS: &[u8] = include_bytes!("../meaning/vectors.bin");

static PLACES: LazyLock<HashMap<&'static str, Place, RandomState>> = LazyLock::new(|| {
    let words = WORDS.lines().zip(0..);
    words.map(|(word, place)| (word, Place(place))).collect()
});

/// The place of a word among the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u16);

impl Place {
    /// The place of every word without a vector.
    pub(crate) const NONE: Place = Place(u16::MAX);

    /// Returns the place of an English stem.
    pub(crate) fn of(stem: &str) -> Place {
        PLACES.get(stem).copied().unwrap_or(Place::NONE)
    }
}

/// A sum of vectors.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum([i32; DIMENSIONS]);

impl Sum {
    pub(crate) fn of(places: impl IntoIterator<Item = Place>) -> Self {
        let mut sum = Sum::default();
        for Place(place) in places {
            let start = usize::from(place) * DIMENSIONS;
            let vector = VECTORS.get(start..start + DIMENSIONS).unwrap_or_default();
            for (sum, number) in sum.0.iter_mut().zip(vector) {
                *sum += i32::from(number.cast_signed());
            }
        }
        sum
    }

    fn plus(mut self, other: Sum) -> Sum {
        for (sum, number) in self.0.iter_mut().zip(other.0) {
            *sum += number;
        }
        self
    }

    /// Returns the vector in the direction of the sum.
    pub(crate) fn meaning(self) -> Meaning {
        let numbers = self.0.map(|number| number as f32);
        let length = numbers.iter().map(|it| it * it).sum::<f32>().sqrt();
        numbers.map(|number| (number * UNIT / length.max(1.0)).round() as i8)
    }
}

/// Returns the vectors of a page's sections, or that of its text if it has none. `headings` are the
/// words of each section's heading.
pub(crate) fn meanings(
    title: &[Place],
    text: &[Place],
    sections: &[SectionTerms],
    headings: &[Vec<Place>],
) -> Vec<Meaning> {
    let of = |places: &[Place]| Sum::of(places.iter().copied());
    let title = of(title);
    if sections.is_empty() {
        let text = &text[..text.len().min(MAX_WORDS)];
        return vec![title.plus(of(text)).meaning()];
    }
    let headings: Vec<Sum> = headings.iter().map(|heading| of(heading)).collect();
    let mut meanings = Vec::with_capacity(sections.len());
    with_sections_above(sections, |at, above| {
        let start = sections[at].start;
        let next = sections.get(at + 1).map_or(text.len(), |next| next.start);
        let end = next.min(start + MAX_WORDS);
        let own = text.get(start..end).unwrap_or_default();
        let path = above.iter().chain([&at]);
        let path = path.fold(title, |sum, &place| sum.plus(headings[place]));
        meanings.push(path.plus(of(own)).meaning());
    });
    meanings
}

/// Returns how close the closest sections of a page are to a question, from 0 to 1.
pub(crate) fn closeness(question: &Meaning, sections: impl Iterator<Item = Meaning>) -> f32 {
    let cosine = |section: Meaning| {
        let products = question.iter().zip(section);
        let product: i32 = products.map(|(a, b)| i32::from(*a) * i32::from(b)).sum();
        product as f32 / (UNIT * UNIT)
    };
    let mut closest: Vec<f32> = sections.map(cosine).collect();
    closest.sort_unstable_by(|a, b| b.total_cmp(a));
    closest.truncate(CLOSEST);
    let mean = closest.iter().sum::<f32>() / closest.len().max(1) as f32;
    mean.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(words: &[&str]) -> Meaning {
        Sum::of(words.iter().map(|word| Place::of(word))).meaning()
    }

    #[test]
    fn each_word_has_a_vector() {
        let words: Vec<&str> = WORDS.lines().collect();
        assert_eq!(words.len() * DIMENSIONS, VECTORS.len());
        assert!(words.is_sorted() && words.len() < usize::from(u16::MAX));
        assert_eq!(Place::of(words[7]), Place(7));
        assert_eq!(Place::of("xyzzy"), Place::NONE);
    }

    #[test]
    fn what_is_alike_is_close() {
        let near = |question: &[&str], section: &[&str]| {
            closeness(&meaning(question), [meaning(section)].into_iter())
        };
        for (question, answer, other) in [
            (
                ["remov", "directori"],
                ["delet", "folder"],
                ["time", "zone"],
            ),
            (["speed", "up"], ["faster", "perform"], ["delet", "folder"]),
            (
                ["encrypt", "secret"],
                ["password", "key"],
                ["font", "color"],
            ),
        ] {
            let (answer, other) = (near(&question, &answer), near(&question, &other));
            assert!(answer > other + 0.2, "{question:?}: {answer} {other}");
        }
    }

    #[test]
    fn the_closest_sections_count() {
        let (question, far) = (meaning(&["file"]), meaning(&["color"]));
        let near = |count: usize, others: usize| {
            let sections = [vec![question; count], vec![far; others]].concat();
            closeness(&question, sections.into_iter())
        };
        assert!(near(5, 100) > 0.98 && near(1, 0) > 0.98);
        assert!(near(1, 100) < near(2, 100));
        assert_eq!(near(0, 0), 0.0);
    }

    #[test]
    fn nothing_known_is_close_to_nothing() {
        let nothing = meaning(&["xyzzy"]);
        assert_eq!(nothing, [0; DIMENSIONS]);
        assert_eq!(closeness(&nothing, [meaning(&["file"])].into_iter()), 0.0);
    }
}
