//! Directives for robots: robots.txt, meta robots, `X-Robots-Tag`, `nofollow`.

use std::time::Duration;

use canter_tests::{Answer, Site, canter};

use super::{counts, crawl, fetched};

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
        .watched()
        .start();
    let (_, summary) = crawl(&site);
    assert_eq!(summary["crawl_delay"], 0.7);
    let times: Vec<Duration> = site.log().all().iter().map(|visit| visit.at).collect();
    let pages = &times[1..];
    let late = site.log().longest_stall();
    assert!(
        pages
            .windows(2)
            .all(|two| two[1] - two[0] + late * 2 >= Duration::from_millis(700)),
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
fn each_authority_has_its_own_robots_txt_once_for_all_sites_and_runs() {
    let site = |rule: &str| {
        let pages = ["/a/", "/b/", "/c/"];
        Site::new()
            .otherwise(move |visit| Answer::page(&visit.path, pages))
            .robots(&format!("User-agent: *\nDisallow: {rule}\n"))
            .start()
    };
    let (one, other) = (site("/a/x"), site("/b/"));
    let (a, b, c) = (one.url("/a/"), one.url("/b/"), other.url("/b/"));
    let canter = canter!();
    for _ in 0..2 {
        let args = [
            "crawl",
            &a,
            &b,
            &c,
            "--allow-private",
            "--rps",
            "unlimited",
            "--json",
        ];
        let ended = canter.run(&args);
        let told = &ended.stderr;
        assert!(told.contains("robots.txt disallows it"), "{told}");
    }
    for site in [&one, &other] {
        assert_eq!(site.log().of("/robots.txt").len(), 1);
    }
    assert_eq!(other.log().of("/b/").len(), 0);
    assert_eq!(
        one.log().of("/b/").len(),
        2,
        "what another port says is of no account"
    );
}

/// As long as a server restarts, nothing is fetched from it, and nothing is given up.
#[test]
fn a_server_that_restarts_delays_a_crawl() {
    let restarting = vec![Answer::status(503); 4];
    let rules = Answer::text("User-agent: *\nDisallow: /b");
    let site = Site::new()
        .answers("/robots.txt", restarting.into_iter().chain([rules]))
        .page("/", ["/a", "/b"])
        .page("/a", [])
        .start();
    let (_, summary) = crawl(&site);
    counts(
        &summary,
        &[("pages", 2), ("failed", 0), ("skipped.robots", 1)],
    );
    let asked = site.log().all();
    let asked = asked.iter().filter(|visit| visit.path == "/robots.txt");
    assert_eq!(asked.count(), 5);
}
