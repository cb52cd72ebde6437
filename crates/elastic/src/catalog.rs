//! Counts and lists the pages of a site.

use std::time::Duration;

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use elasticsearch::http::Method;
use serde_json::{Value, json};

use crate::page::stored;
use crate::server::Server;

/// Maximum number of versions per response: what Elasticsearch allows.
const VERSIONS: usize = 10_000;
/// Maximum number of pages per response. A long page takes megabytes.
const PAGES: usize = 50;

pub(crate) async fn count(server: &Server, site: &str, patience: Duration) -> Result<u64, Failure> {
    let path = format!("{}/_count", server.index());
    let body = json!({"query": of_site(site)});
    let answer = server.fetch(Method::Post, &path, Some(&body), patience);
    answer.await?["count"]
        .as_u64()
        .ok_or_else(|| broken(server, "a count without a number"))
}

pub(crate) async fn versions(
    server: &Server,
    site: &str,
    patience: Duration,
) -> Result<Vec<(UrlKey, u64)>, Failure> {
    let mut versions = Vec::new();
    let mut walk = Walk::new(server, site, patience, json!(false), VERSIONS);
    walk.body["version"] = json!(true);
    while let Some(entries) = walk.next().await? {
        for entry in entries {
            let id = entry["_id"].as_str().and_then(key);
            let version = id.zip(entry["_version"].as_u64());
            versions.push(version.ok_or_else(|| broken(server, "a page that is not canter's"))?);
        }
    }
    Ok(versions)
}

pub(crate) async fn export(
    server: &Server,
    site: &str,
    patience: Duration,
    mut each: impl FnMut(Stored) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut walk = Walk::new(server, site, patience, json!(true), PAGES);
    while let Some(entries) = walk.next().await? {
        for entry in entries {
            each(stored(&entry["_source"])?)?;
        }
    }
    Ok(())
}

/// A walk through the pages of a site in the order of their ids. Each request continues after the
/// last id. Concurrent writes therefore neither repeat nor hide other pages, and a request can be
/// repeated. A snapshot would need the point-in-time API, which some servers lack.
struct Walk<'a> {
    server: &'a Server,
    patience: Duration,
    body: Value,
    size: usize,
    ended: bool,
}

impl<'a> Walk<'a> {
    fn new(server: &'a Server, site: &str, patience: Duration, source: Value, size: usize) -> Self {
        let body = json!({
            "query": {"bool": {"filter": of_site(site)}},
            "sort": [{"id": "asc"}],
            "size": size,
            "_source": source,
            "track_total_hits": false,
        });
        Walk {
            server,
            patience,
            body,
            size,
            ended: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let path = format!("{}/_search", self.server.index());
        let answer = self
            .server
            .fetch(Method::Post, &path, Some(&self.body), self.patience);
        let mut answer = answer.await?;
        // Pages of a failed shard would look deleted.
        if answer["timed_out"] == true || answer["_shards"]["failed"].as_u64() != Some(0) {
            return Err(broken(self.server, "only a part of the index"));
        }
        let Value::Array(entries) = answer["hits"]["hits"].take() else {
            return Err(broken(self.server, "a search without results"));
        };
        self.ended = entries.len() < self.size;
        if let Some(last) = entries.last() {
            self.body["search_after"] = last["sort"].clone();
        }
        Ok(Some(entries))
    }
}

fn of_site(site: &str) -> Value {
    json!({"term": {"site": site}})
}

fn broken(server: &Server, what: &str) -> Failure {
    Failure::transient(format!("Elasticsearch at {} gave {what}", server.url()))
}

/// Parses an id.
fn key(text: &str) -> Option<UrlKey> {
    let whole = (text.len() == 32).then(|| u128::from_str_radix(text, 16));
    Some(UrlKey(whole?.ok()?.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        for id in [UrlKey([0; 16]), UrlKey([255; 16]), UrlKey::hash(b"page")] {
            assert_eq!(key(&id.to_string()), Some(id));
        }
        for text in ["", "0", "zz", "x0000000000000000000000000000000"] {
            assert_eq!(key(text), None, "{text}");
        }
    }
}
