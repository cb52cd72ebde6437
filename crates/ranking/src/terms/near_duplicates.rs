//! Detects near-duplicates, such as versions of a page or copies with another date.
//!
//! The few shingles (runs of words) with the smallest hashes represent a page, as in Broder's
//! min-wise sketches. Pages that share nearly all shingles nearly always share these; pages that
//! share half of them hardly ever do.

/// Number of words in a shingle.
const SHINGLE: usize = 5;
/// Number of shingles that represent a page. This number detects 94 % of the pairs of pages that
/// share 99 % of their shingles, and 2 % of the pairs that share half of them.
const SMALLEST: usize = 6;
/// Minimum length of a text, in words. Shorter texts are alike by accident.
const LEAST: usize = 60;

/// Returns a number that near-duplicates share; none for a short text. `text` is words joined by
/// spaces.
pub(super) fn fingerprint(text: &str) -> Option<u64> {
    let mut smallest = [u64::MAX; SMALLEST];
    let mut shingle = [0; SHINGLE];
    let mut words = 0;
    let mut rest = text.as_bytes();
    while let Some((word, after)) = next_word(rest) {
        let [_, second, third, fourth, fifth] = shingle;
        shingle = [second, third, fourth, fifth, word];
        words += 1;
        rest = after;
        if words < SHINGLE {
            continue;
        }
        let together = shingle.iter().fold(0, |all, word| mix(all ^ word));
        let last = smallest[SMALLEST - 1];
        if together < last && !smallest.contains(&together) {
            smallest[SMALLEST - 1] = together;
            smallest.sort_unstable();
        }
    }
    (words >= LEAST).then(|| smallest.iter().fold(0, |all, next| mix(all ^ next)))
}

/// Returns the hash (FNV-1a) of the word that a text begins with, and the text after its space; none
/// at the end.
fn next_word(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    for (at, byte) in text.iter().enumerate() {
        if *byte == b' ' {
            return Some((hash, &text[at + 1..]));
        }
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    }
    (!text.is_empty()).then_some((hash, &[]))
}

/// Applies the finalizer of SplitMix64: every input bit affects every output bit.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a text of `words` words that begins with word number `from`.
    fn text(from: usize, words: usize) -> String {
        let words: Vec<String> = (from..from + words).map(|n| format!("w{n}")).collect();
        words.join(" ")
    }

    #[test]
    fn nearly_the_same_is_told_and_half_the_same_is_not() {
        let mut told = 0;
        for from in (0..100_000).step_by(1_000) {
            let page = text(from, 500);
            let dated = format!("{page} 2026");
            let half = format!("{} {}", text(from, 250), text(from + 500, 250));
            told += usize::from(fingerprint(&page) == fingerprint(&dated));
            assert_ne!(fingerprint(&page), fingerprint(&half));
        }
        assert!(told > 90, "{told}");
    }

    #[test]
    fn a_short_text_is_like_no_other() {
        assert_eq!(fingerprint(&text(0, LEAST - 1)), None);
        assert!(fingerprint(&text(0, LEAST)).is_some());
        assert_eq!(fingerprint(""), None);
    }
}
