//! Words like those of a query that no page holds.

use std::collections::HashMap;

use canter_ranking::terms::QueryTerms;
use canter_ranking::typos::{Missing, Typed};
use tantivy::query::FuzzyTermQuery;
use tantivy::{Searcher, Term};

use super::entry::Fields;
use super::offers::words;
use super::sizes::Measured;

/// The words of a query that no page holds, with those like them.
pub(super) fn missing(
    searcher: &Searcher,
    fields: &Fields,
    measured: &Measured,
    terms: &QueryTerms,
) -> tantivy::Result<Vec<Missing>> {
    let mut all = Vec::new();
    for typed in &terms.typed {
        let mut known = false;
        for term in &typed.terms {
            let term = Term::from_field_text(fields.body, term);
            known |= measured.postings(searcher, term)?.is_some();
        }
        if known {
            continue;
        }
        all.push(Missing {
            word: typed.word.clone(),
            like: like(searcher, fields, typed)?,
            longer: match typed.begun {
                true => words(searcher, fields, &typed.word)?,
                false => Vec::new(),
            },
        });
    }
    Ok(all)
}

/// The words of pages with the fewest edits.
fn like(
    searcher: &Searcher,
    fields: &Fields,
    typed: &Typed,
) -> tantivy::Result<Vec<(String, u64)>> {
    let word = Term::from_field_text(fields.spelled, &typed.word);
    for edits in 1..=typed.most_edits() {
        let automaton = FuzzyTermQuery::new(word.clone(), edits, true);
        let mut pages: HashMap<String, u64> = HashMap::new();
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(fields.spelled)?;
            let words = index.terms().search(automaton.automaton()?);
            let mut words = words.into_stream()?;
            while let Some((word, known)) = words.next() {
                let word = String::from_utf8_lossy(word).into_owned();
                *pages.entry(word).or_default() += u64::from(known.doc_freq);
            }
        }
        if !pages.is_empty() {
            return Ok(pages.into_iter().collect());
        }
    }
    Ok(Vec::new())
}
