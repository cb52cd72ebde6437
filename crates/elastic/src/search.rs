//! A search, as Elasticsearch is asked.

use canter_core::failure::Failure;
use canter_core::query::{Hit, Hits, Query};
use serde_json::{Value, json};

use crate::entry::stored;

/// The body of a search.
pub(crate) fn request(query: &Query) -> Value {
    json!({
        "query": {"match": {"text": query.text}},
        "size": query.limit,
        "from": query.offset,
        "track_total_hits": true,
    })
}

/// The results in an answer.
pub(crate) fn hits(answer: &Value) -> Result<Hits, Failure> {
    let mut hits = Vec::new();
    for hit in answer["hits"]["hits"].as_array().into_iter().flatten() {
        let page = stored(&hit["_source"])?;
        hits.push(Hit {
            url: page.url,
            title: page.title,
            snippet: String::new(),
            score: 1.0,
            site: page.site,
            fetched_at_ms: page.fetched_at_ms,
            sections: Vec::new(),
        });
    }
    Ok(Hits {
        total: answer["hits"]["total"]["value"].as_u64().unwrap_or(0),
        exact: true,
        hits,
    })
}
