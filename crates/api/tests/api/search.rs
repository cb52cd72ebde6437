//! What programs meet: requests as rows, against the router itself.

use std::sync::Arc;

use crate::fake::{FakeIndex, Lost, Running, get, hit, over, send};
use canter_api::{NoStatus, ROUTES, router};
use canter_core::failure::Failure;
use canter_ranking::completion::Named;
use canter_ranking::facets::Facets;
use canter_ranking::query::Query;
use serde_json::json;

fn query(text: &str) -> Query {
    Query {
        text: text.to_owned(),
        limit: 10,
        offset: 0,
        site: None,
        language: None,
        path: None,
    }
}

/// `name: query string => the query that reaches the index`.
macro_rules! asks {
    ($($name:ident: $given:expr => $expected:expr;)*) => {
        mod asks {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let index = Arc::new(FakeIndex::with(3));
                let service = router(Arc::clone(&index), Arc::new(NoStatus));
                let answer = get(&service, &format!("/api/v1/search?{}", $given)).await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert_eq!(index.asked(), [$expected]);
            })*
        }
    };
}

asks! {
    words: "q=asyncio+gather" => query("asyncio gather");
    trimmed: "q=%20%E3%80%80a+b%09" => query("a b");
    syntax_is_words: "q=%22(a+AND%20b:*%5B" => query("\"(a AND b:*[");
    beyond_ascii: "q=%C3%A4%F0%9F%A6%84" => query("ä🦄");
    escaped_name: "%71=a" => query("a");
    equals_and_escaped_ampersand: "q=a=b%26c" => query("a=b&c");
    longest: format!("q={}", "%C3%A4".repeat(500)) => query(&"ä".repeat(500));
    limit_and_offset: "q=a&limit=100&offset=9900" => Query { limit: 100, offset: 9900, ..query("a") };
    filters: "q=a&site=docs.test&lang=pt-BR&path=/3/" => Query {
        site: Some("docs.test".into()),
        language: Some("pt-br".into()),
        path: Some("/3/".into()),
        ..query("a")
    };
    empty_filters_of_a_form: "q=a&site=&lang=&path=" => query("a");
    unknown_parameters: "utm=1&q=a&utm=%zz&%zz=1&&=" => query("a");
}

/// `name: query string => the parameters that the answer names`.
macro_rules! refused {
    ($($name:ident: $given:expr => $parameters:expr;)*) => {
        mod refused {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let index = Arc::new(FakeIndex::with(3));
                let service = router(Arc::clone(&index), Arc::new(NoStatus));
                let answer = get(&service, &format!("/api/v1/search{}", $given)).await;
                assert_eq!(answer.status, 400, "{}", answer.body);
                assert_eq!(answer.header("content-type"), "application/problem+json");
                let problem = answer.json();
                assert_eq!(problem["status"], 400);
                assert_eq!(problem["title"], "Bad Request");
                let named: Vec<_> = problem["errors"].as_array().unwrap().iter()
                    .map(|error| error["parameter"].as_str().unwrap())
                    .collect();
                assert_eq!(named, $parameters);
                assert!(index.asked().is_empty());
            })*
        }
    };
}

refused! {
    no_query_string: "" => ["q"];
    no_q: "?x=1" => ["q"];
    empty_q: "?q=" => ["q"];
    blank_q: "?q=+%09" => ["q"];
    q_without_a_value: "?q" => ["q"];
    long_q: format!("?q={}", "a".repeat(501)) => ["q"];
    q_twice: "?q=a&q=b" => ["q"];
    no_escape: "?q=100%" => ["q"];
    short_escape: "?q=%4" => ["q"];
    no_hex: "?q=%4g" => ["q"];
    no_utf8: "?q=%ff" => ["q"];
    half_a_character: "?q=%F0%9F%A6" => ["q"];
    limit_zero: "?q=a&limit=0" => ["limit"];
    limit_101: "?q=a&limit=101" => ["limit"];
    limit_empty: "?q=a&limit=" => ["limit"];
    limit_negative: "?q=a&limit=-1" => ["limit"];
    limit_signed: "?q=a&limit=%2B5" => ["limit"];
    limit_fraction: "?q=a&limit=1.5" => ["limit"];
    limit_word: "?q=a&limit=ten" => ["limit"];
    limit_huge: "?q=a&limit=99999999999999999999999" => ["limit"];
    limit_no_utf8: "?q=a&limit=%ff" => ["limit"];
    offset_negative: "?q=a&offset=-1" => ["offset"];
    offset_word: "?q=a&offset=x" => ["offset"];
    offset_huge: "?q=a&offset=18446744073709551615" => ["offset"];
    window: "?q=a&offset=10000" => ["offset"];
    path_without_slash: "?q=a&path=3/" => ["path"];
    path_long: format!("?q=a&path=/{}", "a".repeat(500)) => ["path"];
    site_long: format!("?q=a&site={}", "a".repeat(501)) => ["site"];
    lang_no_tag: "?q=a&lang=en_US" => ["lang"];
    everything: "?limit=x&offset=y&lang=!&path=z" => ["q", "limit", "offset", "path", "lang"];
    twice_is_told_once: "?q=a&limit=0&limit=x" => ["limit"];
}

#[tokio::test]
async fn an_answer_is_the_contract_s() {
    let one = |value: &str| vec![(value.to_owned(), 1)];
    let index = FakeIndex {
        facets: Facets {
            sites: one("docs.test"),
            languages: Vec::new(),
            folders: one("/a/"),
        },
        ..FakeIndex::with(1)
    };
    let answer = get(&over(index), "/api/v1/search?q=+word+").await;
    assert_eq!(answer.header("content-type"), "application/json");
    let mut body = answer.json();
    assert!(body["took_ms"].take().is_u64());
    assert_eq!(
        body,
        json!({
            "query": "word",
            "total": {"value": 1, "relation": "eq"},
            "took_ms": null,
            "limit": 10,
            "offset": 0,
            "results": [{
                "url": "https://docs.test/page-0.html",
                "title": "Page 0",
                "snippet": "a <mark>word</mark> &amp; more",
                "score": 12.5,
                "site": "docs.test",
                "fetched_at": "2026-11-22T10:00:00Z",
                "sections": [{
                    "url": "https://docs.test/page-0.html#part",
                    "title": "A part",
                    "snippet": "of <mark>it</mark>",
                }],
            }],
            "suggestion": null,
            "filters": {
                "site": [{"value": "docs.test", "count": 1}],
                "lang": [],
                "path": [{"value": "/a/", "count": 1}],
            },
        })
    );
}

/// Names with where they lead, then words; never a link that a browser would run.
#[tokio::test]
async fn what_was_typed_is_completed() {
    let named = |text: &str, url: &str| Named {
        text: text.into(),
        url: url.parse().unwrap(),
        whole: false,
        known: 0,
    };
    let names = vec![
        named("wait_for", "https://docs.test/a#wait_for"),
        named("waits", "javascript:alert(1)"),
    ];
    let service = over(FakeIndex {
        names,
        ..FakeIndex::with(0)
    });
    for (typed, suggestions) in [
        (
            "%20to+wait",
            json!([
                {"text": "wait_for", "url": "https://docs.test/a#wait_for"},
                {"text": "to waiting", "url": null},
            ]),
        ),
        // No word goes on where a name does.
        (
            "wait",
            json!([{"text": "wait_for", "url": "https://docs.test/a#wait_for"}]),
        ),
    ] {
        let answer = get(&service, &format!("/api/v1/suggest?q={typed}&limit=3")).await;
        let query = typed.replace("%20", "").replace('+', " ");
        assert_eq!(
            answer.json(),
            json!({"query": query, "suggestions": suggestions})
        );
    }
    for (query, status) in [("q=", 400), ("", 400), ("q=a&limit=0", 400), ("q=?", 200)] {
        let answer = get(&service, &format!("/api/v1/suggest?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
    }
}

/// Where no page has a word, what was meant is searched for, and named; the query stays what it is,
/// also in the links to the neighbours.
#[tokio::test]
async fn a_misspelt_query_is_answered_as_it_was_meant() {
    let index = Arc::new(FakeIndex {
        meant: Some(("wrod", "word")),
        ..FakeIndex::with(12)
    });
    let answer = get(
        &router(Arc::clone(&index), Arc::new(NoStatus)),
        "/api/v1/search?q=wrod",
    )
    .await;
    let body = answer.json();
    assert_eq!(
        (&body["query"], &body["suggestion"]),
        (&json!("wrod"), &json!("word"))
    );
    assert_eq!(body["results"].as_array().unwrap().len(), 10);
    let texts: Vec<String> = index.asked().into_iter().map(|query| query.text).collect();
    assert_eq!(texts, ["wrod", "word"]);
    assert!(
        answer.header("link").contains("q=wrod"),
        "{}",
        answer.header("link")
    );
}

#[tokio::test]
async fn a_lower_bound_says_so() {
    let index = FakeIndex {
        exact: false,
        ..FakeIndex::with(2)
    };
    let answer = get(&over(index), "/api/v1/search?q=a").await;
    assert_eq!(
        answer.json()["total"],
        json!({"value": 2, "relation": "gte"})
    );
}

/// `name: results, query string => Link header`.
macro_rules! neighbours {
    ($($name:ident: $count:expr, $given:expr => $link:expr;)*) => {
        mod neighbours {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let answer = get(&over(FakeIndex::with($count)), &format!("/api/v1/search?{}", $given)).await;
                assert_eq!(answer.header("link"), $link);
            })*
        }
    };
}

neighbours! {
    none: 10, "q=a" => "";
    next: 11, "q=a" => r#"<search?q=a&offset=10>; rel="next""#;
    both: 21, "q=a&offset=10" =>
        r#"<search?q=a&offset=20>; rel="next", <search?q=a>; rel="prev""#;
    previous: 20, "q=a&offset=10" => r#"<search?q=a>; rel="prev""#;
    previous_begins_at_the_first: 8, "q=a&offset=4" => r#"<search?q=a>; rel="prev""#;
    behind_the_last: 5, "q=a&offset=50" => r#"<search?q=a&offset=40>; rel="prev""#;
    everything_is_kept_and_escaped: 9, "q=a%26b%3E+%C3%A4&site=s%20t&lang=en&path=/x&limit=5" =>
        r#"<search?q=a%26b%3E%20%C3%A4&site=s%20t&lang=en&path=%2Fx&limit=5&offset=5>; rel="next""#;
    last_of_the_window_is_short: 20_000, "q=a&limit=30&offset=9960" =>
        r#"<search?q=a&offset=9990>; rel="next", <search?q=a&limit=30&offset=9930>; rel="prev""#;
    end_of_the_window: 20_000, "q=a&offset=9990" => r#"<search?q=a&offset=9980>; rel="prev""#;
}

#[tokio::test]
async fn next_links_lead_through_every_result_once() {
    let service = over(FakeIndex::with(25));
    let mut uri = "search?q=a&limit=4".to_owned();
    let mut urls = Vec::new();
    loop {
        let answer = get(&service, &format!("/api/v1/{uri}")).await;
        for result in answer.json()["results"].as_array().unwrap() {
            urls.push(result["url"].as_str().unwrap().to_owned());
        }
        let link = answer.header("link");
        match link.split_once(">; rel=\"next\"") {
            Some((next, _)) => uri = next.trim_start_matches('<').to_owned(),
            None => break,
        }
    }
    let expected: Vec<_> = (0..25)
        .map(|number| format!("https://docs.test/page-{number}.html"))
        .collect();
    assert_eq!(urls, expected);
}

#[tokio::test]
async fn an_index_that_fails_for_now_is_a_503() {
    let service = over(FakeIndex::failing(Failure::transient(
        "node 10.1.2.3 is away",
    )));
    for uri in ["/api/v1/search?q=a", "/healthz", "/?q=a"] {
        let answer = get(&service, uri).await;
        assert_eq!(answer.status, 503, "{uri}");
        assert_eq!(answer.header("retry-after"), "5", "{uri}");
        assert!(!answer.body.contains("10.1.2.3"), "{uri}");
    }
}

#[tokio::test]
async fn an_index_that_fails_for_good_is_a_500() {
    let service = over(FakeIndex::failing(Failure::permanent(
        "no such folder /secret",
    )));
    for uri in ["/api/v1/search?q=a", "/healthz", "/?q=a"] {
        let answer = get(&service, uri).await;
        assert_eq!(answer.status, 500, "{uri}");
        assert_eq!(answer.header("retry-after"), "", "{uri}");
        assert!(!answer.body.contains("secret"), "{uri}");
    }
}

#[tokio::test]
async fn health_is_the_index_s() {
    let answer = get(&over(FakeIndex::with(0)), "/healthz").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({"status": "ok"}))
    );
}

#[tokio::test]
async fn status_is_the_crawls_one_by_one() {
    let answer = get(&over(FakeIndex::with(0)), "/api/v1/status").await;
    assert_eq!(answer.json(), json!({"crawls": []}));

    let service = router(
        Arc::new(FakeIndex::with(0)),
        Arc::new(Running { searchable: 7 }),
    );
    let answer = get(&service, "/api/v1/status").await;
    assert_eq!(
        answer.json(),
        json!({"crawls": [{
            "site": "docs.test", "state": "running", "searchable": 7, "pages": 1234,
            "waiting": 5678, "failed": 2, "rps_limit": 10.0,
            "held": {"reason": "pages are gone", "share": 0.25, "pages": 30,
                     "examples": ["https://docs.test/gone"]},
            "started_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:01:00Z",
        }]})
    );

    let service = router(Arc::new(FakeIndex::with(0)), Arc::new(Lost));
    assert_eq!(get(&service, "/api/v1/status").await.status, 503);
}

#[tokio::test]
async fn every_route_is_for_reading() {
    let service = over(FakeIndex::with(1));
    for route in ROUTES {
        let uri = format!("{route}?q=a");
        let answer = get(&service, &uri).await;
        assert_eq!(answer.status, 200, "{route}");
        let head = send(&service, "HEAD", &uri).await;
        assert_eq!(
            (head.status.as_u16(), head.body.as_str()),
            (200, ""),
            "{route}"
        );
        assert_eq!(head.header("content-type"), answer.header("content-type"));
        for method in ["POST", "PUT", "DELETE", "PATCH", "QUERY"] {
            let refused = send(&service, method, &uri).await;
            assert_eq!(refused.status, 405, "{method} {route}");
            assert_eq!(refused.header("allow"), "GET,HEAD", "{method} {route}");
            assert_eq!(refused.json()["status"], 405, "{method} {route}");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    for uri in [
        "/nowhere",
        "/api/v1/",
        "/api/v1/search/",
        "/api/v2/search?q=a",
        "/../etc/passwd",
    ] {
        let answer = get(&over(FakeIndex::with(1)), uri).await;
        assert_eq!(answer.status, 404, "{uri}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["title"], "Not Found", "{uri}");
    }
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let service = over(FakeIndex::with(1));
    for uri in [
        "/",
        "/?q=a",
        "/?q=a&limit=x",
        "/nowhere",
        "/api/v1/search?q=a",
        "/api/v1/search",
        "/style.css",
    ] {
        let answer = get(&service, uri).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{uri}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{uri}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{uri}"
        );
        assert!(!policy.contains("unsafe"), "{uri}");
        assert!(!answer.header("cache-control").is_empty(), "{uri}");
    }
}

#[tokio::test]
async fn any_origin_may_read_the_api_and_its_errors() {
    let service = over(FakeIndex::with(1));
    for uri in [
        "/api/v1/search?q=a",
        "/api/v1/search",
        "/api/v1/status",
        "/api/v1/openapi.json",
    ] {
        let answer = get(&service, uri).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{uri}");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "link,retry-after",
            "{uri}"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            "",
            "{uri}"
        );
    }
    assert_eq!(
        get(&service, "/")
            .await
            .header("access-control-allow-origin"),
        ""
    );
    let preflight = send(&service, "OPTIONS", "/api/v1/search").await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-methods"), "GET,HEAD");
}

#[tokio::test]
async fn only_web_addresses_and_marks_leave_the_api() {
    let mut odd = hit("javascript:alert(1)", "Odd", "");
    odd.sections.clear();
    let mut half = hit(
        "https://docs.test/",
        "Half",
        "<b onclick=x>a</b> <mark>b</mark> <mark onclick=x>",
    );
    half.sections[0].url = "data:text/html,x".parse().unwrap();
    let answer = get(&over(FakeIndex::of(vec![odd, half])), "/api/v1/search?q=a").await;
    let results = answer.json()["results"].clone();
    assert_eq!(results.as_array().unwrap().len(), 1);
    assert_eq!(results[0]["sections"], json!([]));
    assert_eq!(
        results[0]["snippet"],
        "&lt;b onclick=x>a&lt;/b> <mark>b</mark> &lt;mark onclick=x>"
    );
}
