//! What people meet: the page as it leaves the router.

use std::sync::Arc;

use crate::fake::{FakeIndex, Lost, Running, get, hit, over};
use canter_api::router;
use canter_ranking::completion::Named;
use canter_ranking::facets::Facets;
use canter_ranking::query::{Hit, SectionHit};

/// `name: hits, URL => what the page holds, what it does not hold`.
macro_rules! shows {
    ($($name:ident: $index:expr, $uri:expr => [$($there:expr),* $(,)?], [$($absent:expr),* $(,)?];)*) => {
        $(#[tokio::test]
        async fn $name() {
            let answer = get(&over($index), $uri).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            $(assert!(answer.body.contains($there), "no {} in\n{}", $there, answer.body);)*
            $(assert!(!answer.body.contains($absent), "{} in\n{}", $absent, answer.body);)*
        })*
    };
}

shows! {
    before_the_first_search: FakeIndex::with(0), "/" =>
        [r#"<form class="search" role="search" action="./" method="get">"#, r#"<label class="unseen" for="q">"#,
         r#"<main id="main""#, " autofocus", r#"<html lang="en">"#],
        ["Nothing found", "<script>"];
    a_blank_form_is_the_beginning: FakeIndex::with(9), "/?q=+" => [" autofocus"], ["Page 0"];
    results: FakeIndex::with(1), "/?q=word" =>
        [r#"<a href="https://docs.test/page-0.html"><bdi>Page 0</bdi></a>"#, "a <mark>word</mark> &amp; more",
         r#"<a href="https://docs.test/page-0.html#part"><bdi>A part</bdi></a>"#, "1 result for",
         r#"<time datetime="2026-11-22T10:00:00Z">22 Nov 2026</time>"#, "<title>word – canter</title>",
         r#"name="q" value="word""#],
        ["results for", "rel=\"next\"", " autofocus"];
    more_than_a_page: FakeIndex::with(1234), "/?q=a&offset=10" =>
        ["11–20 of 1,234 results", r#"rel="prev" href="?q=a""#, r#"rel="next" href="?q=a&amp;offset=20""#,
         r#"<ol class="results" start="11">"#],
        [];
    filters_stay_and_can_go: FakeIndex::with(1), "/?q=a&site=docs.test&path=/x" =>
        [r#"<input type="hidden" name="site" value="docs.test">"#, r#"href="?q=a&amp;path=%2Fx""#,
         r#"href="?q=a&amp;site=docs.test""#],
        [];
    nothing_found: FakeIndex::with(0), "/?q=qwertz" => ["Nothing found for", "qwertz"], ["everywhere"];
    nothing_found_with_a_filter: FakeIndex::with(0), "/?q=qwertz&lang=de" =>
        [r#"<a href="?q=qwertz">Search everywhere</a>"#], [];
    behind_the_last: FakeIndex::with(3), "/?q=a&offset=40" =>
        ["no results this far down", r#"<a href="?q=a">"#], ["Nothing found"];
    query_is_text: FakeIndex::with(1), "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E" =>
        ["value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""], ["<script>"];
    query_is_text_when_nothing_is_found: FakeIndex::with(0), "/?q=%3Cscript%3E" => ["&lt;script&gt;"], ["<script>"];
    filter_is_text: FakeIndex::with(1), "/?q=a&site=%22%3E%3Cimg%20src=x%3E" => ["&quot;&gt;&lt;img"], ["<img src=x"];
    title_is_text: FakeIndex::of(vec![hit("https://docs.test/", "</a><script>x</script>", "")]), "/?q=a" =>
        ["&lt;/a&gt;&lt;script&gt;"], ["<script>"];
    snippet_is_only_marked: FakeIndex::of(vec![hit("https://docs.test/", "T", "<img src=x onerror=x><mark>a</mark><!--")]), "/?q=a" =>
        ["&lt;img src=x onerror=x><mark>a</mark>&lt;!--"], ["<img src=x", "<!--"];
    address_is_text: FakeIndex::of(vec![hit("https://docs.test/%3Cscript%3E/%22/%FF/%E2%80%AEtxt/caf%C3%A9?a=%22\"", "T", "")]), "/?q=a" =>
        ["<bdi>&lt;script&gt;</bdi>", "<bdi>&quot;</bdi>", "<bdi>%FF</bdi>", "<bdi>%E2%80%AEtxt</bdi>", "<bdi>café?a=%22%22</bdi>"],
        ["<script>", "\u{202e}"];
    only_web_addresses_are_linked: FakeIndex::of(vec![hit("javascript:alert(1)", "Odd", "")]), "/?q=a" =>
        [], ["javascript:", "Odd"];
}

#[tokio::test]
async fn an_invalid_search_keeps_what_was_typed() {
    let answer = get(&over(FakeIndex::with(1)), "/?q=%3Cb%3E&limit=0").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .body
            .contains("limit must be a whole number from 1 to 100")
    );
    assert!(answer.body.contains(r#"value="&lt;b&gt;""#));
    for uri in [
        "/?q=%ff",
        "/?q=a&q=b",
        "/?q=&limit=1&limit=2",
        "/?q=a&offset=10000",
    ] {
        let answer = get(&over(FakeIndex::with(1)), uri).await;
        assert_eq!(answer.status, 400, "{uri}");
        assert!(answer.body.contains(r#"role="alert""#), "{uri}");
    }
}

#[tokio::test]
async fn no_part_of_a_page_is_shown_twice() {
    let url = "https://docs.test/";
    let section = |fragment: &str, snippet: &str| SectionHit {
        url: format!("{url}#{fragment}").parse().unwrap(),
        title: fragment.into(),
        snippet: snippet.into(),
    };
    let found = Hit {
        sections: vec![
            section("best", "the <mark>best</mark>"),
            section("next", "other"),
        ],
        ..hit(url, "T", "the <mark>best</mark>")
    };
    let page = get(&over(FakeIndex::of(vec![found])), "/?q=best")
        .await
        .body;
    assert_eq!(page.matches("the <mark>best</mark>").count(), 1, "{page}");
    assert!(page.contains("#best") && page.contains("other"), "{page}");
}

/// The page shows what was meant, says so, and keeps what was typed in its field.
#[tokio::test]
async fn a_misspelt_query_is_told_of() {
    let index = FakeIndex {
        meant: Some(("wrod", "word")),
        ..FakeIndex::with(1)
    };
    let page = get(&over(index), "/?q=%3Cwrod").await.body;
    for told in [
        "for <span class=\"quoted\">“<bdi>&lt;word</bdi>”",
        "No page has all of the words of <span class=\"quoted\">“<bdi>&lt;wrod</bdi>”",
        "value=\"&lt;wrod\"",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn a_running_crawl_is_told_of() {
    let empty = router(
        Arc::new(FakeIndex::with(0)),
        Arc::new(Running { searchable: 0 }),
    );
    for uri in ["/", "/?q=a"] {
        let page = get(&empty, uri).await.body;
        assert!(page.contains("1,234 pages read, 5,678 to go"), "{uri}");
        assert!(page.contains("as soon as they are read"), "{uri}");
    }
    let filled = router(
        Arc::new(FakeIndex::with(0)),
        Arc::new(Running { searchable: 1000 }),
    );
    let page = get(&filled, "/").await.body;
    assert!(page.contains("1,000 pages to search from docs.test"));
    assert!(!page.contains("as soon as they are read"));
}

#[tokio::test]
async fn a_lost_status_does_not_spoil_the_page() {
    let service = router(Arc::new(FakeIndex::with(0)), Arc::new(Lost));
    assert_eq!(get(&service, "/").await.status, 200);
    assert_eq!(get(&service, "/?q=a").await.status, 200);
}

/// API Gateway puts a stage's name before every path, so an address that begins with a slash
/// leads out of the service.
#[tokio::test]
async fn every_address_of_the_page_is_relative() {
    let service = router(
        Arc::new(FakeIndex::with(30)),
        Arc::new(Running { searchable: 1 }),
    );
    for uri in [
        "/",
        "/?q=a&offset=10&site=s",
        "/?q=a&limit=x",
        "/?q=a&offset=50",
    ] {
        let page = get(&service, uri).await.body;
        let addresses = ["href=\"", "src=\"", "action=\""]
            .into_iter()
            .flat_map(|name| page.split(name).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|address| !address.starts_with("https://docs.test/"));
        let mut count = 0;
        for address in addresses {
            assert!(
                !address.starts_with('/') && !address.contains("://"),
                "{uri}: {address}"
            );
            count += 1;
        }
        assert!(count >= 5, "{uri}");
    }
}

#[tokio::test]
async fn style_script_and_icon_are_kept_for_good_under_a_name_of_their_own() {
    let service = over(FakeIndex::with(0));
    let page = get(&service, "/").await.body;
    for (name, kind) in [
        ("style.css", "text/css; charset=utf-8"),
        ("search.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let at = page.find(&format!("\"{name}?")).unwrap() + 1;
        let address = page[at..].split('"').next().unwrap();
        assert!(address.len() >= name.len() + 17, "{address}");
        let answer = get(&service, &format!("/{address}")).await;
        assert_eq!(answer.header("content-type"), kind);
        assert!(answer.header("cache-control").contains("immutable"));
    }
}

/// Results can be narrowed down to values that only some of them have; a value that was chosen, or
/// that all have, is none to choose.
#[tokio::test]
async fn results_are_narrowed_down() {
    let counts = |values: &[(&str, u64)]| {
        let values = values.iter();
        let values = values.map(|(value, count)| ((*value).to_owned(), *count));
        values.collect::<Vec<_>>()
    };
    let service = || {
        over(FakeIndex {
            facets: Facets {
                sites: counts(&[("docs.test", 1_200)]),
                languages: counts(&[("en", 1_100), ("de", 100)]),
                folders: counts(&[("/a b/", 7)]),
            },
            ..FakeIndex::with(12)
        })
    };
    let body = get(&service(), "/?q=word&offset=10").await.body;
    for there in [
        "<summary>Narrow down</summary>",
        r#"<a href="?q=word&amp;lang=en"><bdi>en</bdi></a> <span class="count">1,100</span>"#,
        r#"<a href="?q=word&amp;lang=de">"#,
        r#"<a href="?q=word&amp;path=%2Fa%20b%2F"><bdi>/a b/</bdi></a>"#,
    ] {
        assert!(body.contains(there), "no {there} in\n{body}");
    }
    assert!(!body.contains("site="), "{body}");
    let body = get(&service(), "/?q=word&lang=en").await.body;
    assert!(body.contains("lang=en&amp;path="), "{body}");
    assert!(!body.contains("<h2>Languages</h2>"), "{body}");
    let body = get(&over(FakeIndex::with(3)), "/?q=word").await.body;
    assert!(!body.contains("Narrow down"), "{body}");
}

/// Names stand above the first results only, as text, each with its link.
#[tokio::test]
async fn names_that_begin_so_are_shown() {
    let service = over(FakeIndex {
        names: vec![Named {
            text: "<b>wait_for".into(),
            url: "https://docs.test/a#wait_for".parse().unwrap(),
            whole: false,
            known: 0,
        }],
        ..FakeIndex::with(12)
    });
    let shown =
        r#"<li><a href="https://docs.test/a#wait_for"><bdi>&lt;b&gt;wait_for</bdi></a></li>"#;
    let body = get(&service, "/?q=wait").await.body;
    assert!(body.contains(shown), "{body}");
    let body = get(&service, "/?q=wait&offset=10").await.body;
    assert!(!body.contains("wait_for"), "{body}");
}
