//! What is found on the server before the index is used: the right server, and an index of
//! canter's own.

use std::time::Duration;

use canter_core::failure::Failure;
use elasticsearch::http::Method;
use serde_json::{Value, json};

use crate::page::{LAYOUT, index_body};
use crate::server::Server;

/// The oldest Elasticsearch that canter works with.
const OLDEST: (u32, u32) = (7, 10);
/// Above what a person's own patterns have, so that only this template counts for the index.
const PRIORITY: u32 = 10_000;

/// Makes sure that the server is one that canter works with.
///
/// # Errors
///
/// A sentence that says what answered instead.
pub(crate) async fn greet(server: &Server) -> Result<(), Failure> {
    let answer = server.ask(Method::Get, "", None, Duration::ZERO).await?;
    let told = answer.json().unwrap_or_default();
    let version = &told["version"];
    if answer.status == 200 && version["distribution"] == "opensearch" {
        return Ok(());
    }
    // The URL has more before the index's name than the server.
    if answer.status == 404 {
        return Err(server.not_understood(&answer));
    }
    // Who refuses in Elasticsearch's own words is Elasticsearch; a proxy may have a 401 too, and
    // wants the same to be done.
    if answer.status != 200 {
        return Err(server.refusal(&answer));
    }
    let number = version["number"].as_str().unwrap_or_default();
    let is_elasticsearch = told["tagline"] == "You Know, for Search";
    match release(number) {
        Some(release) if is_elasticsearch && release >= OLDEST => Ok(()),
        Some(_) if is_elasticsearch => Err(Failure::permanent(format!(
            "Elasticsearch {number} at {} is too old: canter needs Elasticsearch 7.10 or newer, or \
             OpenSearch",
            server.url()
        ))),
        _ => Err(server.not_understood(&answer)),
    }
}

/// Major and minor number of a release.
fn release(number: &str) -> Option<(u32, u32)> {
    let mut parts = number.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Makes the index where there is none, and its template, so that a server which makes an index of
/// what is written to it makes the right one. Several processes may do so at once.
///
/// # Errors
///
/// Permanent when an index of the same name is not canter's, or of another layout.
pub(crate) async fn create(server: &Server, patience: Duration) -> Result<(), Failure> {
    let index = server.index();
    let template = json!({
        "index_patterns": [index],
        "priority": PRIORITY,
        "template": index_body(),
    });
    let path = format!("_index_template/{index}");
    let answer = server.ask(Method::Put, &path, Some(&template), patience);
    let answer = answer.await?;
    // The privilege for it is one of the whole cluster, which few keys have. It is a second line of
    // defence: the writer looks for the index before each bulk.
    if answer.status >= 300 && answer.status != 403 {
        return Err(server.refusal(&answer));
    }
    if is_there(server, patience).await? {
        return Ok(());
    }
    let body = index_body();
    let answer = server
        .ask(Method::Put, index, Some(&body), patience)
        .await?;
    let (kind, _) = answer.error();
    match answer.status {
        200..300 => Ok(()),
        // Another process was first.
        400 if kind == "resource_already_exists_exception" => {
            is_there(server, patience).await.map(drop)
        }
        _ => Err(server.refusal(&answer)),
    }
}

/// Makes sure that canter's index is there, for whoever reads it. That takes one request: the index
/// says that it is canter's, and its writer has looked at the server. Only where it is not found
/// is the server asked what it is.
///
/// # Errors
///
/// Transient when nothing was indexed yet: a crawl may be about to.
pub(crate) async fn find(server: &Server) -> Result<(), Failure> {
    let found = is_there(server, Duration::ZERO).await;
    match found {
        Ok(true) => Ok(()),
        Err(silence @ Failure::Transient(_)) => Err(silence),
        Ok(false) | Err(_) => {
            greet(server).await?;
            found.and(Err(nothing(server)))
        }
    }
}

/// Whether there is an index of that name; one that is not canter's is an error.
pub(crate) async fn is_there(server: &Server, patience: Duration) -> Result<bool, Failure> {
    let path = format!("{}/_mapping", server.index());
    let answer = server.ask(Method::Get, &path, None, patience).await?;
    if answer.tells_of_no_index() {
        return Ok(false);
    }
    if answer.status != 200 {
        return Err(server.refusal(&answer));
    }
    let Some(Value::Object(indexes)) = answer.json() else {
        return Err(server.not_understood(&answer));
    };
    // An alias of several indexes has several mappings.
    for mapping in indexes.values() {
        match mapping["mappings"]["_meta"]["layout"].as_str() {
            Some(LAYOUT) => {}
            Some(layout) => return Err(foreign(server, &format!("has the layout {layout}"))),
            None => return Err(foreign(server, "was not made by canter")),
        }
    }
    Ok(true)
}

fn foreign(server: &Server, why: &str) -> Failure {
    let (url, index) = (server.url(), server.index());
    Failure::permanent(format!(
        "the index {index} at {url} {why}: name another one behind the server's URL, as in \
         {url}my-docs"
    ))
}

/// Nothing was indexed on the server yet.
pub(crate) fn nothing(server: &Server) -> Failure {
    let (url, index) = (server.url(), server.index());
    Failure::transient(format!(
        "there is no index {index} at {url} yet: crawl a site first (`canter crawl URL --index \
         …`), or name another index behind the server's URL"
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
