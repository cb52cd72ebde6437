//! Names and words that begin like what a person typed, as the server finds them.

use canter_core::failure::Failure;
use canter_ranking::completion::{Beginning, MOST_WORDS, Named};
use canter_ranking::hit::Shown;
use canter_ranking::terms::names as names_of;
use canter_ranking::words::name;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::entry::unpacked;
use crate::found::{Buckets, Fields, Section, Sections, ask};
use crate::server::Server;

/// So many links give half of what many give: it orders names, and nothing else.
const PIVOT: u32 = 8;
/// What the whole of what was typed counts, more than any number of links.
const WHOLE: u32 = 2;
/// Pages more than are wanted: one page that has a section of that very name comes first, and others
/// behind those that are better known.
const MOST_WHOLE: usize = 10;
/// Sections of a page that are looked at.
const MOST_SECTIONS: usize = 20;
/// Pages whose words are looked at, against the thousands of words of each that has to be.
const MOST_PAGES: usize = 1_000;

/// As [`canter_core::ports::Index::names`].
pub(crate) async fn names(server: &Server, beginning: &Beginning) -> Result<Vec<Named>, Failure> {
    let found: Found = ask(server, "", &request(beginning)).await?;
    let mut names = Vec::new();
    for page in found.hits.hits {
        let shown: Shown = unpacked(&page.fields.shown[0])?;
        let own = name(&shown.title).filter(|name| name.starts_with(&beginning.name));
        names.extend(own.zip(shown.known).map(|(name, known)| Named {
            whole: name == beginning.name,
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
                whole: names_of(&passage.title, ids.iter()).contains(&beginning.name),
                known: passage.known.unwrap_or_default(),
                text: passage.title.into_owned(),
                url,
            });
        }
    }
    Ok(Named::best(names, beginning.limit))
}

/// As [`canter_core::ports::Index::words`], counted in so many pages.
pub(crate) async fn words(server: &Server, beginning: &str) -> Result<Vec<(String, u64)>, Failure> {
    // What follows stands in a regular expression.
    if !beginning.chars().all(char::is_alphabetic) {
        return Ok(Vec::new());
    }
    let body = json!({
        "size": 0,
        "terminate_after": MOST_PAGES,
        "query": {"prefix": {"spelled": beginning}},
        "aggs": {"words": {"terms": {
            "field": "spelled",
            "include": format!("{beginning}.*"),
            "size": MOST_WORDS,
            "execution_hint": "map",
        }}},
    });
    let found: Counted = ask(server, "", &body).await?;
    Ok(found.aggregations.words.counts())
}

/// Pages by the best known of their names that begin right, or of those of their sections.
fn request(beginning: &Beginning) -> Value {
    let begins = |names: &str, known: &str| {
        json!({"bool": {
            "must": {"rank_feature": {"field": known, "saturation": {"pivot": PIVOT}}},
            "filter": {"prefix": {names: beginning.name}},
            "should": {"constant_score": {
                "filter": {"term": {names: beginning.name}},
                "boost": WHOLE,
            }},
        }})
    };
    let sections = json!({"nested": {
        "path": "sections",
        "query": begins("sections.names", "sections.known"),
        "score_mode": "max",
        "inner_hits": {
            "size": MOST_SECTIONS,
            "_source": false,
            "docvalue_fields": ["sections.shown"],
        },
    }});
    let site = beginning.site.iter();
    let site: Vec<Value> = site.map(|site| json!({"term": {"site": site}})).collect();
    json!({
        "size": beginning.limit + MOST_WHOLE,
        "track_total_hits": false,
        "_source": false,
        "docvalue_fields": ["shown"],
        "query": {"bool": {
            "must": {"dis_max": {"queries": [begins("names", "known"), sections]}},
            "filter": site,
        }},
    })
}

#[derive(Deserialize)]
struct Found {
    hits: Pages,
}

#[derive(Deserialize)]
struct Pages {
    hits: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    fields: Fields,
    inner_hits: Inner,
}

#[derive(Deserialize)]
struct Inner {
    sections: Sections,
}

#[derive(Deserialize)]
struct Counted {
    aggregations: Words,
}

#[derive(Deserialize)]
struct Words {
    words: Buckets,
}
