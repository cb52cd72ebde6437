//! Completes names and words.

use canter_core::failure::Failure;
use canter_ranking::completion::{MAX_WORDS, Named, Prefix};
use canter_ranking::hit::Shown;
use canter_ranking::terms::names as names_of;
use canter_ranking::tokenizer::name;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::page::unpacked;
use crate::response::{Buckets, Fields, Section, Sections, ask};
use crate::server::Server;

/// Number of links that gives half of the maximum score. It affects only the order of names.
const PIVOT: u32 = 8;
/// Score of a name that equals the typed text, more than any number of links gives.
const WHOLE: u32 = 2;
/// Number of pages that are fetched beyond the limit, since pages with a section named by the whole
/// text come before pages with more links.
const EXTRA_PAGES: usize = 10;
/// Maximum number of sections that are fetched per page.
const MAX_SECTIONS: usize = 20;
/// Maximum number of pages whose words are counted; each page has thousands of words.
const MAX_PAGES: usize = 1_000;

/// See [`canter_ranking::search::SearchIndex::names`].
pub(crate) async fn names(server: &Server, prefix: &Prefix) -> Result<Vec<Named>, Failure> {
    let response: NamesResponse = ask(server, "", &request(prefix)).await?;
    let mut names = Vec::new();
    for page in response.hits.hits {
        let shown: Shown = unpacked(&page.fields.shown[0])?;
        let own = name(&shown.title).filter(|name| name.starts_with(&prefix.name));
        names.extend(own.zip(shown.known).map(|(name, known)| Named {
            whole: name == prefix.name,
            text: shown.title.clone(),
            url: shown.url.clone(),
            known,
        }));
        let sections = page.inner_hits.sections.ranked();
        for passage in sections.iter().filter_map(Section::passage) {
            let passage = passage?;
            let mut url = shown.url.clone();
            url.set_fragment(passage.anchor.as_deref());
            let ids: Vec<String> = passage.anchor.iter().map(ToString::to_string).collect();
            names.push(Named {
                whole: names_of(&passage.title, ids.iter()).contains(&prefix.name),
                known: passage.known.unwrap_or_default(),
                text: passage.title.into_owned(),
                url,
            });
        }
    }
    Ok(Named::best(names, prefix.limit))
}

/// See [`canter_ranking::search::SearchIndex::words`]. Counts the words of up to [`MAX_PAGES`]
/// pages.
pub(crate) async fn words(server: &Server, prefix: &str) -> Result<Vec<(String, u64)>, Failure> {
    // The prefix becomes part of a regular expression below.
    if !prefix.chars().all(char::is_alphabetic) {
        return Ok(Vec::new());
    }
    let body = json!({
        "size": 0,
        "terminate_after": MAX_PAGES,
        "query": {"prefix": {"spelled": prefix}},
        "aggs": {"words": {"terms": {
            "field": "spelled",
            "include": format!("{prefix}.*"),
            "size": MAX_WORDS,
            "execution_hint": "map",
        }}},
    });
    let response: WordsResponse = ask(server, "", &body).await?;
    Ok(response.aggregations.words.counts())
}

/// Returns a request for pages that have a matching name, their own or a section's, ordered by the
/// number of links to that name.
fn request(prefix: &Prefix) -> Value {
    let begins = |names: &str, known: &str| {
        json!({"bool": {
            "must": {"rank_feature": {"field": known, "saturation": {"pivot": PIVOT}}},
            "filter": {"prefix": {names: prefix.name}},
            "should": {"constant_score": {
                "filter": {"term": {names: prefix.name}},
                "boost": WHOLE,
            }},
        }})
    };
    let sections = json!({"nested": {
        "path": "sections",
        "query": begins("sections.names", "sections.known"),
        "score_mode": "max",
        "inner_hits": {
            "size": MAX_SECTIONS,
            "stored_fields": "_none_",
            "docvalue_fields": ["sections.shown"],
        },
    }});
    let site = prefix.site.iter();
    let site: Vec<Value> = site.map(|site| json!({"term": {"site": site}})).collect();
    json!({
        "size": prefix.limit + EXTRA_PAGES,
        "track_total_hits": false,
        "stored_fields": "_none_",
        "docvalue_fields": ["shown"],
        "query": {"bool": {
            "must": {"dis_max": {"queries": [begins("names", "known"), sections]}},
            "filter": site,
        }},
    })
}

#[derive(Deserialize)]
struct NamesResponse {
    hits: Pages,
}

#[derive(Deserialize)]
struct Pages {
    hits: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    fields: Fields,
    inner_hits: InnerHits,
}

#[derive(Deserialize)]
struct InnerHits {
    sections: Sections,
}

#[derive(Deserialize)]
struct WordsResponse {
    aggregations: Words,
}

#[derive(Deserialize)]
struct Words {
    words: Buckets,
}
