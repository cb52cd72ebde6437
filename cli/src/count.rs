//! Numbers with their nouns.

use indicatif::HumanCount;

/// A number with its noun: `1 page`, `1,024 pages`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(number))
}
