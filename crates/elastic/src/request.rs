//! The requests of a search: the plan, clause by clause. They search for terms; the server parses
//! nothing that a person typed.

use canter_ranking::facets::MAX_VALUES;
use canter_ranking::plan::{Clause, Field, Filter, Plan, Saturation, Ways};
use serde_json::{Value, json};

use crate::suggester;

/// Maximum number of matching sections that are fetched per page. Sections without an anchor make
/// no deep links, so the third link may come far behind.
const MAX_SECTIONS: usize = 12;
/// Maximum number of languages that are counted, from which facets are chosen.
const MAX_TAGS: usize = 50;
/// Maximum number of folders that are counted, from which facets are chosen.
const MAX_FOLDERS: usize = 200;

/// Returns the query of a plan, which also asks for the sections that match.
fn query(plan: &Plan) -> Value {
    let mut should: Vec<Value> = plan.clauses.iter().map(any_of).collect();
    for pair in &plan.pairs {
        let pair = json!({"query": pair.join(" "), "boost": plan.pair_weight});
        should.push(json!({"match_phrase": {"body": pair}}));
    }
    if let Some(name) = &plan.name {
        let page = json!({"term": {"names": name}});
        let section = json!({"constant_score": {"filter": {"term": {"sections.names": name}}}});
        let section = in_sections(section, "named");
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
    match should.is_empty() {
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
    }
}

/// Returns a request for the candidates of a plan with what they show, and for all that is told of all
/// pages. The candidates of a question come with their vectors.
pub(crate) fn search(plan: &Plan) -> Value {
    let mut fields = vec!["shown"];
    if plan.terms(Field::Sections).is_empty() {
        fields.push("lead");
    }
    if plan.compares() {
        fields.push("meanings");
    }
    let candidates = plan.candidates();
    let mut body = json!({
        "query": query(plan),
        "sort": [{"_score": "desc"}, {"id": "asc"}],
        "from": candidates.start,
        "size": candidates.len(),
        "track_total_hits": true,
        "stored_fields": "_none_",
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

/// Returns a query for pages with a section that a query matches, and asks for what is shown of these
/// sections under a name.
fn in_sections(query: Value, name: &str) -> Value {
    json!({"nested": {
        "path": "sections",
        "query": query,
        "score_mode": "max",
        "inner_hits": {
            "name": name,
            "size": MAX_SECTIONS,
            "stored_fields": "_none_",
            "docvalue_fields": ["sections.shown"],
        },
    }})
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
        Field::Sections => in_sections(any, "matching"),
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
