//! `--index`: the same crawls and searches with a real Elasticsearch instead of the folder's own
//! index.

mod faults;
mod parity;
mod relevance;
mod sites;

use canter_tests::places::Places;
use canter_tests::{Canter, OwnIndex, canter};
use serde_json::Value;

/// Places for tests of this module. The server makes one index after the other, and on a busy machine
/// a test that waits for several others would run out of time.
static PLACES: Places = Places::new(2);

/// The answer to a search, on a server or in the folder.
fn search(canter: &Canter, server: Option<&OwnIndex>, query: &str) -> Value {
    let url = server.map(OwnIndex::url);
    // The leading space keeps clap from reading an option.
    let query = format!(" {query}");
    let mut args = vec!["search", &query, "--json"];
    args.extend(url.iter().flat_map(|url| ["--index", url]));
    let answer = canter.run(&args).done();
    serde_json::from_str(&answer.stdout).unwrap()
}

/// The paths of results, in order.
fn paths(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap();
    let url = |result: &Value| -> url::Url { result["url"].as_str().unwrap().parse().unwrap() };
    results
        .iter()
        .map(|result| url(result)[url::Position::BeforePath..].to_owned())
        .collect()
}

/// A program, and the arguments that make it use a server.
fn with(server: &OwnIndex) -> (Canter, Vec<String>) {
    (canter!(), vec!["--index".into(), server.url()])
}
