//! Private addresses are refused before anything is dialled, however a URL leads to them.
//! Permitting one authority permits no other.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::sync::Arc;
use std::time::Duration;

use canter_core::domain::authority;
use canter_core::ports::{FetchError, Fetcher, Headers, Request, Response};
use canter_http::{HttpConfig, HttpFetcher};
use canter_tests::{OpenGate, Serving, Site};
use url::Url;

fn site() -> Serving {
    Site::new().page("/", []).start()
}

/// Fetches a URL while the authority of `permitted` is permitted.
async fn fetch(url: &str, permitted: Option<&str>) -> Result<Response, FetchError> {
    let permitted = permitted.map(|url| authority(&Url::parse(url).unwrap()));
    let config = HttpConfig {
        user_agent: "test".into(),
        private: permitted.into_iter().collect(),
    };
    let request = Request {
        url: Url::parse(url).unwrap(),
        headers: Headers::default(),
        max_bytes: 1000,
        timeout: Duration::from_secs(5),
        wants_body: |_| true,
    };
    let fetcher = HttpFetcher::start(config).unwrap();
    fetcher.fetch(request, Arc::new(OpenGate)).await
}

/// Asserts that a host is refused at a port at which a server listens.
async fn refused(host: &str, permitted: Option<&str>) {
    let site = site();
    let url = format!("http://{host}:{}/", site.port());
    let answer = fetch(&url, permitted).await;
    let refused = matches!(answer, Err(FetchError::PrivateAddress(_)));
    assert!(refused, "{url}: {answer:?}");
    assert_eq!(site.log().accepted(), 0, "{url} was dialled");
}

macro_rules! refused {
    ($($name:ident: $host:literal;)+) => {
        $(#[tokio::test] async fn $name() { refused($host, None).await; })+
    };
}

refused! {
    a_literal: "127.0.0.1";
    a_literal_as_one_number: "2130706433";
    a_literal_in_octal: "0177.0.0.1";
    a_literal_of_version_6: "[::1]";
    a_literal_of_version_4_within_6: "[::ffff:127.0.0.1]";
    no_address_at_all: "0.0.0.0";
    a_clouds_metadata: "169.254.169.254";
    a_name: "localhost";
}

#[tokio::test]
async fn a_neighbour_of_what_is_permitted() {
    let permitted = site();
    refused("127.0.0.1", Some(&permitted.url("/"))).await;
    let by_name = format!("http://localhost:{}/", permitted.port());
    refused("localhost", Some(&by_name)).await;
    // The permitted port under another name.
    let answer = fetch(&by_name, Some(&permitted.url("/"))).await;
    assert!(matches!(answer, Err(FetchError::PrivateAddress(_))));
    assert_eq!(permitted.log().accepted(), 0);
}

#[tokio::test]
async fn what_is_permitted_is_fetched() {
    let site = site();
    let by_name = format!("http://localhost:{}/", site.port());
    for url in [site.url("/"), by_name] {
        let answer = fetch(&url, Some(&url)).await.unwrap();
        assert_eq!(answer.head.status, 200, "{url}");
    }
    assert_eq!(site.log().of("/").len(), 2);
}
