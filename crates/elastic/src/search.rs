//! A search, as Elasticsearch is asked, and its answer.
//!
//! The request is the sum of [`canter_core::query::weight`], clause by clause. Each looks for the
//! core's terms; none parses what a person typed.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::hit::Matching;
use canter_core::query::{Hits, Query, weight};
use canter_core::terms::QueryTerms;
use canter_core::words::Words;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::entry::Kept;
use crate::opening::nothing;
use crate::server::Server;

/// What follows the path of a search. The statistics of all shards are gathered first, so that a
/// page scores the same wherever it lies; a part of the results is no answer. The answer is sent as
/// it is: a server that is to leave parts of it out reads and writes all pages once more, which
/// takes a third of a search's time, while what is too much is a fifth of its bytes.
const PARAMETERS: &str = "search_type=dfs_query_then_fetch&allow_partial_search_results=false";
/// Most matching sections of a page that are told. As many as a server gives without a change of
/// its settings: those without an anchor are no deep link, so that the third may lie far behind.
const MOST_SECTIONS: usize = 100;
/// Name of the clause that looks for a name.
const NAME: &str = "name";

/// Asks a server, once: whoever waits for results asks again. Where the index is gone, the next
/// crawl makes another.
pub(crate) async fn search(server: &Server, query: &Query) -> Result<Hits, Failure> {
    let mut words = Words::default();
    let terms = QueryTerms::of(&query.text, &mut words);
    let path = format!("{}/_search?{PARAMETERS}", server.index());
    let body = request(query, &terms);
    let answer = server.ask(Method::Post, &path, Some(&body), Duration::ZERO);
    let answer = answer.await?;
    if answer.tells_of_no_index() {
        return Err(nothing(server));
    }
    hits(server.understood(&answer)?, &terms, &mut words)
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
    any("address", &terms.words, weight::ADDRESS);
    any("common", &terms.common, weight::BODY);
    if !terms.words.is_empty() {
        should.push(json!({"nested": {
            "path": "sections",
            "query": any_of("sections.terms", &terms.words, weight::SECTION),
            "score_mode": "max",
            "inner_hits": {"size": MOST_SECTIONS, "_source": false},
        }}));
    }
    for pair in &terms.pairs {
        let pair = json!({"query": pair.join(" "), "boost": weight::PAIRS});
        should.push(json!({"match_phrase": {"body": pair}}));
    }
    if let Some(name) = &terms.name {
        should.push(json!({"constant_score": {
            "filter": {"term": {"names": name}},
            "boost": weight::NAME,
            "_name": NAME,
        }}));
    }
    // Without a clause everything would match.
    let wanted = match should.is_empty() {
        true => json!({"match_none": {}}),
        false => json!({"bool": {
            "should": should,
            "minimum_should_match": 1,
            "filter": filters(query),
        }}),
    };
    json!({
        "query": wanted,
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "from": query.offset,
        "size": query.limit,
        "track_total_hits": true,
    })
}

/// Any of the terms of a field. The server cuts them where they are joined.
fn any_of(field: &str, terms: &[String], boost: f32) -> Value {
    json!({"match": {field: {"query": terms.join(" "), "boost": boost}}})
}

fn filters(query: &Query) -> Vec<Value> {
    let site = query.site.as_ref();
    let site = site.map(|site| json!({"term": {"site": site}}));
    let language = query.language.as_ref();
    let language = language.map(|it| json!({"term": {"languages": it.to_ascii_lowercase()}}));
    let path = query.path.as_ref();
    let path = path.map(|path| json!({"prefix": {"path": path}}));
    site.into_iter().chain(language).chain(path).collect()
}

/// The results in an answer.
fn hits(answer: Answer, terms: &QueryTerms, words: &mut Words) -> Result<Hits, Failure> {
    let mut pages = Vec::with_capacity(answer.hits.hits.len());
    for found in answer.hits.hits {
        let matching = found.matching();
        pages.push(matching.hit(found.source.shown()?, found.score, terms, words));
    }
    Ok(Hits {
        total: answer.hits.total.value,
        exact: true,
        hits: pages,
    })
}

#[derive(Deserialize)]
struct Answer {
    hits: Pages,
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
    #[serde(rename = "_source")]
    source: Kept,
    #[serde(default)]
    matched_queries: Vec<String>,
    #[serde(default)]
    inner_hits: Inner,
}

/// The sections that match.
#[derive(Default, Deserialize)]
struct Inner {
    #[serde(default)]
    sections: Sections,
}

#[derive(Default, Deserialize)]
struct Sections {
    #[serde(default)]
    hits: Ranked,
}

#[derive(Default, Deserialize)]
struct Ranked {
    #[serde(default)]
    hits: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "_nested")]
    nested: Nested,
}

#[derive(Deserialize)]
struct Nested {
    offset: usize,
}

impl Found {
    fn matching(&self) -> Matching {
        let sections = &self.inner_hits.sections.hits.hits;
        Matching {
            sections: sections.iter().map(|place| place.nested.offset).collect(),
            named: self.matched_queries.iter().any(|query| query == NAME),
        }
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
            json!({"hits": {"total": {"value": 1}, "hits": [{"_score": 1, "_source": {"page": 1}}]}}),
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
        let page = json!({"site": "s", "url": "https://example.org/", "title": "T", "language": null,
            "fetched_at_ms": 0, "text": "", "sections": [], "links": []});
        let inner = json!({"sections": {"hits": {"hits": [{"_nested": {"offset": 7}}]}}});
        let found = json!({"_score": 1.5, "_source": {"page": page, "text": pack("River").unwrap()},
            "inner_hits": inner, "matched_queries": ["name"]});
        let answer = json!({"hits": {"total": {"value": 1}, "hits": [found]}});
        let mut words = Words::default();
        let terms = QueryTerms::of("river", &mut words);
        let answer = serde_json::from_value(answer).unwrap();
        let hit = &hits(answer, &terms, &mut words).unwrap().hits[0];
        assert_eq!(
            (hit.score, hit.snippet.as_str()),
            (1.5, "<mark>River</mark>")
        );
        assert!(hit.sections.is_empty());
    }
}
