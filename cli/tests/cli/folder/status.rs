//! `canter status`: what is known, how fresh it is, and how far the crawl is.

use std::time::Duration;

use canter_tests::{Answer, Site, canter};
use serde_json::Value;

use super::state;
use crate::objects;

#[test]
fn the_numbers_are_those_of_the_summary() {
    let site = Site::new()
        .page("/", ["/a", "/copy", "/dead", "/moved", "/text", "/broken"])
        .page("/a", [])
        .answer("/copy", Answer::page("/a", []))
        .redirect("/moved", "/b")
        .page("/b", [])
        .answer("/text", Answer::text("text"))
        .answer("/broken", Answer::status(403))
        .start();
    let canter = canter!();
    let summary = canter
        .crawl(&site.url("/"), &["--rps", "50"])
        .done()
        .summary();
    let told = state(&canter, "t");
    for name in [
        "pages",
        "indexed",
        "duplicates",
        "redirected",
        "gone",
        "skipped",
        "skipped_by",
        "failed",
        "waiting",
        "rps_limit",
    ] {
        assert_eq!(told[name], summary[name], "{name} in {told}");
    }
    assert_eq!(told["searchable"], 3);
    assert_eq!(
        (&told["state"], &told["why"]),
        (&"complete".into(), &Value::Null)
    );
    assert!(told["fetched_at"].as_str().unwrap().ends_with('Z'));
    assert!(told["folder"]["bytes"].as_u64().unwrap() > 10_000);
    let text = canter.run(&["status"]).done().stdout;
    let day = &told["fetched_at"].as_str().unwrap()[..10];
    for words in ["t complete", "4, 3 searchable", "1: it is no HTML", day] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn every_state_is_told() {
    let site = Site::web(300).start();
    let canter = canter!();
    let crawl = |args: &[&str]| canter.start_crawl(&site.url("/"), args);
    let now = |expected: &str, why: Value| {
        let told = state(&canter, "t");
        assert_eq!((&told["state"], &told["why"]), (&expected.into(), &why));
    };
    crawl(&["--max-pages", "5"]).end().done();
    now("limit", "--max-pages".into());
    let run = crawl(&["--rps", "20"]);
    run.says("progress");
    now("running", Value::Null);
    run.signal("KILL");
    run.end();
    now("cut_off", Value::Null);
    // Another crawl holds the folder, but this one does not run.
    let args = [
        "crawl",
        &site.url("/p/1"),
        "--site",
        "u",
        "--allow-private",
        "--rps",
        "1",
    ];
    let other = canter.start(&args);
    other.says("Crawling");
    now("cut_off", Value::Null);
    other.signal("INT");
    other.end().done();
    let run = crawl(&["--rps", "20"]);
    run.says("progress");
    run.signal("INT");
    run.end().done();
    now("stopped", Value::Null);
    crawl(&[]).end().done();
    now("complete", Value::Null);
    let sites = objects(canter.run(&["status", "--json"]));
    assert_eq!(sites.len(), 2);
    let table = canter.run(&["status"]).done().stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].starts_with("site") && lines[1].contains("complete"),
        "{table}"
    );
}

#[test]
fn a_pause_is_told_with_its_reason() {
    let site = Site::new()
        .answer("/", Answer::status(503).header("Retry-After", "7200"))
        .start();
    let canter = canter!();
    canter
        .start_crawl(&site.url("/"), &["--max-time", "20s"])
        .end();
    let told = state(&canter, "t");
    assert_eq!(told["state"], "paused");
    assert!(
        told["why"].as_str().unwrap().contains("120 minutes"),
        "{told}"
    );
}

#[test]
fn without_a_crawl_it_says_what_to_do() {
    let canter = canter!();
    canter.run(&["status"]).fails(1, &["canter crawl https://"]);
    let site = Site::new().page("/", []).latency(Duration::ZERO).start();
    canter.crawl(&site.url("/"), &[]).done();
    canter
        .run(&["status", "x"])
        .fails(2, &["\"x\"", "known sites: t"]);
}
