//! Words like those of a query that no page holds, as the server knows them.
//!
//! Asked beside the search itself: the server's term suggester names the words that are like those
//! typed, and a filter a word counts the pages that hold it, whatever the search is limited to. Words
//! that begin like the last one are asked for only where no page holds that.

use std::collections::HashMap;

use canter_ranking::typos::{Missing, Typed};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most words like one that are looked at.
const MOST_LIKE: usize = 20;

/// Adds to the body of a search what has to be known of its words.
pub(crate) fn ask(body: &mut Value, typed: &[Typed]) {
    if typed.is_empty() {
        return;
    }
    let words: Vec<&str> = typed.iter().map(|typed| typed.word.as_str()).collect();
    body["suggest"] = json!({"like": {
        "text": words.join(" "),
        "term": {
            "field": "spelled",
            "analyzer": "whitespace",
            "suggest_mode": "missing",
            "string_distance": "damerau_levenshtein",
            "prefix_length": 0,
            "size": MOST_LIKE,
        },
    }});
    let holders = typed.iter().enumerate().map(|(place, typed)| {
        let holds = json!({"filter": {"terms": {"body": typed.terms}}});
        (place.to_string(), holds)
    });
    body["aggs"]["known"] = json!({
        "global": {},
        "aggs": holders.collect::<serde_json::Map<_, _>>(),
    });
}

/// The words that the server found to be like those typed.
#[derive(Default, Deserialize)]
pub(crate) struct Suggested {
    #[serde(default)]
    like: Vec<Like>,
}

#[derive(Deserialize)]
struct Like {
    text: String,
    options: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    text: String,
    freq: u64,
}

/// The words that no page holds. `known` has a count a word, and among them the number of all pages.
pub(crate) fn missing(
    suggested: &Suggested,
    known: &HashMap<String, Value>,
    typed: &[Typed],
) -> Vec<Missing> {
    let is_missing = |place: usize| {
        let count = known.get(&place.to_string());
        count.is_some_and(|count| count["doc_count"] == 0)
    };
    let typed = typed.iter().enumerate();
    let missing = typed.filter(|(place, _)| is_missing(*place));
    let like = |word: &str| {
        let like = suggested.like.iter().find(|like| like.text == word);
        let options = like.map_or(&[][..], |like| &like.options);
        options
            .iter()
            .map(|it| (it.text.clone(), it.freq))
            .collect()
    };
    let missing = missing.map(|(_, typed)| Missing {
        word: typed.word.clone(),
        like: like(&typed.word),
        longer: Vec::new(),
    });
    missing.collect()
}
