//! Outcomes of all kinds of answers.

use std::time::Duration;

use canter_tests::{Answer, Site, canter};

use super::{counts, crawl, crawl_with};
use crate::side_by_side;

#[test]
fn an_answer_without_content_is_no_page() {
    let empty = || Answer::status(204).header("Content-Type", "text/html");
    let site = Site::new().page("/", ["/a"]).answer("/a", empty()).start();
    let (_, summary) = crawl(&site);
    counts(&summary, &[("pages", 1), ("skipped.not_html", 1)]);
}

#[test]
fn content_codings_and_charsets() {
    let text = "<title>Grüße</title><main><p>Schöne Grüße, 你好, déjà vu.";
    let mut site = Site::new().page(
        "/",
        [
            "/gzip", "/deflate", "/br", "/zstd", "/latin", "/meta", "/sjis",
        ],
    );
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let body = format!("{text} {coding}");
        site = site.answer(&format!("/{coding}"), Answer::html(body).coded(coding));
    }
    let latin = |answer: Answer| {
        answer.body(b"<meta charset=iso-8859-1><title>Gr\xfc\xdfe</title><p>latin")
    };
    let site = site
        .answer(
            "/latin",
            latin(Answer::status(200).header("Content-Type", "text/html; charset=iso-8859-1")),
        )
        .answer(
            "/meta",
            latin(Answer::status(200).header("Content-Type", "text/html"))
                .body(b"<meta charset=iso-8859-1><title>Gr\xfc\xdfe</title><p>meta"),
        )
        .answer(
            "/sjis",
            Answer::status(200)
                .header("Content-Type", "text/html;charset=Shift_JIS")
                .body(b"<title>\x93\xfa\x96{</title><p>sjis"),
        )
        .start();
    let (canter, summary) = crawl(&site);
    counts(&summary, &[("pages", 8), ("indexed", 8)]);
    let export = canter.export();
    for page in &export {
        let (url, title) = (
            page["url"].as_str().unwrap(),
            page["title"].as_str().unwrap(),
        );
        let expected = if url.ends_with("/sjis") {
            "日本"
        } else if url.ends_with('/') {
            "/"
        } else {
            "Grüße"
        };
        assert_eq!(title, expected, "{url}");
    }
}

#[test]
fn what_is_no_html_is_left_out() {
    let site = Site::new()
        .page(
            "/",
            ["/text", "/image", "/untyped", "/untyped-text", "/xhtml"],
        )
        .answer("/text", Answer::text("plain"))
        .answer(
            "/image",
            Answer::status(200)
                .header("Content-Type", "image/png")
                .body(vec![7; 300_000]),
        )
        .answer(
            "/untyped",
            Answer::html(" <!doctype html><title>u</title><a href=/by-untyped>x")
                .without("Content-Type"),
        )
        .answer(
            "/untyped-text",
            Answer::text("hello").without("Content-Type"),
        )
        .answer(
            "/xhtml",
            Answer::page("xhtml", [])
                .without("Content-Type")
                .header("Content-Type", "Application/XHTML+xml; charset=utf-8"),
        )
        .page("/by-untyped", [])
        .start();
    let (canter, summary) = crawl(&site);
    counts(&summary, &[("skipped.not_html", 3), ("indexed", 4)]);
    assert_eq!(canter.indexed(), ["/", "/by-untyped", "/untyped", "/xhtml"]);
}

#[test]
fn transient_errors_are_tried_again_and_permanent_ones_are_not() {
    let site = Site::new()
        .page("/", ["/flaky", "/broken", "/forbidden", "/gone"])
        .answers(
            "/flaky",
            [
                Answer::status(500),
                Answer::status(504),
                Answer::page("flaky", []),
            ],
        )
        .answer("/broken", Answer::status(502))
        .answer("/forbidden", Answer::status(403))
        .answer("/gone", Answer::status(410))
        .start();
    let (canter, summary) = crawl(&site);
    counts(
        &summary,
        &[("pages", 2), ("failed", 2), ("gone", 1), ("retries", 4)],
    );
    let times = |path| site.log().of(path).len();
    assert_eq!(
        (
            times("/flaky"),
            times("/broken"),
            times("/forbidden"),
            times("/gone")
        ),
        (3, 3, 1, 1)
    );
    assert_eq!(canter.indexed(), ["/", "/flaky"]);
}

#[test]
fn retry_after_holds_all_requests() {
    side_by_side([(429, "unlimited"), (503, "50")], |(status, rps)| {
        let wait = Answer::status(status).header("Retry-After", "2");
        let links: Vec<String> = (0..40).map(|n| format!("/{n}")).collect();
        let site = Site::new()
            .page("/", ["/busy"])
            .answers(
                "/busy",
                [wait, Answer::page("busy", links.iter().map(String::as_str))],
            )
            .otherwise(|visit| Answer::page(&visit.path, []))
            .start();
        let (_, summary) = crawl_with(&site, "/", &["--rps", rps]);
        counts(&summary, &[("pages", 42), ("retries", 1)]);
        let refused = site.log().of("/busy")[0].at;
        let early = site
            .log()
            .all()
            .iter()
            .filter(|visit| visit.at > refused)
            .map(|visit| visit.at - refused)
            .min();
        assert!(early.unwrap() >= Duration::from_secs(2), "{early:?}");
    });
}

#[test]
fn retry_after_of_robots_txt_is_obeyed() {
    side_by_side([429, 503], |status| {
        let site = Site::new()
            .page("/", [])
            .answers(
                "/robots.txt",
                [
                    Answer::status(status).header("Retry-After", "2"),
                    Answer::text(""),
                ],
            )
            .start();
        let (_, summary) = crawl(&site);
        counts(&summary, &[("pages", 1)]);
        let visits = site.log().all();
        assert!(
            visits[1].at - visits[0].at >= Duration::from_secs(2),
            "{status}: {visits:?}"
        );
    });
}

#[test]
fn a_wish_for_a_long_pause_is_told() {
    for path in ["/a", "/robots.txt"] {
        let site = Site::new()
            .page("/", ["/a"])
            .page("/a", [])
            .answer(
                path,
                Answer::status(429).header("Retry-After", "9999999999"),
            )
            .start();
        let canter = canter!();
        let summary = canter
            .crawl(&site.url("/"), &["--max-time", "20s"])
            .summary();
        assert_eq!(
            (&summary["complete"], &summary["rest"]),
            (&false.into(), &"paused".into()),
            "{path}: {summary}"
        );
    }
}
