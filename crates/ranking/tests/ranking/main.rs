//! What pages and queries mean.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod corrections;
mod terms;
mod tokenizer;

use canter_ranking::plan::Plan;
use canter_ranking::query::Query;

fn query(text: &str) -> Query {
    Query {
        text: text.into(),
        limit: 10,
        offset: 0,
        site: None,
        language: None,
        path: None,
    }
}

fn plan(text: &str) -> Plan {
    Plan::compile(&query(text), &[])
}
