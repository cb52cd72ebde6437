//! Runs a plan: builds the request to Elasticsearch and reads its response.
//!
//! The request is the plan, clause by clause. It searches for terms; the server parses nothing that
//! a person typed.

use std::collections::HashMap;

use canter_core::failure::Failure;
use canter_ranking::facets::{Facets, MAX_VALUES};
use canter_ranking::hit::{Shown, hit};
use canter_ranking::meaning::COMPARED;
use canter_ranking::plan::{Clause, Field, Filter, Plan, Saturation, Ways};
use canter_ranking::query::{Hit, Hits, Query};
use canter_ranking::search::Answer;
use canter_ranking::tokenizer::Tokenizer;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::packed::{unpack, unpack_meanings};
use crate::page::unpacked;
use crate::response::{Buckets, Fields, Section, Sections, ask};
use crate::server::Server;
use crate::suggester::{self, Suggested, missing};

/// Parameters of a search. The server gathers the collection statistics of all shards first, so
/// that a page scores the same in each of them. Partial results are refused.
const PARAMETERS: &str = "search_type=dfs_query_then_fetch&allow_partial_search_results=false";
/// Maximum number of matching sections that are fetched per page. Sections without an anchor make
/// no deep links, so the third link may come far behind.
const MAX_SECTIONS: usize = 12;
/// Maximum number of languages that are counted, from which facets are chosen.
const MAX_TAGS: usize = 50;
/// Maximum number of folders that are counted, from which facets are chosen.
const MAX_FOLDERS: usize = 200;

/// Asks the server once, since a caller that waits for results asks again itself.
pub(crate) async fn run(server: &Server, plan: &Plan) -> Result<Answer, Failure> {
    if plan.compares() {
        return compare(server, plan).await;
    }
    let response = ask(server, PARAMETERS, &request(plan)).await?;
    answer(response, plan)
}

/// Finds the candidates of a question with their vectors, and then what is shown of those that are in
/// the window: the sections of a page take most of the time of a request.
async fn compare(server: &Server, plan: &Plan) -> Result<Answer, Failure> {
    let mut body = request(plan);
    body["docvalue_fields"] = json!(["id", "meanings"]);
    leave_out_sections(&mut body["query"]);
    let found: Response<Candidate> = ask(server, PARAMETERS, &body).await?;
    let mut candidates = found.hits.hits;
    for candidate in candidates.iter_mut().take(COMPARED) {
        let meanings = unpack_meanings(&candidate.fields.meanings[0])?;
        candidate.score += plan.closeness(meanings.into_iter());
    }
    let window = plan.in_window(candidates, |candidate| candidate.score);
    let mut pages = match window.is_empty() {
        true => Vec::new(),
        false => shown(server, plan, &window).await?,
    };
    let mut hits = Vec::with_capacity(window.len());
    for candidate in window {
        // A page may have gone between the requests.
        let place = pages
            .iter()
            .position(|page| page.fields.id == candidate.fields.id);
        if let Some(place) = place {
            let page = pages.swap_remove(place);
            hits.push(PageHit {
                score: candidate.score,
                ..page
            });
        }
    }
    let response = Response {
        hits: Pages {
            total: found.hits.total,
            hits,
        },
        suggest: found.suggest,
        aggregations: found.aggregations,
    };
    answer(response, plan)
}

/// Returns what is shown of some pages, in any order.
async fn shown(server: &Server, plan: &Plan, pages: &[Candidate]) -> Result<Vec<PageHit>, Failure> {
    let ids: Vec<&String> = pages.iter().flat_map(|page| &page.fields.id).collect();
    let mut body = request(plan);
    body["query"] = json!({"bool": {
        "must": [body["query"].take()],
        "filter": [{"terms": {"id": ids}}],
    }});
    body["from"] = json!(0);
    body["size"] = json!(ids.len());
    body["docvalue_fields"] = json!(["shown", "id"]);
    if let Some(body) = body.as_object_mut() {
        for once in ["collapse", "aggs", "suggest"] {
            body.remove(once);
        }
    }
    let response: Response = ask(server, PARAMETERS, &body).await?;
    Ok(response.hits.hits)
}

/// Removes the requests for sections from a query.
fn leave_out_sections(query: &mut Value) {
    match query {
        Value::Object(parts) => {
            parts.remove("inner_hits");
            parts.values_mut().for_each(leave_out_sections);
        }
        Value::Array(parts) => parts.iter_mut().for_each(leave_out_sections),
        _ => {}
    }
}

/// Returns the body of a search request.
fn request(plan: &Plan) -> Value {
    let mut should: Vec<Value> = plan.clauses.iter().map(any_of).collect();
    for pair in &plan.pairs {
        let pair = json!({"query": pair.join(" "), "boost": plan.pair_weight});
        should.push(json!({"match_phrase": {"body": pair}}));
    }
    if let Some(name) = &plan.name {
        let page = json!({"term": {"names": name}});
        let section = json!({"nested": {
            "path": "sections",
            "query": {"constant_score": {"filter": {"term": {"sections.names": name}}}},
            "inner_hits": sections("named"),
        }});
        should.push(json!({"constant_score": {
            "filter": {"bool": {"should": [page, section]}},
            "boost": plan.name_weight,
        }}));
    }
    if let Some(name) = &plan.own_name {
        should.push(json!({"bool": {
            "filter": [{"term": {"names": name}}],
            "must": [link_score(plan.own_name_weight)],
        }}));
    }
    if !plan.title_phrases.is_empty() {
        should.push(json!({"constant_score": {
            "filter": {"terms": {"names": plan.title_phrases}},
            "boost": plan.title_phrase_weight,
        }}));
    }
    for number in &plan.numbers {
        let number = json!({"value": number, "boost": plan.number_weight});
        should.push(json!({"term": {"numbers": number}}));
    }
    // Without a clause, every page would match.
    let wanted = match should.is_empty() {
        true => json!({"match_none": {}}),
        false => json!({"bool": {
            "must": [{"boosting": {
                "positive": {"bool": {
                    "must": [{"bool": {"should": should}}],
                    "should": [link_score(plan.link_weight)],
                }},
                "negative": {"term": {"list": true}},
                "negative_boost": plan.list_factor,
            }}],
            "filter": filters(plan),
            "must_not": phrases(&plan.unwanted).collect::<Vec<_>>(),
        }}),
    };
    let fields: &[&str] = match plan.terms(Field::Sections).is_empty() {
        true => &["shown", "lead"],
        false => &["shown"],
    };
    let candidates = plan.candidates();
    let mut body = json!({
        "query": wanted,
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "from": candidates.start,
        "size": candidates.len(),
        "track_total_hits": true,
        "_source": false,
        "docvalue_fields": fields,
        "collapse": {"field": "twins"},
        "aggs": {
            "sites": values("site", 2 * MAX_VALUES),
            "languages": values("languages", MAX_TAGS),
            "folders": values("folders", MAX_FOLDERS),
        },
    });
    suggester::ask(&mut body, &plan.query_words);
    body
}

/// Returns an aggregation that counts matching pages by the values of a field.
fn values(field: &str, most: usize) -> Value {
    json!({"terms": {"field": field, "size": most}})
}

/// Returns the clause that scores the links from other pages. It is no match by itself.
fn link_score(weight: f32) -> Value {
    json!({"rank_feature": {
        "field": "standing",
        "saturation": {"pivot": 1},
        "boost": weight,
    }})
}

/// Returns a request for the shown parts of the sections that a clause matches.
fn sections(clause: &str) -> Value {
    json!({
        "name": clause,
        "size": MAX_SECTIONS,
        "_source": false,
        "docvalue_fields": ["sections.shown"],
    })
}

/// Returns a query for any term of a clause. The server splits the terms at spaces.
fn any_of(clause: &Clause) -> Value {
    let field = match (clause.field, clause.saturation) {
        (Field::Body, Saturation::Early) => "body",
        (Field::Body, Saturation::Late) => "body.late",
        (Field::AnchorText, Saturation::Early) => "mentions",
        (Field::AnchorText, Saturation::Late) => "mentions.late",
        (Field::Address, _) => "address",
        (Field::Common, _) => "common",
        (Field::Sections, _) => "sections.terms",
    };
    let terms = json!({"query": clause.terms.join(" "), "boost": clause.weight});
    let any = json!({"match": {field: terms}});
    match clause.field {
        Field::Sections => json!({"nested": {
            "path": "sections",
            "query": any,
            "score_mode": "max",
            "inner_hits": sections("matching"),
        }}),
        _ => any,
    }
}

/// Returns one query per phrase, which matches the pages that hold the phrase.
fn phrases(all: &[Ways]) -> impl Iterator<Item = Value> {
    all.iter().map(|ways| {
        let way = |words: &Vec<String>| json!({"match_phrase": {"body": words.join(" ")}});
        json!({"bool": {"should": ways.iter().map(way).collect::<Vec<_>>()}})
    })
}

fn filters(plan: &Plan) -> Vec<Value> {
    let filter = |filter: &Filter| match filter {
        Filter::Site(site) => json!({"term": {"site": site}}),
        Filter::Language(tag) => json!({"term": {"languages": tag}}),
        Filter::Path(path) => json!({"prefix": {"path": path}}),
    };
    phrases(&plan.phrases)
        .chain(plan.filters.iter().map(filter))
        .collect()
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
struct Response<P = PageHit> {
    hits: Pages<P>,
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
struct Pages<P> {
    total: Total,
    #[serde(default = "Vec::new")]
    hits: Vec<P>,
}

/// A page that may be among the results of a question.
#[derive(Deserialize)]
struct Candidate {
    #[serde(rename = "_score")]
    score: f32,
    fields: CandidateFields,
}

#[derive(Deserialize)]
struct CandidateFields {
    id: [String; 1],
    meanings: [String; 1],
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
