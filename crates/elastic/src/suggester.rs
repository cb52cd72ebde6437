//! Words of the index that are similar to missing words of a plan.
//!
//! A search request asks for them as well: the term suggester lists words that are similar to those
//! of the query, and one global filter per word counts the pages that hold it.

use std::collections::HashMap;

use canter_ranking::corrections::{Missing, QueryWord};
use serde::Deserialize;
use serde_json::{Value, json};

/// Maximum number of similar words for each missing word.
const MAX_SIMILAR: usize = 20;

/// Adds requests about the words of a query to the body of a search.
pub(crate) fn ask(body: &mut Value, query_words: &[QueryWord]) {
    if query_words.is_empty() {
        return;
    }
    let words: Vec<&str> = query_words.iter().map(|it| it.word.as_str()).collect();
    body["suggest"] = json!({"like": {
        "text": words.join(" "),
        "term": {
            "field": "spelled",
            "analyzer": "whitespace",
            "suggest_mode": "missing",
            "string_distance": "damerau_levenshtein",
            "prefix_length": 0,
            "size": MAX_SIMILAR,
        },
    }});
    let holders = query_words.iter().enumerate().map(|(place, word)| {
        let holds = json!({"filter": {"terms": {"body": word.terms}}});
        (place.to_string(), holds)
    });
    body["aggs"]["known"] = json!({
        "global": {},
        "aggs": holders.collect::<serde_json::Map<_, _>>(),
    });
}

/// The suggester's part of a response.
#[derive(Default, Deserialize)]
pub(crate) struct Suggested {
    #[serde(default)]
    like: Vec<Like>,
}

#[derive(Deserialize)]
struct Like {
    text: String,
    options: Vec<SimilarWord>,
}

#[derive(Deserialize)]
struct SimilarWord {
    text: String,
    freq: u64,
}

/// Returns the words that no page holds. `counts` holds the number of pages for each of the words.
pub(crate) fn missing(
    suggested: &Suggested,
    counts: &HashMap<String, Value>,
    query_words: &[QueryWord],
) -> Vec<Missing> {
    let is_missing = |place: usize| {
        let count = counts.get(&place.to_string());
        count.is_some_and(|count| count["doc_count"] == 0)
    };
    let query_words = query_words.iter().enumerate();
    let missing = query_words.filter(|(place, _)| is_missing(*place));
    let like = |word: &str| {
        let like = suggested.like.iter().find(|like| like.text == word);
        let options = like.map_or(&[][..], |like| &like.options);
        options
            .iter()
            .map(|it| (it.text.clone(), it.freq))
            .collect()
    };
    let missing = missing.map(|(_, missing)| Missing {
        word: missing.word.clone(),
        like: like(&missing.word),
    });
    missing.collect()
}
