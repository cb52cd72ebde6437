//! Finds words of pages that are similar to the missing words of a plan.

use std::collections::HashMap;

use canter_ranking::corrections::{Missing, Typed};
use tantivy::query::FuzzyTermQuery;
use tantivy::{Searcher, Term};

use super::schema::Fields;
use super::statistics::Statistics;

/// Returns the typed words that no page holds, each with similar words of pages.
pub(super) fn missing(
    searcher: &Searcher,
    fields: &Fields,
    statistics: &Statistics,
    typed: &[Typed],
) -> tantivy::Result<Vec<Missing>> {
    let mut all = Vec::new();
    for typed in typed {
        let mut is_held = false;
        for term in &typed.terms {
            let term = Term::from_field_text(fields.body, term);
            is_held |= statistics.postings(searcher, term)?.is_some();
        }
        if !is_held {
            all.push(Missing {
                word: typed.word.clone(),
                like: like(searcher, fields, typed)?,
            });
        }
    }
    Ok(all)
}

/// Returns the words of pages with the fewest edits.
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
            while let Some((word, info)) = words.next() {
                let word = String::from_utf8_lossy(word).into_owned();
                *pages.entry(word).or_default() += u64::from(info.doc_freq);
            }
        }
        if !pages.is_empty() {
            return Ok(pages.into_iter().collect());
        }
    }
    Ok(Vec::new())
}
