//! Checks the server before the index is used: it must be a supported server, and its index must be
//! canter's own.

use std::time::Duration;

use canter_core::failure::Failure;
use elasticsearch::http::Method;
use serde_json::{Map, Value, json};

use crate::page::{LAYOUT, Similarity, index_body};
use crate::server::Server;
use crate::settings::Access;

/// Oldest release of Elasticsearch that canter supports.
const OLDEST: (u32, u32) = (7, 10);
/// Priority of the index template. It is higher than that of a user's own templates, so that only
/// this template applies to the index.
const PRIORITY: u32 = 10_000;

/// Checks that canter supports the server. Returns how an index on it is to rank.
///
/// # Errors
///
/// Returns a sentence that says what answered instead.
pub(crate) async fn greet(server: &Server) -> Result<Similarity, Failure> {
    if let Access::Signed(signer) = &server.access
        && signer.scope.service == "aoss"
    {
        return Err(Failure::permanent(format!(
            "{} is OpenSearch Serverless, which has no refresh and promises no versions of the \
             writer's own, so that canter could neither show what it wrote nor keep an older copy of \
             a page from replacing a newer one: use a domain of Amazon OpenSearch Service \
             (https://….es.amazonaws.com), or name no index, and canter keeps its own",
            server.url()
        )));
    }
    let answer = server.ask(Method::Get, "", None, Duration::ZERO).await?;
    let told = answer.json().unwrap_or_default();
    let version = &told["version"];
    let number = version["number"].as_str().unwrap_or_default();
    if answer.status == 200 && version["distribution"] == "opensearch" {
        return Ok(match release(number) {
            Some((3.., _)) => Similarity::LegacyBm25,
            _ => Similarity::Bm25,
        });
    }
    // The URL holds a path in front of the index's name that does not lead to the server.
    if answer.status == 404 {
        return Err(server.not_understood(&answer));
    }
    // A refusal in Elasticsearch's own words comes from Elasticsearch. A 401 may also come from a
    // proxy, but calls for the same remedy.
    if answer.status != 200 {
        return Err(server.refusal(&answer));
    }
    let is_elasticsearch = told["tagline"] == "You Know, for Search";
    match release(number) {
        Some(release) if is_elasticsearch && release >= OLDEST => Ok(Similarity::Bm25),
        Some(_) if is_elasticsearch => Err(Failure::permanent(format!(
            "Elasticsearch {number} at {} is too old: canter needs Elasticsearch 7.10 or newer, or \
             OpenSearch",
            server.url()
        ))),
        _ => Err(server.not_understood(&answer)),
    }
}

/// Returns the major and minor number of a release.
fn release(number: &str) -> Option<(u32, u32)> {
    let mut parts = number.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Creates the index if it is missing, and its template. With the template, a server that creates
/// an index on the first write creates the right one. Several processes may call this at the same
/// time.
///
/// # Errors
///
/// Returns a permanent failure if an index of the same name is not canter's, has another layout, or
/// ranks otherwise than a new one would.
pub(crate) async fn create(
    server: &Server,
    similarity: Similarity,
    patience: Duration,
) -> Result<(), Failure> {
    let known = found(server, patience).await?;
    if let Some(found) = &known {
        ranks_as_new(server, found, similarity)?;
    }
    let index = server.index();
    let body = index_body(similarity);
    let template = json!({
        "index_patterns": [index],
        "priority": PRIORITY,
        "template": body,
    });
    let path = format!("_index_template/{index}");
    let answer = server.ask(Method::Put, &path, Some(&template), patience);
    let answer = answer.await?;
    // Writing a template takes a privilege on the whole cluster, which few keys have. The template
    // is only a second line of defence: the writer checks the index before each bulk request.
    if answer.status >= 300 && answer.status != 403 {
        return Err(server.refusal(&answer));
    }
    if known.is_some() {
        return Ok(());
    }
    let answer = server
        .ask(Method::Put, index, Some(&body), patience)
        .await?;
    let (kind, _) = answer.error();
    match answer.status {
        200..300 => Ok(()),
        // Another process created the index first.
        400 if kind == "resource_already_exists_exception" => {
            found(server, patience).await.map(drop)
        }
        _ => Err(server.refusal(&answer)),
    }
}

/// Checks for a reader that canter's index exists. This usually takes one request: the index itself
/// says that it is canter's, and its writer has checked the server. The server is only checked if
/// the index is not found.
///
/// # Errors
///
/// Returns a transient failure if the index does not exist yet, since a crawl may be about to
/// create it.
pub(crate) async fn find(server: &Server) -> Result<(), Failure> {
    let found = found(server, Duration::ZERO).await;
    match found {
        Ok(Some(_)) => Ok(()),
        Err(silence @ Failure::Transient(_)) => Err(silence),
        Ok(None) | Err(_) => {
            greet(server).await?;
            found.and(Err(nothing(server)))
        }
    }
}

/// Returns mappings and settings of the index; none if it does not exist. An index of that name that
/// is not canter's is an error. An alias of several indexes has several of each.
async fn found(server: &Server, patience: Duration) -> Result<Option<Map<String, Value>>, Failure> {
    let answer = server
        .ask(Method::Get, server.index(), None, patience)
        .await?;
    if answer.tells_of_no_index() {
        return Ok(None);
    }
    if answer.status != 200 {
        return Err(server.refusal(&answer));
    }
    let Some(Value::Object(indexes)) = answer.json() else {
        return Err(server.not_understood(&answer));
    };
    for index in indexes.values() {
        match index["mappings"]["_meta"]["layout"].as_str() {
            Some(LAYOUT) => {}
            Some(layout) => return Err(foreign(server, &format!("has the layout {layout}"))),
            None => return Err(foreign(server, "was not made by canter")),
        }
    }
    Ok(Some(indexes))
}

/// Checks that an index has the similarity that a new one would have: a server that is upgraded to
/// OpenSearch 3 keeps that of its indexes, and reads it otherwise than before.
fn ranks_as_new(
    server: &Server,
    found: &Map<String, Value>,
    similarity: Similarity,
) -> Result<(), Failure> {
    for index in found.values() {
        let fields = index["settings"]["index"]["similarity"].as_object();
        let kinds = fields
            .into_iter()
            .flatten()
            .map(|(_, field)| &field["type"]);
        if let Some(other) = kinds.into_iter().find(|kind| **kind != similarity.name()) {
            let (url, index, wanted) = (server.url(), server.index(), similarity.name());
            return Err(Failure::permanent(format!(
                "the index {index} at {url} is older than the server's upgrade and ranks otherwise \
                 than a new one (by {other}, not \"{wanted}\"): write its sites to an index of another \
                 name (`canter reindex SITE --index {url}NAME`; for a stack, set IndexUrl to that, then \
                 `canter reindex SITE --aws STACK`), then delete this one, which can be searched until \
                 then"
            )));
        }
    }
    Ok(())
}

fn foreign(server: &Server, why: &str) -> Failure {
    let (url, index) = (server.url(), server.index());
    Failure::permanent(format!(
        "the index {index} at {url} {why}: name another one behind the server's URL, as in \
         {url}my-docs"
    ))
}

/// Returns the failure for a server on which nothing was indexed yet.
pub(crate) fn nothing(server: &Server) -> Failure {
    let (url, index) = (server.url(), server.index());
    Failure::transient(format!(
        "there is no index {index} at {url} yet: crawl a site first (`canter crawl URL --index \
         …`), make it from the archive (`canter reindex SITE --index …`), or name another index \
         behind the server's URL"
    ))
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_are_read() {
        let rows = [
            ("7.10.2", Some((7, 10))),
            ("9.0.0-SNAPSHOT", Some((9, 0))),
            ("6.8.23", Some((6, 8))),
            ("8", None),
            ("", None),
            ("x.y", None),
        ];
        for (number, expected) in rows {
            assert_eq!(release(number), expected, "{number}");
        }
    }
}
