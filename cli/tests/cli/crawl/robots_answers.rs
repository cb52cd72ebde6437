//! What each answer for robots.txt means for a crawl (RFC 9309 §2.3.1), as a table.

use std::thread;
use std::time::Duration;

use canter_tests::{Answer, Canter, Ended, Site, canter};

const RULES: &str = "User-agent: *\nDisallow: /a\n";

/// What a crawl of a site with the pages `/` and `/a` comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    /// The rules are obeyed: `/a` is not fetched.
    Rules,
    /// Everything may be fetched.
    All,
    /// Nothing may be fetched.
    Nothing,
}

/// A site with the pages `/` and `/a`.
fn site() -> Site {
    Site::new().page("/", ["/a"]).page("/a", [])
}

fn crawled(site: Site) -> (Means, Ended) {
    let site = site.start();
    let canter: Canter = canter!();
    let ended = canter.crawl(&site.url("/"), &["--timeout", "2s"]);
    let pages = site.log().pages();
    let fetched = (pages.contains_key("/"), pages.contains_key("/a"));
    let means = match fetched {
        (true, true) => Means::All,
        (true, false) => Means::Rules,
        (false, _) => Means::Nothing,
    };
    assert_eq!(
        ended.status == Some(0),
        means != Means::Nothing,
        "{}",
        ended.stderr
    );
    (means, ended)
}

fn check(name: &str, site: Site, expected: Means) {
    let (means, ended) = crawled(site);
    assert_eq!(means, expected, "{name}: {}", ended.stderr);
    if means == Means::Nothing {
        assert!(
            ended.stderr.contains("robots.txt"),
            "{name}: {}",
            ended.stderr
        );
    }
}

fn answering(answer: Answer) -> Site {
    site().answer("/robots.txt", answer)
}

#[test]
fn statuses() {
    for (status, means) in [
        (200, Means::Rules),
        (204, Means::All),
        (401, Means::All),
        (403, Means::All),
        (404, Means::All),
        (410, Means::All),
        (451, Means::All),
    ] {
        let mut answer = Answer::status(status);
        if status != 204 {
            answer = answer.header("Content-Type", "text/plain").body(RULES);
        }
        check(&status.to_string(), answering(answer), means);
    }
}

#[test]
fn redirects() {
    for (length, means) in [
        (1, Means::Rules),
        (2, Means::Rules),
        (3, Means::Rules),
        (4, Means::Rules),
        (5, Means::Rules),
        (6, Means::All),
    ] {
        let mut chain = site()
            .redirect("/robots.txt", "/r1")
            .answer(&format!("/r{length}"), Answer::text(RULES));
        for n in 1..length {
            chain = chain.redirect(&format!("/r{n}"), &format!("/r{}", n + 1));
        }
        check(&format!("chain of {length}"), chain, means);
    }
    let to_itself = answering(Answer::redirect("/robots.txt"));
    check("to itself", to_itself, Means::All);
    let round = site()
        .redirect("/robots.txt", "/r")
        .redirect("/r", "/robots.txt");
    check("round", round, Means::All);
    check("nowhere", answering(Answer::status(302)), Means::All);
    for status in [301, 302, 303, 307, 308] {
        let moved = Answer::status(status).header("Location", "/r");
        let moved = answering(moved).answer("/r", Answer::text(RULES));
        check(&format!("{status}"), moved, Means::Rules);
    }
}

#[test]
fn another_host_speaks_for_the_one_that_redirects_there() {
    let other = Site::new()
        .page("/", [])
        .robots("User-agent: *\nDisallow: /a")
        .start();
    let site = answering(Answer::redirect(&other.url("/robots.txt"))).start();
    let canter = canter!();
    let ended = canter.crawl(&site.url("/"), &[&other.url("/")]).done();
    ended.counts(&[("pages", 2), ("skipped_by.robots", 1)]);
    assert!(!site.log().pages().contains_key("/a"));
}

#[test]
fn bodies() {
    let plain = |bytes: &[u8]| {
        Answer::status(200)
            .header("Content-Type", "text/plain")
            .body(bytes)
    };
    let utf_16 = |big: bool| -> Vec<u8> {
        let units = format!("\u{feff}{RULES}");
        let units = units.encode_utf16();
        let bytes = units.map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        });
        bytes.flatten().collect()
    };
    let with = |mark: &[u8]| [mark, RULES.as_bytes()].concat();
    // 600 KiB, with a rule before and after the limit of 500 KiB.
    let filler = format!("# {}\n", "x".repeat(1021));
    let (before, after) = (filler.repeat(480), filler.repeat(600));
    let early = [RULES, &before, &filler.repeat(120)].concat();
    let late = ["User-agent: *\n", &after, "Disallow: /a\n"].concat();
    let html = format!("<!doctype html><html><body><p>{RULES}</p></body></html>");
    for (name, answer, means) in [
        ("empty", plain(b""), Means::All),
        ("mark", plain(&with(b"\xef\xbb\xbf")), Means::Rules),
        (
            "two thirds of a mark",
            plain(&with(b"\xef\xbb")),
            Means::Rules,
        ),
        ("a third of a mark", plain(&with(b"\xef")), Means::Rules),
        ("UTF-16, little", plain(&utf_16(false)), Means::Rules),
        ("UTF-16, big", plain(&utf_16(true)), Means::Rules),
        (
            "600 KiB, the rule first",
            plain(early.as_bytes()),
            Means::Rules,
        ),
        ("600 KiB, the rule last", plain(late.as_bytes()), Means::All),
        ("gzip", plain(RULES.as_bytes()).coded("gzip"), Means::Rules),
        ("brotli", plain(RULES.as_bytes()).coded("br"), Means::Rules),
        ("a page", Answer::page("Home", ["/"]), Means::All),
        (
            "a page that talks about rules",
            Answer::html("<p>Disallow: /a</p>"),
            Means::All,
        ),
        ("rules as HTML", Answer::html(RULES), Means::Rules),
        ("a page with rules in it", Answer::html(html), Means::All),
        (
            "no type",
            plain(RULES.as_bytes()).without("content-type"),
            Means::Rules,
        ),
        (
            "until the connection ends",
            plain(RULES.as_bytes()).until_close(),
            Means::Rules,
        ),
        (
            "carriage returns",
            plain(RULES.replace('\n', "\r").as_bytes()),
            Means::Rules,
        ),
        (
            "null bytes",
            plain(&[RULES.as_bytes(), &[0; 9]].concat()),
            Means::Rules,
        ),
    ] {
        check(name, answering(answer), means);
    }
}

/// Each of them is tried again for some seconds.
#[test]
fn servers_that_fail() {
    let cases = [
        ("500", answering(Answer::status(500))),
        ("502", answering(Answer::status(502))),
        ("599", answering(Answer::status(599))),
        ("truncated", answering(Answer::text(RULES).claiming(900))),
        ("no HTTP", answering(Answer::raw("SSH-2.0-OpenSSH_9\r\n"))),
        (
            "not gzip",
            answering(Answer::text(RULES).header("Content-Encoding", "gzip")),
        ),
        (
            "late",
            answering(Answer::text(RULES).after(Duration::from_secs(9))),
        ),
    ];
    thread::scope(|scope| {
        for (name, site) in cases {
            scope.spawn(move || check(name, site, Means::Nothing));
        }
    });
}

#[test]
fn servers_that_are_busy_for_a_while() {
    thread::scope(|scope| {
        for (status, wait) in [(503, None), (429, None), (503, Some("1")), (429, Some("1"))] {
            let busy = Answer::status(status);
            let busy = match wait {
                Some(wait) => busy.header("Retry-After", wait),
                None => busy,
            };
            let answers = [busy.clone(), busy, Answer::text(RULES)];
            let site = site().answers("/robots.txt", answers);
            scope.spawn(move || check(&format!("{status} {wait:?}"), site, Means::Rules));
        }
    });
}
