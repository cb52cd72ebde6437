//! What is found on the server when an index is opened, and what a person is told about it.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_elastic::{ElasticIndex, ElasticReader, Settings};
use canter_tests::contract::index::{SITE, document};
use canter_tests::faults::{Reply, Turn};
use canter_tests::tls::Authority;
use canter_tests::{Faults, OwnIndex, Site};
use serde_json::{Value, json};

fn settings(url: &str, key: Option<&str>) -> Settings {
    Settings::new(url, key.map(str::to_owned)).unwrap()
}

/// The failure of opening an index, and that the sentence holds each of these.
async fn refused(settings: &Settings, expected: &[&str]) -> Failure {
    let hurried = settings.clone().patience(Duration::from_secs(2));
    let failure = ElasticIndex::open(&hurried).await.err().unwrap();
    let sentence = failure.to_string();
    for part in expected {
        assert!(sentence.contains(part), "{part:?} is not in: {sentence}");
    }
    failure
}

/// The failure where the server's first answer is this one.
async fn refused_after(reply: Reply, key: Option<&str>, expected: &[&str]) -> Failure {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    faults.rule(move |_| Turn::Answer(reply.clone()));
    refused(&settings(&own.by_way_of(&faults.url()), key), expected).await
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_no_elasticsearch_is_told() {
    let page = Reply::of(200, "text/html; charset=utf-8", "<h1>Hello</h1>");
    let seen = [
        "is no Elasticsearch: it answered 200 with text/html",
        "7.10",
    ];
    let failure = refused_after(page, None, &seen).await;
    assert!(matches!(failure, Failure::Permanent(_)));
    let gone = Reply::of(404, "text/plain", "not found");
    refused_after(gone, None, &["it answered 404 with text/plain"]).await;
    let below = Reply::json(
        404,
        r#"{"error":{"type":"index_not_found_exception"},"status":404}"#,
    );
    refused_after(below, None, &["it answered 404 with application/json"]).await;
    let other = Reply::json(200, r#"{"version":{"number":"3.5.0"}}"#);
    refused_after(other, None, &["is no Elasticsearch", "application/json"]).await;
    let busy = Reply::of(503, "text/html", "come back");
    let failure = refused_after(busy, None, &["is not able to answer now (503"]).await;
    assert!(matches!(failure, Failure::Transient(_)));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_old_elasticsearch_is_told() {
    let old = r#"{"version":{"number":"6.8.23"},"tagline":"You Know, for Search"}"#;
    let expected = [
        "Elasticsearch 6.8.23 at http://127.0.0.1",
        "is too old",
        "7.10",
    ];
    refused_after(Reply::json(200, old), None, &expected).await;
}

/// They tell of themselves in their own ways; beyond that they are asked the same.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn newer_ones_and_opensearch_are_fine() {
    let rows = [
        r#"{"version":{"number":"8.19.1"},"tagline":"You Know, for Search"}"#,
        r#"{"version":{"number":"9.0.0-SNAPSHOT"},"tagline":"You Know, for Search"}"#,
        r#"{"version":{"distribution":"opensearch","number":"1.0.0"}}"#,
    ];
    for row in rows {
        let own = OwnIndex::new();
        let faults = Faults::before(own.server());
        faults.rule(move |asked| match asked.path.as_str() {
            "/" => Turn::Answer(Reply::json(200, row)),
            _ => Turn::Pass,
        });
        let settings = settings(&own.by_way_of(&faults.url()), None);
        assert!(ElasticIndex::open(&settings).await.is_ok(), "{row}");
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_user_and_a_password_are_sent_as_such() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let settings = settings(&own.by_way_of(&faults.url()), Some("canter:pass:word"));
    ElasticIndex::open(&settings).await.unwrap();
    for seen in faults.seen() {
        let mut sent = seen.asked.headers.iter();
        let sent = sent.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        assert_eq!(
            sent.map(|(_, value)| value.as_str()),
            Some("Basic Y2FudGVyOnBhc3M6d29yZA==")
        );
    }
    faults.rule(|_| Turn::Answer(Reply::json(401, "{}")));
    let failure = ElasticIndex::open(&settings)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        failure.contains("does not accept the user and password in CANTER_INDEX_API_KEY"),
        "{failure}"
    );
    assert!(!failure.contains("pass:word"), "{failure}");
}

/// OpenSearch 3 has another name for what older servers call BM25.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn opensearch_3_is_to_rank_as_older_ones_do() {
    for (number, expected) in [
        ("2.19.6", "BM25"),
        ("3.9.0", "LegacyBM25"),
        ("12.0", "LegacyBM25"),
    ] {
        let own = OwnIndex::new();
        let faults = Faults::before(own.server());
        faults.rule(move |asked| match asked.method.as_str() {
            "GET" if asked.path == "/" => opensearch(number),
            "PUT" => Turn::Answer(Reply::json(200, "{}")),
            _ => Turn::Pass,
        });
        let settings = settings(&own.by_way_of(&faults.url()), None);
        ElasticIndex::open(&settings).await.unwrap();
        let seen = faults.seen().into_iter().map(|seen| seen.asked);
        let puts: Vec<_> = seen.filter(|asked| asked.method == "PUT").collect();
        assert_eq!(puts.len(), 2, "{puts:?}");
        for put in puts {
            let body: Value = serde_json::from_slice(&put.body).unwrap();
            let body = body.get("template").unwrap_or(&body);
            for field in ["body", "sections", "mentions", "address"] {
                let kind = &body["settings"]["index"]["similarity"][field]["type"];
                assert_eq!(kind, expected, "{number}");
            }
        }
    }
}

/// An upgrade keeps the similarity of an index, which then means something else.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_index_that_ranks_as_before_an_upgrade_is_told() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let settings = settings(&own.by_way_of(&faults.url()), None);
    let upgraded_to = |number| {
        faults.rule(move |asked| match asked.path.as_str() {
            "/" => opensearch(number),
            _ => Turn::Pass,
        });
    };
    upgraded_to("2.19.6");
    ElasticIndex::open(&settings).await.unwrap();
    ElasticIndex::open(&settings).await.unwrap();
    upgraded_to("3.9.0");
    let reindex = format!("`canter reindex SITE --index {}NAME`", faults.url());
    let expected = [
        "ranks otherwise",
        r#"by "BM25", not "LegacyBM25""#,
        &reindex,
    ];
    let failure = refused(&settings, &expected).await;
    assert!(matches!(failure, Failure::Permanent(_)));
    ElasticReader::open(&settings).await.unwrap();
}

fn opensearch(number: &str) -> Turn {
    let greeting = json!({"version": {"distribution": "opensearch", "number": number}});
    Turn::Answer(Reply::json(200, greeting.to_string()))
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_key_that_opens_nothing_is_told() {
    let reason = r#"{"error":{"type":"security_exception","reason":"who?"},"status":401}"#;
    let refusal = || Reply::json(401, reason);
    let expected = ["does not accept the API key in CANTER_INDEX_API_KEY"];
    refused_after(refusal(), Some("a2V5"), &expected).await;
    let expected = ["wants an API key", "set CANTER_INDEX_API_KEY"];
    refused_after(refusal(), None, &expected).await;
    let reason = r#"{"error":{"type":"security_exception","reason":"action [x] is unauthorized"}}"#;
    let expected = [
        "action [x] is unauthorized",
        "CANTER_INDEX_API_KEY",
        "`create_index`",
    ];
    refused_after(Reply::json(403, reason), Some("a2V5"), &expected).await;
}

/// The key is sent as Elasticsearch wants it, with each request.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_key_is_sent() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let settings = settings(&own.by_way_of(&faults.url()), Some("a2V5"));
    ElasticIndex::open(&settings).await.unwrap();
    for seen in faults.seen() {
        assert_eq!(seen.asked.header("authorization"), Some("ApiKey a2V5"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    // Bound and dropped: nothing listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", port.local_addr().unwrap());
    drop(port);
    let expected = ["no Elasticsearch runs at", &url, "connection refused"];
    let failure = refused(&settings(&url, None), &expected).await;
    assert!(matches!(failure, Failure::Transient(_)));
    let expected = ["there is no host no-such-host.invalid"];
    refused(&settings("http://no-such-host.invalid/", None), &expected).await;
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn tls_trouble_is_told() {
    let own = OwnIndex::new();
    let plain = own.url().replace("http:", "https:");
    refused(
        &settings(&plain, None),
        &["does not speak TLS: write http:"],
    )
    .await;
    let site = Site::new().tls(&Authority::new(), Duration::ZERO).start();
    let expected = ["is not to be trusted", "SSL_CERT_FILE"];
    refused(&settings(&site.url("/"), None), &expected).await;
}

/// Elasticsearch makes an authority of its own when it is set up. What is trusted is read once a
/// process: this test runs itself again in another one.
#[tokio::test]
async fn an_authority_of_ones_own_can_be_trusted() {
    if let Ok(site) = std::env::var("CANTER_TEST_TRUSTED_SITE") {
        let expected = ["is no Elasticsearch: it answered"];
        refused(&settings(&site, None), &expected).await;
        return;
    }
    let authority = Authority::new();
    let site = Site::new().tls(&authority, Duration::ZERO).start();
    let again = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "opening::an_authority_of_ones_own_can_be_trusted",
        ])
        .env("SSL_CERT_FILE", authority.file())
        .env("CANTER_TEST_TRUSTED_SITE", site.url("/"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && told.contains("1 passed"),
        "{told}"
    );
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_redirect_is_told() {
    let mut moved = Reply::of(301, "text/html", "");
    let own = OwnIndex::new();
    let there = own.server().to_string();
    moved.headers.push(("location".to_owned(), there.clone()));
    refused_after(moved, None, &["redirects to", &there]).await;
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_index_of_another_program_is_left_alone() {
    let own = OwnIndex::new();
    let settings = settings(&own.url(), None);
    let name = settings.index().to_owned();
    own.ask("PUT", &format!("/{name}"), "");
    let expected = [name.as_str(), "was not made by canter", "name another one"];
    refused(&settings, &expected).await;
    let failure = ElasticReader::open(&settings).await.err().unwrap();
    assert!(failure.to_string().contains("was not made by canter"));
    own.ask("DELETE", &format!("/{name}"), "");
    let meta = r#"{"mappings":{"_meta":{"layout":"canter-elastic-0"}}}"#;
    own.ask("PUT", &format!("/{name}"), meta);
    refused(&settings, &[&name, "has the layout canter-elastic-0"]).await;
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn many_processes_open_at_once() {
    let own = OwnIndex::new();
    let settings = settings(&own.url(), None);
    let open = || ElasticIndex::open(&settings);
    let opened = tokio::join!(open(), open(), open(), open());
    for index in [opened.0, opened.1, opened.2, opened.3] {
        index.unwrap();
    }
}

/// A key with rights to one index only: the template is left out, and all else works.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_template_may_be_forbidden() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    faults.rule(|asked| match asked.path.contains("_index_template") {
        true => Turn::Answer(Reply::json(
            403,
            r#"{"error":{"type":"security_exception"}}"#,
        )),
        false => Turn::Pass,
    });
    let settings = settings(&own.by_way_of(&faults.url()), None);
    let index = ElasticIndex::open(&settings).await.unwrap();
    let put = index.put(vec![document("/a", 1, "ponies")]);
    let (put, flushed) = tokio::join!(biased; put, index.flush());
    assert_eq!(put, Ok(vec![]));
    flushed.unwrap();
}

/// An index that the server makes by itself is canter's all the same.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_template_makes_the_right_index() {
    let own = OwnIndex::new();
    let settings = settings(&own.url(), None);
    ElasticIndex::open(&settings).await.unwrap();
    let name = settings.index();
    let mapping = || own.ask("GET", &format!("/{name}/_mapping"), "");
    let before = mapping();
    own.ask("DELETE", &format!("/{name}"), "");
    own.ask("PUT", &format!("/{name}/_doc/x"), r#"{"strange":"field"}"#);
    assert_eq!(mapping(), before);
}

/// Who only searches makes nothing, and is told when nothing was indexed.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn reading_needs_no_right_to_write() {
    let own = OwnIndex::new();
    let faults = Faults::before(own.server());
    let settings = settings(&own.by_way_of(&faults.url()), None);
    let failure = ElasticReader::open(&settings).await.err().unwrap();
    let sentence = failure.to_string();
    assert!(sentence.contains("there is no index"), "{sentence}");
    assert!(sentence.contains("crawl a site first"), "{sentence}");
    let page = document("/a", 1, "ponies");
    {
        let direct = Settings::new(&own.url(), None).unwrap();
        let index = ElasticIndex::open(&direct).await.unwrap();
        let put = index.put(vec![page.clone()]);
        let (put, flushed) = tokio::join!(biased; put, index.flush());
        assert_eq!((put, flushed), (Ok(vec![]), Ok(())));
    }
    let index = ElasticReader::open(&settings).await.unwrap();
    assert!(index.get(SITE, page.id()).await.unwrap().is_some());
    assert_eq!(index.count("example.org").await, Ok(1));
    assert_eq!(
        index.versions("example.org").await,
        Ok(vec![(page.id(), page.version)])
    );
    for seen in faults.seen() {
        let (method, path) = (&seen.asked.method, &seen.asked.path);
        let reads = method == "GET" || path.contains("_search") || path.contains("_count");
        assert!(reads, "{method} {path}");
    }
}
