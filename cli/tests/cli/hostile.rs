//! Servers that lie, stall or flood: the crawl goes on, and the summary says what happened.

use std::time::Duration;

use canter_tests::tls::Authority;
use canter_tests::{Answer, Canter, Serving, Site, canter};
use serde_json::Value;

/// A site whose `/` links to `/odd` and to `/good`.
fn with_odd(odd: Answer) -> Serving {
    Site::new()
        .page("/", ["/odd", "/good"])
        .page("/good", [])
        .answer("/odd", odd)
        .start()
}

fn crawl(site: &Serving, args: &[&str]) -> (Canter, Value) {
    let canter = canter!();
    let summary = canter.crawl(&site.url("/"), args).done().summary();
    assert_eq!(summary["complete"], true, "{summary}");
    (canter, summary)
}

/// Asserts how one odd answer is counted, and whether its page is indexed.
fn row(odd: Answer, args: &[&str], counted: &str, found: bool) {
    let site = with_odd(odd);
    let (canter, summary) = crawl(&site, args);
    let found: &[&str] = if found {
        &["/", "/good", "/odd"]
    } else {
        &["/", "/good"]
    };
    assert_eq!(canter.indexed(), found, "{summary}");
    let count = match counted.strip_prefix("skipped.") {
        Some(reason) => &summary["skipped_by"][reason],
        None => &summary[counted],
    };
    let expected = if counted == "indexed" { 3 } else { 1 };
    assert_eq!(count.as_u64(), Some(expected), "{counted} in {summary}");
}

macro_rules! rows {
    ($($name:ident: $odd:expr, $args:expr => $counted:literal, $found:literal;)+) => {
        $(#[test] fn $name() { row($odd, &$args, $counted, $found); })+
    };
}

fn html() -> Answer {
    Answer::page("odd", ["/good"])
}

rows! {
    a_length_that_is_too_long: html().claiming(100_000), ["--timeout", "2s"] => "failed", false;
    a_body_without_a_length: html().until_close(), [] => "indexed", true;
    a_body_without_an_end: Answer::html(vec![b'x'; 65_536]).forever(), ["--max-page-bytes", "1M"] => "skipped.too_large", false;
    a_download_without_an_end: Answer::html(vec![b'x'; 65_536]).without("Content-Type").header("Content-Type", "video/mp4").forever(), [] => "skipped.not_html", false;
    a_slow_drip: html().dripping(Duration::from_millis(50)), ["--timeout", "1s"] => "failed", false;
    a_server_that_says_nothing: html().after(Duration::from_secs(5)), ["--timeout", "1s"] => "failed", false;
    a_compression_bomb: Answer::html(vec![b'<'; 200 << 20]).coded("gzip"), ["--max-page-bytes", "1M"] => "skipped.too_large", false;
    a_coding_that_lies: html().header("Content-Encoding", "gzip"), ["--timeout", "2s"] => "failed", false;
    a_coding_in_capitals: html().coded("gzip").without("Content-Encoding").header("Content-Encoding", "GZIP"), [] => "indexed", true;
    codings_one_over_the_other: html().coded("gzip").coded("br"), [] => "indexed", true;
    a_coding_that_nobody_reads: html().header("Content-Encoding", "compress"), ["--timeout", "2s"] => "failed", false;
    a_coding_that_is_unknown: html().header("Content-Encoding", "x-none"), [] => "indexed", true;
    an_answer_that_is_no_http: Answer::raw("SSH-2.0-OpenSSH_9.9\r\n"), [] => "failed", false;
    an_answer_of_zeros: Answer::raw(vec![0; 100_000]), [] => "failed", false;
    a_head_without_an_end: Answer::raw([b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'y'; 2 << 20]].concat()), [] => "failed", false;
    a_thousand_headers: (0..1000).fold(html(), |answer, n| answer.header(&format!("X-{n}"), "v")), [] => "failed", false;
    junk_headers: Answer::raw("HTTP/1.1 200 Sure\r\nno colon here\r\nContent-Type: text/html\r\nX-Bad: \u{1}\u{2}\r\nX : y\r\nContent-Length: 20\r\n\r\n<title>junk</title>\n"), [] => "indexed", true;
    bytes_beyond_ascii_in_headers: Answer::raw(b"HTTP/1.1 200 \xff\xfe\r\nContent-Type: text/html\r\nETag: \"\xff\"\r\nX-Robots-Tag: \xe9\r\nContent-Length: 20\r\n\r\n<title>junk</title>\n"), [] => "indexed", true;
    two_lengths: Answer::raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nContent-Length: 20\r\n\r\n<title>junk</title>\n"), [] => "failed", false;
    a_chunk_of_endless_size: Answer::raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"), [] => "failed", false;
    a_chunk_that_breaks_off: Answer::raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n<title>"), [] => "failed", false;
    a_status_out_of_range: Answer::raw("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), [] => "failed", false;
    an_information_without_end: Answer::raw("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)), ["--timeout", "2s"] => "failed", false;
    no_content: Answer::status(204), [] => "skipped.not_html", false;
    an_empty_page: Answer::html(""), [] => "indexed", true;
    an_unasked_304: Answer::status(304), [] => "failed", false;
    a_redirect_to_nowhere: Answer::status(302).header("Location", "http://[::bad"), [] => "skipped.leaves_site", false;
    a_hundred_thousand_open_elements: Answer::html("<div>".repeat(100_000)), [] => "indexed", true;
    a_long_attribute: Answer::html(format!("<title>x</title><a href='/{}'>x</a>", "y".repeat(1 << 20))), [] => "skipped.long_url", true;
    null_bytes_and_broken_tags: Answer::html(b"<title>a\0b</title><a href=/good\0><<<p <b </ <!-- <![CDATA["), [] => "indexed", true;
}

#[test]
fn bytes_after_an_answer_are_not_another_pages_answer() {
    let poison = Answer::html(
        "<title>short</title>HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n<title>poison</title>\n",
    );
    let mut site = Site::new().page("/", (0..20).map(|_| "/").chain(PAGES));
    for path in PAGES {
        site = site.page(path, []);
    }
    let site = site.answer("/short", poison.claiming(20)).start();
    let (canter, summary) = crawl(&site, &["--concurrency", "1"]);
    let titles: Vec<Value> = canter
        .export()
        .iter()
        .map(|page| page["title"].clone())
        .collect();
    assert!(!titles.contains(&"poison".into()), "{titles:?}");
    assert_eq!(summary["indexed"], PAGES.len() as u64 + 1);
}

const PAGES: [&str; 8] = ["/1", "/2", "/3", "/short", "/4", "/5", "/6", "/7"];

#[test]
fn a_server_that_closes_each_connection() {
    for site in [Site::web(60).closing(), Site::web(60).closing_silently()] {
        let site = site.start();
        let (_, summary) = crawl(&site, &[]);
        assert_eq!(
            (&summary["pages"], &summary["failed"]),
            (&61.into(), &0.into()),
            "{summary}"
        );
        assert!(site.log().pages().values().all(|&times| times == 1));
    }
}

#[test]
fn connections_that_close_while_they_idle() {
    // Less than what lies between two slots, and more than a busy machine takes to connect.
    let site = Site::web(12)
        .closing_when_idle(Duration::from_millis(150))
        .start();
    let (_, summary) = crawl(&site, &["--rps", "5"]);
    assert_eq!(
        (&summary["pages"], &summary["failed"]),
        (&13.into(), &0.into()),
        "{summary}"
    );
    assert!(site.log().pages().values().all(|&times| times == 1));
}

#[test]
fn connections_are_reused_and_no_more_than_asked_for() {
    let site = Site::web(200).latency(Duration::from_millis(2)).start();
    crawl(&site, &["--concurrency", "3"]);
    let log = site.log();
    assert!(log.most_open() <= 3, "{} at once", log.most_open());
    assert!(log.accepted() <= 6, "{} connections", log.accepted());
}

#[test]
fn tls_that_is_trusted() {
    let authority = Authority::new();
    let site = Site::web(20).tls(&authority, Duration::ZERO).start();
    let canter = canter!().with("SSL_CERT_FILE", authority.file());
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    assert_eq!(
        (&summary["pages"], &summary["failed"]),
        (&21.into(), &0.into()),
        "{summary}"
    );
}

#[test]
fn a_robots_txt_of_many_megabytes() {
    let mut rules = String::from("User-agent: *\nDisallow: /odd\n");
    rules.push_str(&"Disallow: /*a*b*c*d*e*f$\n".repeat(200_000));
    let site = Site::new()
        .page("/", ["/odd", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])
        .otherwise(|visit| Answer::page(&visit.path, []))
        .robots(&rules)
        .start();
    let (_, summary) = crawl(&site, &[]);
    assert_eq!(
        (&summary["pages"], &summary["skipped_by"]["robots"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn pages_with_very_many_links() {
    let links: String = (0..150_000)
        .map(|n| format!("<a href='/n/{}'>{n}</a>", n / 50))
        .collect();
    let site = Site::new()
        .answer("/", Answer::html(links))
        .robots("User-agent: *\nDisallow: /n/")
        .start();
    let (_, summary) = crawl(&site, &[]);
    // The first 100,000 links, of which 50 each lead to the same URL.
    assert_eq!(summary["skipped_by"]["robots"], 2_000, "{summary}");
}
