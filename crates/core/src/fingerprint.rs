//! What tells the versions of a page apart without their text.

use crate::task::UrlKey;

/// Length of the stored form, in bytes.
const LENGTH: usize = 48;
/// Number of hash functions of a sketch.
const FUNCTIONS: usize = 8;
/// Number of equal values at which two sketches are nearly equal. A value is equal with the
/// probability that is the share of their words that the texts have in common.
const NEAR: usize = 5;
/// Maximum length of the part of a text that is sketched, in bytes.
const SKETCHED: usize = 16 * 1024;

/// The fingerprint of one version of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The version, which grows with each version of the page.
    pub version: u64,
    /// Hash of the body.
    pub hash: UrlKey,
    /// Hash of the title.
    pub title: u32,
    /// Length of the text, in bytes.
    pub text_bytes: u32,
    /// The words of the text.
    pub sketch: Sketch,
}

impl Fingerprint {
    /// Returns the fingerprint of a version whose body has this hash.
    pub fn of(version: u64, hash: UrlKey, title: &str, text: &str) -> Self {
        Fingerprint {
            version,
            hash,
            title: (hashed(title.trim().as_bytes()) >> 32) as u32,
            text_bytes: u32::try_from(text.len()).unwrap_or(u32::MAX),
            sketch: Sketch::of(text),
        }
    }

    /// Returns the stored form.
    pub fn to_bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.version.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.hash.0);
        bytes[24..28].copy_from_slice(&self.title.to_be_bytes());
        bytes[28..32].copy_from_slice(&self.text_bytes.to_be_bytes());
        for (place, value) in bytes[32..].chunks_exact_mut(2).zip(self.sketch.0) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    /// Reads the stored form; `None` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk()?;
        let (hash, rest) = rest.split_first_chunk()?;
        let (title, rest) = rest.split_first_chunk()?;
        let (text_bytes, rest) = rest.split_first_chunk()?;
        let mut sketch = [0; FUNCTIONS];
        if rest.len() != 2 * FUNCTIONS {
            return None;
        }
        for (value, bytes) in sketch.iter_mut().zip(rest.chunks_exact(2)) {
            *value = u16::from_be_bytes([bytes[0], bytes[1]]);
        }
        Some(Fingerprint {
            version: u64::from_be_bytes(*version),
            hash: UrlKey(*hash),
            title: u32::from_be_bytes(*title),
            text_bytes: u32::from_be_bytes(*text_bytes),
            sketch: Sketch(sketch),
        })
    }
}

/// The smallest hashes of a text's words (MinHash): texts with nearly the same words have nearly
/// the same sketch, whatever the order of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch(pub [u16; FUNCTIONS]);

impl Sketch {
    /// Returns the sketch of a text.
    pub fn of(text: &str) -> Self {
        let mut least = [u16::MAX; FUNCTIONS];
        let text = &text[..text.floor_char_boundary(SKETCHED)];
        for word in text.split_whitespace() {
            let hash = hashed(word.as_bytes());
            for (number, least) in (1_u64..).zip(&mut least) {
                let value = (mixed(hash.wrapping_add(number)) >> 48) as u16;
                *least = value.min(*least);
            }
        }
        Sketch(least)
    }

    /// Returns whether another text has nearly the same words.
    pub fn is_near(&self, other: &Sketch) -> bool {
        let equal = self.0.iter().zip(other.0).filter(|(a, b)| **a == *b);
        equal.count() >= NEAR
    }
}

/// FNV-1a with a final mix. Stored values depend on it, so it never changes.
fn hashed(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mixed(hash)
}

/// The finalizer of SplitMix64.
fn mixed(mut value: u64) -> u64 {
    value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(text: &str) -> Fingerprint {
        Fingerprint::of(7, UrlKey::hash(text.as_bytes()), "Title", text)
    }

    #[test]
    fn the_stored_form_gives_the_fingerprint_back() {
        let print = print("some words");
        assert_eq!(Fingerprint::from_bytes(&print.to_bytes()), Some(print));
        for wrong in [&[][..], &[0; 47], &[0; 49]] {
            assert_eq!(Fingerprint::from_bytes(wrong), None);
        }
    }

    #[test]
    fn a_block_page_with_a_token_is_nearly_the_same_page() {
        let block = |token: u32| {
            Sketch::of(&format!(
                "Checking your browser before you may see this page. It takes some seconds, and \
                 happens by itself. Your request has the number {token:08x}, in case that you have \
                 to ask the owner of the site about it."
            ))
        };
        let near = (1..100).filter(|&token| block(0).is_near(&block(token)));
        assert!(near.count() >= 98);
        let other = Sketch::of("A page about the weather: there will be rain, wind, and some sun.");
        assert!(!block(0).is_near(&other));
    }

    #[test]
    fn texts_without_words_are_the_same() {
        assert!(Sketch::of("").is_near(&Sketch::of(" \n")));
        assert!(!Sketch::of("").is_near(&Sketch::of("a few words")));
    }
}
