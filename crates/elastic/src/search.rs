//! Runs a plan: asks Elasticsearch and reads its response.

use std::collections::HashMap;

use canter_core::failure::Failure;
use canter_ranking::facets::Facets;
use canter_ranking::hit::{Shown, hit};
use canter_ranking::meaning::COMPARED;
use canter_ranking::plan::Plan;
use canter_ranking::query::{Hit, Hits, Query};
use canter_ranking::search::Answer;
use canter_ranking::tokenizer::Tokenizer;
use serde::Deserialize;
use serde_json::Value;

use crate::packed::{unpack, unpack_meanings};
use crate::page::unpacked;
use crate::request;
use crate::response::{Buckets, Fields, Section, Sections, ask};
use crate::server::Server;
use crate::suggester::{Suggested, missing};

/// Parameters of a search. The server gathers the collection statistics of all shards first, so
/// that a page scores the same in each of them. Partial results are refused.
const PARAMETERS: &str = "search_type=dfs_query_then_fetch&allow_partial_search_results=false";

/// Asks the server once, since a caller that waits for results asks again itself.
pub(crate) async fn run(server: &Server, plan: &Plan) -> Result<Answer, Failure> {
    let mut response: Response = ask(server, PARAMETERS, &request::search(plan)).await?;
    let mut pages = std::mem::take(&mut response.hits.hits);
    if plan.compares() {
        for page in pages.iter_mut().take(COMPARED) {
            let meanings = unpack_meanings(&page.fields.meanings[0])?;
            page.score += plan.closeness(meanings.into_iter());
        }
    }
    response.hits.hits = plan.in_window(pages, |page| page.score);
    answer(response, plan)
}

/// Reads the answer from a response.
fn answer(response: Response, plan: &Plan) -> Result<Answer, Failure> {
    let counted = response.aggregations;
    let missing = missing(&response.suggest, &counted.known, &plan.query_words);
    let total = response.hits.total.value;
    let mut tokenizer = Tokenizer::default();
    let mut hits = Vec::with_capacity(response.hits.hits.len());
    for page in response.hits.hits {
        hits.push(page.hit(plan, &mut tokenizer)?);
    }
    Ok(Answer {
        hits: Hits {
            total,
            exact: true,
            hits,
            meant: None,
            facets: counted.facets(&plan.query, total),
        },
        missing,
    })
}

#[derive(Deserialize)]
struct Response {
    hits: Pages,
    #[serde(default)]
    suggest: Suggested,
    #[serde(default)]
    aggregations: Counted,
}

/// Numbers of pages.
#[derive(Default, Deserialize)]
struct Counted {
    /// Number of pages that hold each word of the query, by the word's number in the plan.
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
    fn facets(self, query: &Query, total: u64) -> Facets {
        let mut languages = self.languages.counts();
        // A page lists its own language and the languages that it is a variant of.
        languages.retain(|(tag, _)| !tag.contains('-'));
        let (sites, folders) = (self.sites.counts(), self.folders.counts());
        Facets::of(sites, languages, folders, query.path.as_deref(), total)
    }
}

#[derive(Deserialize)]
struct Pages {
    total: Total,
    #[serde(default)]
    hits: Vec<PageHit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct PageHit {
    #[serde(rename = "_score")]
    score: f32,
    fields: Fields,
    #[serde(default)]
    inner_hits: InnerHits,
}

/// The sections that a clause matches, best first.
#[derive(Default, Deserialize)]
struct InnerHits {
    #[serde(default)]
    named: Sections,
    #[serde(default)]
    matching: Sections,
}

impl PageHit {
    fn hit(self, plan: &Plan, tokenizer: &mut Tokenizer) -> Result<Hit, Failure> {
        let Fields { shown, lead, .. } = self.fields;
        let mut page: Shown = unpacked(&shown[0])?;
        if !lead[0].is_empty() {
            page.lead = unpack(&lead[0])?;
        }
        let InnerHits { named, matching } = &self.inner_hits;
        let named = named.ranked();
        let is_named = |section: &&Section| named.iter().any(|it| it.offset() == section.offset());
        let others = matching.ranked().iter().filter(|it| !is_named(it));
        let passages = named.iter().chain(others).filter_map(Section::passage);
        hit(page, passages, self.score, plan, tokenizer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            let read = server().understood::<Response>(&answer);
            let Err(Failure::Transient(said)) = read.map(drop) else {
                panic!("{body}");
            };
            assert!(said.contains("Elasticsearch"), "{said}");
        }
    }

    fn plan() -> Plan {
        let query = Query {
            text: "river".into(),
            limit: 10,
            offset: 0,
            site: None,
            language: None,
            path: None,
        };
        Plan::compile(&query, &[])
    }

    #[test]
    fn no_results_are_an_answer() {
        let response = json!({"hits": {"total": {"value": 0}}});
        let response = serde_json::from_value(response).unwrap();
        let none = Hits {
            exact: true,
            ..Hits::default()
        };
        assert_eq!(answer(response, &plan()).unwrap().hits, none);
    }

    #[test]
    fn sections_that_are_not_on_the_page_are_survived() {
        let page = r#"{"s": "s", "u": "https://example.org/", "t": "T", "m": 0, "x": "River"}"#;
        let fields = json!({"shown": [pack(page).unwrap()]});
        let inner = json!({"hits": {"hits": [{"_nested": {"offset": 7}}]}});
        let page = json!({"_score": 1.5, "fields": fields,
            "inner_hits": {"named": inner.clone(), "matching": inner}});
        let response = json!({"hits": {"total": {"value": 1}, "hits": [page]}});
        let response = serde_json::from_value(response).unwrap();
        let hit = &answer(response, &plan()).unwrap().hits.hits[0];
        assert_eq!(
            (hit.score, hit.snippet.as_str()),
            (1.5, "<mark>River</mark>")
        );
        assert!(hit.sections.is_empty());
    }
}
