//! Which headers are sent to whom.

use canter_tests::{Answer, Site, canter};
use serde_json::Value;

use super::crawl_with;

#[test]
fn headers_go_to_the_seeds_origin_and_the_user_agent_names_a_contact() {
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

/// `ours` may read what others may not, and canter by name may not read `/c`, whatever it calls
/// itself.
#[test]
fn the_user_agent_chooses_the_rules() {
    let noindex = |name: &str| format!("<meta name={name} content=noindex><title>x</title>text");
    let site = Site::new()
        .robots("User-agent: *\nDisallow: /\nUser-agent: ours\nDisallow: /b\nUser-agent: canter\nDisallow: /c")
        .page("/", ["/a", "/b", "/c", "/ours", "/named", "/other"])
        .page("/a", [])
        .page("/b", [])
        .page("/c", [])
        .answer("/ours", Answer::html(noindex("OURS")))
        .answer("/named", Answer::html(noindex("canter")))
        .answer("/other", Answer::html(noindex("other")))
        .start();
    let canter = canter!();
    let name = ["--user-agent", "ours/1 (docs)"];
    canter.crawl(&site.url("/"), &name).done();
    let mut seen: Vec<String> = site.log().pages().into_keys().collect();
    seen.sort();
    assert_eq!(seen, ["/", "/a", "/named", "/other", "/ours"]);
    let shown: Vec<String> = canter
        .run(&["export", "t"])
        .done()
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["url"].to_string())
        .collect();
    for (path, is_shown) in [
        ("/a\"", true),
        ("/other\"", true),
        ("/ours\"", false),
        ("/named\"", false),
    ] {
        assert_eq!(
            shown.iter().any(|url| url.ends_with(path)),
            is_shown,
            "{shown:?}"
        );
    }
    let told = canter
        .run(&["explain", &site.url("/b"), "--json"])
        .done()
        .stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["robots"]["group"], "ours", "{told}");
}

/// The robots.txt of one site is on another, which is crawled as well.
#[test]
fn headers_do_not_go_to_other_origins() {
    let other = Site::new().page("/", []).page("/rules/", []).start();
    let site = Site::new()
        .page("/", [])
        .redirect("/robots.txt", &other.url("/rules/"))
        .start();
    let urls = [site.url("/"), other.url("/")];
    let options = [
        "--allow-private",
        "--rps",
        "unlimited",
        "--header",
        "X-Secret: 1",
    ];
    canter!()
        .run(&[&["crawl", &urls[0], &urls[1]], &options[..]].concat())
        .done();
    let all = site.log().all().into_iter().chain(other.log().all());
    let (led_to, own): (Vec<_>, Vec<_>) = all.partition(|visit| visit.path == "/rules/");
    assert!(!led_to.is_empty());
    assert!(
        led_to
            .iter()
            .all(|visit| visit.header("x-secret").is_none())
    );
    assert!(
        own.iter()
            .all(|visit| visit.header("x-secret") == Some("1"))
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
