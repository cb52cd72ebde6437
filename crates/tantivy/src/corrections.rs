//! Finds words of pages that are similar to the missing words of a plan.

use std::collections::HashMap;

use canter_ranking::corrections::{Missing, QueryWord};
use tantivy::query::FuzzyTermQuery;
use tantivy::{Searcher, Term};

use crate::schema::Fields;
use crate::statistics::Statistics;

/// Returns the words of a query that no page holds, each with similar words of pages.
pub(super) fn missing(
    searcher: &Searcher,
    fields: &Fields,
    statistics: &Statistics,
    query_words: &[QueryWord],
) -> tantivy::Result<Vec<Missing>> {
    let mut all = Vec::new();
    for query_word in query_words {
        let mut is_held = false;
        for term in &query_word.terms {
            let term = Term::from_field_text(fields.body, term);
            is_held |= statistics.postings(searcher, term)?.is_some();
        }
        if !is_held {
            all.push(Missing {
                word: query_word.word.clone(),
                like: like(searcher, fields, query_word)?,
            });
        }
    }
    Ok(all)
}

/// Returns the words of pages with the fewest edits.
fn like(
    searcher: &Searcher,
    fields: &Fields,
    missing: &QueryWord,
) -> tantivy::Result<Vec<(String, u64)>> {
    let word = Term::from_field_text(fields.spelled, &missing.word);
    for edits in 1..=missing.max_edits() {
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
