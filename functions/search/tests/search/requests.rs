//! Requests behind API Gateway, against the real index.

use std::sync::Arc;

use crate::gateway::{self, event, fill, get, hand, measured, resolved, settings, urls_of};
use axum::Router;
use canter_api::{NoStatus, ROUTES};
use canter_elastic::{ElasticReader, LazyIndex};
use canter_tests::contract::index::document;
use canter_tests::{Lines, OwnIndex};
use serde_json::{Value, json};

const STAGE: &str = "https://abc123.execute-api.eu-central-1.amazonaws.com/search/";

/// The router over an index that may not be there yet.
fn over(own: &OwnIndex) -> Router {
    let settings = settings(own);
    let index = LazyIndex::new(move || {
        let settings = settings.clone();
        async move { ElasticReader::open(&settings).await }
    });
    canter_api::router(Arc::new(index), Arc::new(NoStatus))
}

async fn ponies() -> (Router, OwnIndex) {
    let own = OwnIndex::new();
    let pages = ["/a", "/b", "/c"].map(|path| document(path, 7, "ponies"));
    fill(&own, pages.into()).await;
    (over(&own), own)
}

/// What a person typed reaches the search as it was typed.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn words_survive_the_way() {
    let (router, _own) = ponies().await;
    let rows = [
        ("q=ponies", "ponies"),
        ("q=C%2B%2B", "C++"),
        ("q=a%26b", "a&b"),
        ("q=%C3%BC", "ü"),
        ("q=%F0%9F%A6%84", "🦄"),
        ("q=a+b", "a b"),
        ("q=a%20b", "a b"),
        ("q=100%25", "100%"),
        ("q=%2541", "%41"),
        ("q=a%3Db%3Fc%23d%2Fe", "a=b?c#d/e"),
        ("q=%22a+AND+b%3A*", "\"a AND b:*"),
        ("q=a&utm=%2B&utm=2", "a"),
    ];
    for (query, words) in rows {
        let answer = get(&router, &format!("/api/v1/search?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(answer.json()["query"], words, "{query}");
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn pages_are_found() {
    let (router, _own) = ponies().await;
    let answer = get(&router, "/api/v1/search?q=ponies&limit=1&offset=1").await;
    assert_eq!(
        answer.json()["total"],
        json!({"value": 3, "relation": "eq"})
    );
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 1);
    assert_eq!(
        answer.header("link"),
        r#"<search?q=ponies&limit=1&offset=2>; rel="next", <search?q=ponies&limit=1>; rel="prev""#
    );
    let answer = get(&router, "/?q=ponies&limit=1&offset=1").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("A page about <mark>ponies</mark>"));
}

/// Method and URL, status, and the parameters that are named.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn refusals_are_problems() {
    let (router, _own) = ponies().await;
    let rows: [(&str, &str, u64, &[&str]); 8] = [
        ("GET", "/api/v1/search", 400, &["q"]),
        ("GET", "/api/v1/search?q=", 400, &["q"]),
        ("GET", "/api/v1/search?q=a&q=b", 400, &["q"]),
        ("GET", "/api/v1/search?q=a&limit=%2B5", 400, &["limit"]),
        ("GET", "/nowhere", 404, &[]),
        ("GET", "/search/api/v1/search", 404, &[]),
        ("POST", "/api/v1/search?q=a", 405, &[]),
        ("DELETE", "/", 405, &[]),
    ];
    for (method, url, status, parameters) in rows {
        let answer = hand(&router, &event(method, url)).await;
        assert_eq!(answer.status, status, "{method} {url}");
        assert_eq!(answer.problem(), parameters, "{method} {url}");
        assert!(!answer.base64, "{method} {url}");
        let allowed = if status == 405 { "GET,HEAD" } else { "" };
        assert_eq!(answer.header("allow"), allowed, "{method} {url}");
    }
}

/// API Gateway sends what is marked as Base64 undecoded unless its settings list the media type.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn everything_is_text() {
    let (router, _own) = ponies().await;
    for route in ROUTES {
        let url = format!("{route}?q=ponies");
        let answer = get(&router, &url).await;
        assert_eq!((answer.status, answer.base64), (200, false), "{route}");
        let begins = match answer.header("content-type") {
            "application/json" => "{",
            "text/css; charset=utf-8" => ":root",
            "image/svg+xml" => "<svg",
            "text/javascript; charset=utf-8" => "addEventListener",
            "text/html; charset=utf-8" => "<!DOCTYPE html>",
            kind => panic!("{route}: {kind}"),
        };
        let body = &answer.body;
        assert!(body.contains(begins), "{route}: {body}");
        let head = hand(&router, &event("HEAD", &url)).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{route}");
        assert_eq!(head.header("content-type"), answer.header("content-type"));
        assert!(!head.base64, "{route}");
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_browser_may_ask_from_anywhere() {
    let (router, _own) = ponies().await;
    let mut preflight = event("OPTIONS", "/api/v1/search");
    let asked = json!({
        "Origin": ["https://docs.example"],
        "Access-Control-Request-Method": ["GET"],
        "Access-Control-Request-Headers": ["x-tracing"],
    });
    preflight["multiValueHeaders"] = asked;
    preflight["headers"] = Value::Null;
    let answer = hand(&router, &preflight).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "GET,HEAD");
    assert_eq!(answer.header("access-control-allow-headers"), "*");
    let answer = get(&router, "/api/v1/search").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

/// Whatever a page links to of its own lies below the stage, and answers.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn links_stay_below_the_stage() {
    let (router, _own) = ponies().await;
    let mut led = 0;
    for url in [
        "/",
        "/?q=ponies&limit=1&offset=1",
        "/?q=nothing",
        "/?q=a&limit=x",
    ] {
        let page = get(&router, url).await;
        let address = format!("{STAGE}{}", &url[1..]);
        for link in urls_of(&page.body) {
            let target = resolved(&address, &link);
            if target.starts_with("https://example.org/") || link.starts_with('#') {
                continue;
            }
            let below = target.strip_prefix(STAGE);
            let below = below.unwrap_or_else(|| panic!("{link} on {url} leads to {target}"));
            let answer = get(&router, &format!("/{below}")).await;
            assert_eq!(answer.status, 200, "{link} on {url}");
            led += 1;
        }
    }
    assert!(led > 20, "{led}");
}

/// A stage's root without its slash, where every relative link would lead past the stage.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_root_has_a_slash() {
    let (router, _own) = ponies().await;
    let rows = [("", "search/"), ("?q=C%2B%2B", "search/?q=C%2B%2B")];
    for (url, location) in rows {
        for method in ["GET", "HEAD"] {
            let answer = hand(&router, &event(method, url)).await;
            assert_eq!(answer.status, 308, "{url:?}");
            assert_eq!(answer.header("location"), location, "{url:?}");
        }
        let target = resolved(STAGE.trim_end_matches('/'), location);
        let below = target.strip_prefix(STAGE).unwrap();
        let answer = get(&router, &format!("/{below}")).await;
        assert_eq!(answer.status, 200, "{url:?}");
    }
}

/// What stands before the path, with the domain and the mapping that it comes from.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_stands_before_the_path_is_left_out() {
    let (router, _own) = ponies().await;
    // Path of the event, and of its context.
    let rows = [
        ("/api/v1/status", "/search/api/v1/status"),
        ("/search/api/v1/status", "/search/api/v1/status"),
        ("/docs/api/v1/status", "/docs/api/v1/status"),
        ("/docs/search/api/v1/status", "/docs/search/api/v1/status"),
    ];
    for (path, whole) in rows {
        let mut event = event("GET", "/api/v1/status");
        event["path"] = json!(path);
        event["requestContext"]["path"] = json!(whole);
        let answer = hand(&router, &event).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    for (path, whole) in [("/docs/", "/docs/"), ("/", "/"), ("", "/")] {
        let mut event = event("GET", "/");
        event["path"] = json!(path);
        event["requestContext"]["path"] = json!(whole);
        assert_eq!(hand(&router, &event).await.status, 200, "{path}");
    }
    let mut event = event("GET", "/");
    event["path"] = json!("/docs");
    event["requestContext"]["path"] = json!("/docs");
    let answer = hand(&router, &event).await;
    assert_eq!((answer.status, answer.header("location")), (308, "docs/"));
    // A resource for the path alone.
    let mut event = gateway::event("GET", "/api/v1/status");
    event["resource"] = json!("/api/v1/status");
    event["requestContext"]["resourcePath"] = json!("/api/v1/status");
    event["pathParameters"] = Value::Null;
    assert_eq!(hand(&router, &event).await.status, 200);
}

/// A path is not mistaken for a query, nor does an odd one end the process.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn odd_paths_are_unknown() {
    let (router, _own) = ponies().await;
    for odd in ["api/v1/status?x", "api/v1/status#x", "ü/ \u{0}%", "//"] {
        let mut event = event("GET", "/x");
        event["pathParameters"]["proxy"] = json!(odd);
        assert_eq!(hand(&router, &event).await.status, 404, "{odd:?}");
    }
}

/// Before the first crawl, while one fills the index, and after the index was removed.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_index_may_come_and_go() {
    let own = OwnIndex::new();
    let router = over(&own);
    for _ in 0..2 {
        let start = get(&router, "/").await;
        assert_eq!(start.status, 200);
        assert!(start.body.contains("<form"), "{}", start.body);
        let page = get(&router, "/?q=ponies").await;
        assert_eq!(page.status, 503);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        for url in ["/api/v1/search?q=ponies", "/healthz"] {
            let answer = get(&router, url).await;
            assert_eq!(answer.status, 503, "{url}");
            assert!(answer.problem().is_empty(), "{url}");
            assert_eq!(answer.header("retry-after"), "5", "{url}");
        }
        fill(&own, vec![document("/a", 7, "ponies")]).await;
        let answer = get(&router, "/api/v1/search?q=ponies").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["total"]["value"], 1);
        let index = settings(&own).index().to_owned();
        own.ask("DELETE", &format!("/{index}"), "");
        own.ask("DELETE", &format!("/_index_template/{index}"), "");
    }
}

/// Metrics are made of searches that were answered, and the canary's are its own.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn searches_are_measured() {
    let (router, _own) = ponies().await;
    let log = Lines::default();
    let canary = |url: &str| {
        let mut event = event("GET", url);
        event["requestContext"]["requestId"] = json!("canary");
        event
    };
    for (event, metric) in [
        (
            event("GET", "/api/v1/search?q=ponies"),
            Some("SearchLatency"),
        ),
        (
            event("GET", "/api/v1/search?q=unicorns"),
            Some("SearchLatency"),
        ),
        (event("GET", "/?q=ponies"), Some("SearchLatency")),
        (event("GET", "/"), None),
        (event("GET", "/api/v1/search"), None),
        (event("GET", "/style.css"), None),
        (canary("/api/v1/search?q=ponies"), Some("CanaryLatency")),
        (canary("/api/v1/search?q=unicorns"), None),
    ] {
        measured(&router, &event, &log).await;
        let lines = log.take();
        let names: Vec<&Value> = lines
            .iter()
            .map(|line| &line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"])
            .collect();
        assert_eq!(names, Vec::from_iter(metric), "{event}");
        if let Some(metric) = metric {
            let took = lines[0][metric].as_f64().unwrap();
            assert!((0.01..30_000.0).contains(&took), "{metric}: {took}");
        }
    }
}
