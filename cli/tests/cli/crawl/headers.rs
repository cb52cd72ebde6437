//! Which headers are sent to whom.

use canter_tests::{Site, canter};
use serde_json::Value;

use super::crawl_with;

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
    // One server under two names, and the header is only for the first.
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
