//! Whole crawls of small sites: what is fetched, how each URL ends, what is in the index.

use std::time::Duration;

use canter_tests::{Answer, Canter, Serving, Site, canter};
use serde_json::Value;

/// Crawls a site without further options.
fn crawl(site: &Serving) -> (Canter, Value) {
    crawl_with(site, "/", &[])
}

fn crawl_with(site: &Serving, seed: &str, args: &[&str]) -> (Canter, Value) {
    let canter = canter!();
    let summary = canter.crawl(&site.url(seed), args).done().summary();
    assert_eq!(
        summary["waiting"] == 0,
        summary["complete"] == true,
        "{summary}"
    );
    (canter, summary)
}

/// Asserts which paths were fetched, each once.
#[track_caller]
fn fetched(site: &Serving, expected: &[&str]) {
    let pages: Vec<(String, usize)> = site.log().pages().into_iter().collect();
    let once: Vec<(String, usize)> = expected
        .iter()
        .map(|path| ((*path).to_owned(), 1))
        .collect();
    assert_eq!(pages, once);
}

#[track_caller]
fn counts(summary: &Value, expected: &[(&str, u64)]) {
    for (name, count) in expected {
        let found = match name.strip_prefix("skipped.") {
            Some(reason) => &summary["skipped_by"][reason],
            None => &summary[name],
        };
        assert_eq!(found.as_u64(), Some(*count), "{name} in {summary}");
    }
}

#[test]
fn every_linked_page_is_fetched_exactly_once() {
    let site = Site::web(300).start();
    let (canter, summary) = crawl(&site);
    counts(
        &summary,
        &[
            ("pages", 301),
            ("indexed", 301),
            ("requests", 302),
            ("failed", 0),
        ],
    );
    assert_eq!(site.log().all().len(), 302);
    assert!(site.log().pages().values().all(|&times| times == 1));
    assert_eq!(canter.indexed().len(), 301);
}

#[test]
fn spellings_of_one_url_are_one_page() {
    let links = [
        "/a",
        "/a#x",
        "/./a",
        "/b/../a",
        "/%61",
        "/a?",
        "//127.0.0.1/a",
        " /a ",
        "/caf%c3%a9",
        "/café",
    ];
    let site = Site::new()
        .page("/", links)
        .page("/a", [])
        .page("/caf%C3%A9", [])
        .start();
    let (_, summary) = crawl(&site);
    fetched(&site, &["/", "/a", "/caf%C3%A9"]);
    counts(&summary, &[("pages", 3)]);
}

#[test]
fn what_a_site_tells_apart_stays_apart() {
    let links = ["/a", "/a/", "/A", "/a?x=1&y=2", "/a?y=2&x=1"];
    let site = Site::new()
        .page("/", links)
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    let (_, summary) = crawl(&site);
    counts(&summary, &[("pages", 6), ("indexed", 6)]);
}

#[test]
fn scope_is_the_host_and_the_path_prefix() {
    let other = Site::new().page("/docs/x", []).start();
    let away = other.url("/docs/x");
    let links = [
        "/docs/a",
        "/docs/b/c",
        "/docs",
        "/docsx",
        "/",
        "/docs/../up",
        &away,
        "mailto:a@b.c",
        "javascript:void(0)",
        "ftp://127.0.0.1/x",
        "data:text/html,x",
    ];
    let site = Site::new()
        .page("/docs/", links)
        .otherwise(|visit| Answer::page(&visit.path, ["/docs/a", "/elsewhere"]))
        .start();
    let (canter, _) = crawl_with(&site, "/docs/", &[]);
    fetched(&site, &["/docs/", "/docs/a", "/docs/b/c"]);
    assert!(other.log().all().is_empty());
    assert_eq!(canter.indexed(), ["/docs/", "/docs/a", "/docs/b/c"]);
}

#[test]
fn include_and_exclude_change_the_scope() {
    let links = ["/docs/a", "/docs/old/b", "/blog/c", "/pdf/d.pdf", "/x"];
    let site = Site::new()
        .page("/", links)
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    let args = [
        "--include",
        "/docs/**",
        "--include",
        "/pdf/**",
        "--exclude",
        "/docs/old/**",
        "--exclude",
        "*.pdf",
    ];
    crawl_with(&site, "/", &args);
    fetched(&site, &["/", "/docs/a"]);
}

#[test]
fn another_scope_asks_first_and_then_holds_for_known_pages_too() {
    let site = Site::new()
        .page("/", ["/a", "/old/b"])
        .page("/a", [])
        .page("/old/b", [])
        .start();
    let (canter, _) = crawl(&site);
    site.log().clear();
    canter
        .crawl(&site.url("/"), &["--exclude", "/old/**"])
        .fails(1, &["--change-scope"]);
    assert!(site.log().all().is_empty());
    canter
        .crawl(&site.url("/"), &["--exclude", "/old/**", "--change-scope"])
        .done();
    fetched(&site, &["/", "/a"]);
    assert_eq!(canter.indexed(), ["/", "/a"]);
}

#[test]
fn pages_that_a_changed_scope_leaves_out_stay_until_its_crawl_is_complete() {
    let site = Site::new()
        .page("/", ["/o/b", "/new/b"])
        .answer("/o/b", Answer::page("b", []))
        .answer("/new/b", Answer::page("b", []))
        .start();
    let (canter, _) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/o/b"]);
    site.log().clear();
    let crawl = |args: &[&str]| {
        let ended = canter.crawl(&site.url("/"), &[&["--exclude", "/o/**"], args].concat());
        ended.done().summary()["complete"] == true
    };
    // Cut off, it takes nothing out: neither what it leaves out nor that page's copy.
    assert!(!crawl(&["--change-scope", "--max-pages", "2"]));
    assert_eq!(canter.indexed(), ["/", "/new/b", "/o/b"]);
    assert!(crawl(&[]));
    assert_eq!(canter.indexed(), ["/", "/new/b"]);
    fetched(&site, &["/", "/new/b"]);
}

#[test]
fn redirects_are_outcomes_and_a_shared_target_is_fetched_once() {
    let site = Site::new()
        .page("/", ["/a", "/b", "/c"])
        .redirect("/a", "/d")
        .redirect("/b", "/c")
        .answer("/c", Answer::status(302).header("Location", "d"))
        .page("/d", [])
        .start();
    let (canter, summary) = crawl(&site);
    fetched(&site, &["/", "/a", "/b", "/c", "/d"]);
    counts(&summary, &[("pages", 2), ("redirected", 3), ("failed", 0)]);
    assert_eq!(canter.indexed(), ["/", "/d"]);
}

#[test]
fn a_redirect_out_of_the_site_is_not_followed() {
    let other = Site::new().page("/", []).start();
    let site = Site::new()
        .page("/", ["/a", "/b", "/c"])
        .redirect("/a", &other.url("/"))
        .answer("/b", Answer::status(301))
        .redirect("/c", "javascript:alert(1)")
        .start();
    let (_, summary) = crawl(&site);
    assert!(other.log().all().is_empty());
    counts(
        &summary,
        &[("pages", 1), ("skipped.leaves_site", 2), ("failed", 1)],
    );
}

#[test]
fn redirect_loops_end() {
    let site = Site::new()
        .page("/", ["/one", "/two/1", "/five/1", "/endless/0"])
        .redirect("/one", "/one")
        .redirect("/two/1", "/two/2")
        .redirect("/two/2", "/two/1")
        .redirect("/five/1", "/five/2")
        .redirect("/five/2", "/five/3")
        .redirect("/five/3", "/five/4")
        .redirect("/five/4", "/five/5")
        .redirect("/five/5", "/five/1")
        .reply("/endless/0", |_| Answer::redirect("/endless/1"))
        .otherwise(|visit| {
            let number: u32 = visit.path.rsplit('/').next().unwrap().parse().unwrap_or(0);
            Answer::redirect(&format!("/endless/{}", number + 1))
        })
        .robots("")
        .start();
    let (_, summary) = crawl(&site);
    let pages = site.log().pages();
    assert!(pages.values().all(|&times| times == 1), "{pages:?}");
    let endless = pages
        .keys()
        .filter(|path| path.starts_with("/endless"))
        .count();
    assert_eq!(endless, 11, "ten redirects in a row are followed");
    counts(
        &summary,
        &[("pages", 1), ("failed", 0), ("skipped.redirect_loop", 8)],
    );
}

#[test]
fn robots_txt_is_obeyed_and_fetched_once() {
    let rules = "User-agent: *\nDisallow: /\n\nUser-agent: canter\nDisallow: /private\nAllow: /private/open\n";
    let site = Site::new()
        .page("/", ["/a", "/private/x", "/private/open", "/privateer"])
        .otherwise(|visit| Answer::page(&visit.path, []))
        .robots(rules)
        .start();
    let (canter, summary) = crawl(&site);
    fetched(&site, &["/", "/a", "/private/open"]);
    counts(&summary, &[("skipped.robots", 2), ("pages", 3)]);
    assert_eq!(site.log().of("/robots.txt").len(), 1);
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(
        site.log().of("/robots.txt").len(),
        1,
        "a day's robots.txt is not fetched again"
    );
}

#[test]
fn robots_txt_that_moved_still_speaks_and_a_broken_one_does_not_stop_the_crawl() {
    let site = Site::new()
        .page("/", ["/a"])
        .page("/a", [])
        .redirect("/robots.txt", "/rules/")
        .answer(
            "/rules/",
            Answer::text("\u{feff}User-agent: *\r\nDisallow: /a\r\n"),
        )
        .start();
    let (_, summary) = crawl(&site);
    counts(&summary, &[("pages", 1), ("skipped.robots", 1)]);
    let site = Site::new()
        .page("/", ["/a"])
        .page("/a", [])
        .answer(
            "/robots.txt",
            Answer::html([0xff, 0, b'<', b'\n'].repeat(1000)),
        )
        .start();
    let (_, summary) = crawl(&site);
    counts(&summary, &[("pages", 2)]);
}

#[test]
fn crawl_delay_slows_the_crawl() {
    let site = Site::new()
        .page("/", ["/a", "/b"])
        .page("/a", [])
        .page("/b", [])
        .robots("User-agent: *\nCrawl-delay: 0.7\n")
        .start();
    crawl(&site);
    let times: Vec<Duration> = site.log().all().iter().map(|visit| visit.at).collect();
    let pages = &times[1..];
    assert!(
        pages
            .windows(2)
            .all(|two| two[1] - two[0] >= Duration::from_millis(700)),
        "{times:?}"
    );
}

#[test]
fn directives_of_pages_and_headers() {
    let meta = |content: &str, link: &str| {
        Answer::html(format!(
            "<meta name=robots content='{content}'><title>{content}</title><a href={link}>x</a>"
        ))
    };
    let site = Site::new()
        .page(
            "/",
            ["/noindex", "/nofollow", "/none", "/header", "/other-bot"],
        )
        .answer("/noindex", meta("noindex", "/by-noindex"))
        .answer("/nofollow", meta("nofollow", "/by-nofollow"))
        .answer("/none", meta("none", "/by-none"))
        .answer(
            "/header",
            Answer::page("header", ["/by-header"])
                .header("X-Robots-Tag", "googlebot: nofollow")
                .header("X-Robots-Tag", "noindex"),
        )
        .answer(
            "/other-bot",
            Answer::page("other", ["/by-other"])
                .header("X-Robots-Tag", "otherbot: noindex, nofollow"),
        )
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    let (canter, summary) = crawl(&site);
    assert_eq!(
        canter.indexed(),
        [
            "/",
            "/by-header",
            "/by-noindex",
            "/by-other",
            "/nofollow",
            "/other-bot"
        ]
    );
    counts(
        &summary,
        &[("skipped.noindex", 3), ("pages", 9), ("indexed", 6)],
    );
}

#[test]
fn nofollow_links_are_not_followed() {
    let site = Site::new()
        .answer("/", Answer::html("<a rel='external nofollow' href=/a>a</a><a href=/b>b</a><a rel=nofollow href=/c>c</a><a href=/c>c</a>"))
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    crawl(&site);
    fetched(&site, &["/", "/b", "/c"]);
}

#[test]
fn an_unchanged_nofollow_page_is_not_followed_either() {
    let site = Site::new()
        .page("/", ["/n"])
        .reply("/n", |visit| match visit.header("if-none-match") {
            Some("\"1\"") => Answer::status(304),
            _ => Answer::html(
                "<meta name=robots content=nofollow><title>n</title><a href=/hidden>h</a>",
            )
            .header("ETag", "\"1\""),
        })
        .page("/hidden", [])
        .start();
    let (canter, _) = crawl(&site);
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(site.log().of("/n").len(), 2);
    assert_eq!(site.log().of("/hidden").len(), 0);
}

#[test]
fn a_canonical_page_is_indexed_in_the_place_of_its_copies() {
    let copy = |n: usize| {
        Answer::html(format!(
            "<link rel=canonical href=/c><title>{n}</title><p>copy {n}"
        ))
    };
    let site = Site::new()
        .page("/", ["/1", "/2", "/3", "/lost", "/away"])
        .answer("/1", copy(1))
        .answer("/2", copy(2))
        .answer(
            "/3",
            Answer::page("3", []).header("Link", "<c>; rel=\"canonical\""),
        )
        .page("/c", [])
        .answer(
            "/lost",
            Answer::html("<link rel=canonical href=/gone><title>lost</title>"),
        )
        .answer(
            "/away",
            Answer::html("<link rel=canonical href=https://example.org/><title>away</title>"),
        )
        .start();
    let (canter, summary) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/away", "/c", "/lost"]);
    counts(
        &summary,
        &[("duplicates", 3), ("indexed", 4), ("pages", 7), ("gone", 1)],
    );
}

#[test]
fn a_canonical_link_survives_a_refresh() {
    let copy = || {
        Answer::html("<link rel=canonical href=/c><title>copy</title><p>copy")
            .header("ETag", "\"1\"")
    };
    let site = Site::new()
        .page("/", ["/copy"])
        .reply("/copy", move |visit| match visit.header("if-none-match") {
            Some(_) => Answer::status(304),
            None => copy(),
        })
        .answer("/c", Answer::status(404))
        .start();
    let (canter, _) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/copy"]);
    canter.crawl(&site.url("/"), &[]).done();
    site.set("/c", Answer::page("c", []));
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed(), ["/", "/c"]);
}

#[test]
fn pages_with_the_same_bytes_are_one_whatever_came_first() {
    for order in [
        ["/x/", "/x/index.html", "/y"],
        ["/y", "/x/index.html", "/x/"],
    ] {
        let site = Site::new()
            .page("/", order)
            .otherwise(|_| Answer::page("same", []))
            .robots("")
            .start();
        let (canter, summary) = crawl(&site);
        assert_eq!(canter.indexed(), ["/", "/y"]);
        counts(&summary, &[("duplicates", 2), ("pages", 4)]);
        canter.crawl(&site.url("/"), &[]).done();
        assert_eq!(canter.indexed(), ["/", "/y"], "a refresh finds the same");
    }
}

#[test]
fn max_pages_is_exact_and_a_larger_one_goes_on() {
    let site = Site::web(100).start();
    let (canter, summary) = crawl_with(&site, "/", &["--max-pages", "7"]);
    counts(&summary, &[("pages", 7)]);
    assert_eq!(summary["complete"], false);
    let summary = canter
        .crawl(&site.url("/"), &["--max-pages", "30"])
        .done()
        .summary();
    counts(&summary, &[("pages", 30)]);
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    counts(&summary, &[("pages", 101)]);
    assert!(site.log().pages().values().all(|&times| times == 1));
}

#[test]
fn max_depth_counts_links_from_the_seed() {
    let site = Site::new()
        .page("/", ["/1"])
        .page("/1", ["/2", "/moved"])
        .redirect("/moved", "/2b")
        .page("/2", ["/3"])
        .page("/2b", ["/3"])
        .page("/3", [])
        .start();
    let (_, summary) = crawl_with(&site, "/", &["--max-depth", "2"]);
    fetched(&site, &["/", "/1", "/2", "/2b", "/moved"]);
    counts(&summary, &[("skipped.too_deep", 1)]);
    assert_eq!(summary["complete"], true);
}

#[test]
fn max_depth_0_is_the_seed_alone() {
    let site = Site::web(5).start();
    crawl_with(&site, "/", &["--max-depth", "0"]);
    fetched(&site, &["/"]);
}

#[test]
fn long_urls_and_traps_are_left_out() {
    let long = format!("/{}", "x".repeat(300));
    let site = Site::new()
        .page("/", [long.as_str(), "/calendar/"])
        .otherwise(|visit| {
            let deeper = format!("{}next/", visit.path);
            Answer::page(&visit.path, [deeper.as_str()])
        })
        .start();
    let (_, summary) = crawl_with(&site, "/", &["--max-url-bytes", "200"]);
    counts(&summary, &[("skipped.long_url", 1), ("skipped.trap", 1)]);
    assert!(site.log().all().len() < 50, "an endless site ends");
}

#[test]
fn max_page_bytes_is_of_the_decoded_page() {
    let big = "x".repeat(60_000);
    let site = Site::new()
        .page("/", ["/big", "/packed", "/fits"])
        .answer("/big", Answer::html(&big))
        .answer("/packed", Answer::html(&big).coded("gzip"))
        .answer("/fits", Answer::html(&big[..40_000]))
        .start();
    let (canter, summary) = crawl_with(&site, "/", &["--max-page-bytes", "50k"]);
    counts(&summary, &[("skipped.too_large", 2)]);
    assert_eq!(canter.indexed(), ["/", "/fits"]);
}

#[test]
fn max_time_stops_and_the_same_command_goes_on() {
    let site = Site::web(40).latency(Duration::from_millis(50)).start();
    let canter = canter!();
    let slow = ["--rps", "10", "--max-time", "1s"];
    let summary = canter.crawl(&site.url("/"), &slow).done().summary();
    assert_eq!(summary["complete"], false, "{summary}");
    assert_eq!(summary["rest"], "limit");
    assert!(summary["seconds"].as_f64().unwrap() < 5.0);
    canter
        .crawl(&site.url("/"), &[])
        .done()
        .counts(&[("pages", 41)]);
    assert!(site.log().pages().values().all(|&times| times == 1));
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
    for (status, rps) in [(429, "unlimited"), (503, "50")] {
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
    }
}

#[test]
fn retry_after_of_robots_txt_is_obeyed() {
    for status in [429, 503] {
        let site = Site::new()
            .page("/", [])
            .answers(
                "/robots.txt",
                [
                    Answer::status(status).header("Retry-After", "3"),
                    Answer::text(""),
                ],
            )
            .start();
        let (_, summary) = crawl(&site);
        counts(&summary, &[("pages", 1)]);
        let visits = site.log().all();
        assert!(
            visits[1].at - visits[0].at >= Duration::from_secs(3),
            "{status}: {visits:?}"
        );
    }
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

#[test]
fn a_second_run_asks_whether_pages_changed() {
    let tagged = |path: &'static str| {
        move |visit: &canter_tests::Visit| match visit.header("if-none-match") {
            Some("\"7\"") => Answer::status(304),
            _ => Answer::page(path, ["/child"]).header("ETag", "\"7\""),
        }
    };
    let dated = |visit: &canter_tests::Visit| match visit.header("if-modified-since") {
        Some("Sun, 06 Nov 1994 08:49:37 GMT") => Answer::status(304),
        _ => Answer::page("dated", []).header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    };
    let site = Site::new()
        .page("/", ["/tagged", "/dated", "/plain", "/new"])
        .reply("/tagged", tagged("tagged"))
        .reply("/dated", dated)
        .page("/plain", [])
        .page("/new", [])
        .page("/child", [])
        .start();
    let (canter, _) = crawl(&site);
    site.log().clear();
    site.set("/new", Answer::page("newer", ["/newest"]));
    site.set("/newest", Answer::page("newest", []));
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    fetched(
        &site,
        &[
            "/", "/child", "/dated", "/new", "/newest", "/plain", "/tagged",
        ],
    );
    counts(&summary, &[("unchanged", 5), ("indexed", 2), ("pages", 7)]);
    let titles: Vec<String> = canter
        .export()
        .iter()
        .map(|page| page["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        titles,
        [
            "/", "/child", "dated", "newer", "newest", "/plain", "tagged"
        ]
    );
}

#[test]
fn pages_that_went_away_leave_the_index() {
    let site = Site::new()
        .page("/", ["/410", "/404", "/403", "/500"])
        .page("/410", [])
        .page("/404", [])
        .page("/403", [])
        .page("/500", [])
        .start();
    let (canter, _) = crawl(&site);
    for status in [410, 404, 403, 500] {
        site.set(&format!("/{status}"), Answer::status(status));
    }
    let again = || {
        canter.crawl(&site.url("/"), &[]).done();
        canter.indexed()
    };
    assert_eq!(again(), ["/", "/403", "/404", "/500"]);
    assert_eq!(again(), ["/", "/403", "/404", "/500"]);
    assert_eq!(again(), ["/", "/403", "/500"]);
    site.set("/404", Answer::page("back", []));
    assert_eq!(again(), ["/", "/403", "/404", "/500"]);
}

#[test]
fn a_missing_page_that_returns_starts_to_count_anew() {
    let site = Site::new().page("/", ["/a"]).page("/a", []).start();
    let (canter, _) = crawl(&site);
    for (answer, stays) in [
        (Answer::status(404), true),
        (Answer::status(404), true),
        (Answer::page("/a", []), true),
        (Answer::status(404), true),
        (Answer::status(404), true),
        (Answer::status(404), false),
    ] {
        site.set("/a", answer);
        canter.crawl(&site.url("/"), &[]).done();
        assert_eq!(canter.indexed().len(), if stays { 2 } else { 1 });
    }
}

#[test]
fn a_page_that_became_forbidden_or_a_redirect_leaves_the_index() {
    let site = Site::new()
        .page("/", ["/a", "/b", "/c"])
        .page("/a", [])
        .page("/b", [])
        .page("/c", [])
        .start();
    let (canter, _) = crawl(&site);
    site.set("/a", Answer::redirect("/c"));
    site.set(
        "/b",
        Answer::page("b", []).header("X-Robots-Tag", "noindex"),
    );
    site.set("/c", Answer::text("now plain"));
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(canter.indexed(), ["/"]);
}

#[test]
fn headers_go_to_the_seeds_host_and_the_user_agent_names_a_contact() {
    let site = Site::new().page("/", ["/a"]).page("/a", []).start();
    let args = [
        "--header",
        "Authorization: Bearer x:y",
        "--contact",
        "me@example.org",
    ];
    crawl_with(&site, "/", &args);
    for visit in site.log().all() {
        assert_eq!(
            visit.header("authorization"),
            Some("Bearer x:y"),
            "{}",
            visit.path
        );
        let agent = visit.header("user-agent").unwrap();
        assert!(
            agent.starts_with("canter/")
                && agent.contains("(+http")
                && agent.contains("me@example.org"),
            "{agent}"
        );
        assert_eq!(visit.header("referer"), None);
    }
    let site = Site::new().page("/", []).start();
    crawl_with(&site, "/", &["--user-agent", "ours/1"]);
    assert!(
        site.log()
            .all()
            .iter()
            .all(|visit| visit.header("user-agent") == Some("ours/1"))
    );
}

#[test]
fn headers_do_not_go_to_other_hosts() {
    let other = Site::new().page("/docs/", []).robots("").start();
    // One server under two names: the header belongs to the first.
    let by_name = format!("http://localhost:{}/docs/", other.port());
    let site = Site::new()
        .page("/", [])
        .redirect("/robots.txt", &by_name)
        .start();
    let canter = canter!();
    let args = ["--header", "X-Secret: 1"];
    canter.crawl(&site.url("/"), &args);
    assert!(
        site.log()
            .all()
            .iter()
            .all(|visit| visit.header("x-secret") == Some("1"))
    );
    assert!(
        other
            .log()
            .all()
            .iter()
            .all(|visit| visit.header("x-secret").is_none())
    );
}

#[test]
fn two_seeds_are_two_sites_with_one_summary_each() {
    let (a, b) = (Site::web(5).start(), Site::web(9).start());
    let canter = canter!();
    let ended = canter
        .run(&[
            "crawl",
            &a.url("/"),
            &b.url("/"),
            "--allow-private",
            "--json",
            "--rps",
            "unlimited",
        ])
        .done();
    let pages: Vec<u64> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"] == "summary")
        .map(|summary| summary["pages"].as_u64().unwrap())
        .collect();
    assert_eq!(pages, [6, 10]);
}
