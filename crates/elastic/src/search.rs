//! A search, as Elasticsearch is asked, and its answer.
//!
//! The request is the sum of [`canter_ranking::query::weight`], clause by clause. Each looks for the
//! core's terms; none parses what a person typed.

use std::collections::HashMap;

use canter_core::failure::Failure;
use canter_ranking::counts::{Counts, MOST_VALUES};
use canter_ranking::hit::{Shown, hit};
use canter_ranking::query::{Hit, Hits, Query, weight};
use canter_ranking::terms::{QueryTerms, Ways};
use canter_ranking::typos::corrected;
use canter_ranking::words::{Language, Words};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::entry::unpacked;
use crate::found::{Buckets, Fields, Section, Sections, ask};
use crate::offers::words as words_beginning;
use crate::packed::unpack;
use crate::server::Server;
use crate::spelling::{self, Suggested, missing};

/// What follows the path of a search. The statistics of all shards are gathered first, so that a
/// page scores the same wherever it lies; a part of the results is no answer.
const PARAMETERS: &str = "search_type=dfs_query_then_fetch&allow_partial_search_results=false";
/// Most matching sections of a page that are looked at. Those without an anchor are no deep link,
/// so that the third may lie far behind.
const MOST_SECTIONS: usize = 12;
/// Tags of languages and folders that are counted; those to be named are chosen among them.
const MOST_TAGS: usize = 50;
const MOST_FOLDERS: usize = 200;

/// Asks a server, once: whoever waits for results asks again. Where the index is gone, the next
/// crawl makes another.
pub(crate) async fn search(
    server: &Server,
    languages: &[Language],
    query: &Query,
) -> Result<Hits, Failure> {
    let mut words = Words::default();
    let terms = QueryTerms::of(&query.text, languages, &mut words);
    let mut answer: Answer = ask(server, PARAMETERS, &request(query, &terms)).await?;
    let counts = std::mem::take(&mut answer.aggregations);
    let mut missing = missing(&answer.suggest, &counts.known, &terms.typed);
    let begun = terms.begun().map(|typed| typed.word.as_str());
    if let Some(begun) = missing
        .iter_mut()
        .find(|it| Some(it.word.as_str()) == begun)
    {
        begun.longer = words_beginning(server, &begun.word).await?;
    }
    Ok(Hits {
        meant: corrected(&query.text, &terms, &missing),
        counts: counts.told(query, answer.hits.total.value),
        ..hits(answer, &terms, &mut words)?
    })
}

/// The body of a search.
fn request(query: &Query, terms: &QueryTerms) -> Value {
    let mut should = Vec::new();
    let mut any = |field: &str, terms: &[String], boost: f32| {
        if !terms.is_empty() {
            should.push(any_of(field, terms, boost));
        }
    };
    any("body", &terms.body, weight::BODY);
    any("mentions", &terms.words, weight::MENTIONS);
    any("address", &terms.words, weight::ADDRESS);
    any("common", &terms.common, weight::BODY);
    if !terms.words.is_empty() {
        should.push(json!({"nested": {
            "path": "sections",
            "query": any_of("sections.terms", &terms.words, weight::SECTION),
            "score_mode": "max",
            "inner_hits": sections("matching"),
        }}));
    }
    for pair in &terms.pairs {
        let pair = json!({"query": pair.join(" "), "boost": weight::PAIRS});
        should.push(json!({"match_phrase": {"body": pair}}));
    }
    if let Some(name) = &terms.name {
        let page = json!({"term": {"names": name}});
        let section = json!({"nested": {
            "path": "sections",
            "query": {"constant_score": {"filter": {"term": {"sections.names": name}}}},
            "inner_hits": sections("named"),
        }});
        should.push(json!({"constant_score": {
            "filter": {"bool": {"should": [page, section]}},
            "boost": weight::NAME,
        }}));
    }
    // Without a clause everything would match.
    let wanted = match should.is_empty() {
        true => json!({"match_none": {}}),
        false => json!({"bool": {
            "must": [{"boosting": {
                "positive": {"bool": {
                    "must": [{"bool": {"should": should}}],
                    "should": [standing()],
                }},
                "negative": {"term": {"list": true}},
                "negative_boost": weight::LIST,
            }}],
            "filter": filters(query, &terms.phrases),
            "must_not": phrases(&terms.without).collect::<Vec<_>>(),
        }}),
    };
    let fields: &[&str] = match terms.words.is_empty() {
        true => &["shown", "lead"],
        false => &["shown"],
    };
    let mut body = json!({
        "query": wanted,
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "from": query.offset,
        "size": query.limit,
        "track_total_hits": true,
        "_source": false,
        "docvalue_fields": fields,
        "collapse": {"field": "twins"},
        "aggs": {
            "sites": values("site", 2 * MOST_VALUES),
            "languages": values("languages", MOST_TAGS),
            "folders": values("folders", MOST_FOLDERS),
        },
    });
    spelling::ask(&mut body, &terms.typed);
    body
}

/// How many of the pages found have each value of a field.
fn values(field: &str, most: usize) -> Value {
    json!({"terms": {"field": field, "size": most}})
}

/// What it counts for that other pages link to one: no match by itself.
fn standing() -> Value {
    json!({"rank_feature": {
        "field": "standing",
        "saturation": {"pivot": 1},
        "boost": weight::STANDING,
    }})
}

/// What is wanted of the sections that a clause found.
fn sections(clause: &str) -> Value {
    json!({
        "name": clause,
        "size": MOST_SECTIONS,
        "_source": false,
        "docvalue_fields": ["sections.shown"],
    })
}

/// Any of the terms of a field. The server cuts them where they are joined.
fn any_of(field: &str, terms: &[String], boost: f32) -> Value {
    json!({"match": {field: {"query": terms.join(" "), "boost": boost}}})
}

/// Pages that hold words side by side, in one of some ways.
fn phrases(all: &[Ways]) -> impl Iterator<Item = Value> {
    all.iter().map(|ways| {
        let way = |words: &Vec<String>| json!({"match_phrase": {"body": words.join(" ")}});
        json!({"bool": {"should": ways.iter().map(way).collect::<Vec<_>>()}})
    })
}

fn filters(query: &Query, wanted: &[Ways]) -> Vec<Value> {
    let site = query.site.as_ref();
    let site = site.map(|site| json!({"term": {"site": site}}));
    let language = query.language.as_ref();
    let language = language.map(|it| json!({"term": {"languages": it.to_ascii_lowercase()}}));
    let path = query.path.as_ref();
    let path = path.map(|path| json!({"prefix": {"path": path}}));
    let mut filters: Vec<Value> = phrases(wanted).collect();
    filters.extend(site.into_iter().chain(language).chain(path));
    filters
}

/// The results in an answer.
fn hits(answer: Answer, terms: &QueryTerms, words: &mut Words) -> Result<Hits, Failure> {
    let mut pages = Vec::with_capacity(answer.hits.hits.len());
    for found in answer.hits.hits {
        pages.push(found.hit(terms, words)?);
    }
    Ok(Hits {
        total: answer.hits.total.value,
        exact: true,
        hits: pages,
        ..Hits::default()
    })
}

#[derive(Deserialize)]
struct Answer {
    hits: Pages,
    #[serde(default)]
    suggest: Suggested,
    #[serde(default)]
    aggregations: Counted,
}

/// What was counted beside.
#[derive(Default, Deserialize)]
struct Counted {
    #[serde(default)]
    known: HashMap<String, Value>,
    #[serde(default)]
    sites: Buckets,
    #[serde(default)]
    languages: Buckets,
    #[serde(default)]
    folders: Buckets,
}

impl Counted {
    fn told(self, query: &Query, total: u64) -> Counts {
        let mut languages = self.languages.counts();
        // A page has each that its language is a kind of.
        languages.retain(|(tag, _)| !tag.contains('-'));
        let (sites, folders) = (self.sites.counts(), self.folders.counts());
        Counts::of(sites, languages, folders, query, total)
    }
}

#[derive(Deserialize)]
struct Pages {
    total: Total,
    #[serde(default)]
    hits: Vec<Found>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "_score")]
    score: f32,
    fields: Fields,
    #[serde(default)]
    inner_hits: Inner,
}

/// The sections that a clause found, best first.
#[derive(Default, Deserialize)]
struct Inner {
    #[serde(default)]
    named: Sections,
    #[serde(default)]
    matching: Sections,
}

impl Found {
    fn hit(self, terms: &QueryTerms, words: &mut Words) -> Result<Hit, Failure> {
        let Fields { shown, lead } = self.fields;
        let mut page: Shown = unpacked(&shown[0])?;
        if !lead[0].is_empty() {
            page.lead = unpack(&lead[0])?;
        }
        let Inner { named, matching } = &self.inner_hits;
        let named = named.ranked();
        let is_named = |section: &&Section| named.iter().any(|it| it.offset() == section.offset());
        let others = matching.ranked().iter().filter(|it| !is_named(it));
        let passages = named.iter().chain(others).filter_map(Section::passage);
        hit(page, passages, self.score, terms, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::pack;
    use crate::server;
    use crate::verdict::tests::server;

    #[test]
    fn what_is_no_answer_to_a_search_may_pass() {
        for body in [
            json!({}),
            json!([]),
            json!({"hits": {"hits": []}}),
            json!({"hits": {"total": {"value": 1}, "hits": [{"_score": 1.0}]}}),
            json!({"hits": {"total": {"value": 1}, "hits": [{"_score": 1, "fields": {"shown": 1}}]}}),
        ] {
            let answer = server::Answer {
                status: 200,
                body: body.to_string().into_bytes(),
                kind: "application/json".into(),
            };
            let read = server().understood::<Answer>(&answer);
            let Err(Failure::Transient(said)) = read.map(drop) else {
                panic!("{body}");
            };
            assert!(said.contains("Elasticsearch"), "{said}");
        }
    }

    #[test]
    fn no_results_are_an_answer() {
        let answer = json!({"hits": {"total": {"value": 0}}});
        let answer = serde_json::from_value(answer).unwrap();
        let read = hits(answer, &QueryTerms::default(), &mut Words::default());
        let none = Hits {
            exact: true,
            ..Hits::default()
        };
        assert_eq!(read, Ok(none));
    }

    #[test]
    fn sections_that_are_not_on_the_page_are_survived() {
        let page = r#"{"s": "s", "u": "https://example.org/", "t": "T", "m": 0, "x": "River"}"#;
        let fields = json!({"shown": [pack(page).unwrap()]});
        let inner = json!({"hits": {"hits": [{"_nested": {"offset": 7}}]}});
        let found = json!({"_score": 1.5, "fields": fields,
            "inner_hits": {"named": inner.clone(), "matching": inner}});
        let answer = json!({"hits": {"total": {"value": 1}, "hits": [found]}});
        let mut words = Words::default();
        let terms = QueryTerms::of("river", &[], &mut words);
        let answer = serde_json::from_value(answer).unwrap();
        let hit = &hits(answer, &terms, &mut words).unwrap().hits[0];
        assert_eq!(
            (hit.score, hit.snippet.as_str()),
            (1.5, "<mark>River</mark>")
        );
        assert!(hit.sections.is_empty());
    }
}
