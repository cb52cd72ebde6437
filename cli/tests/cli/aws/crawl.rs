//! `canter crawl --aws`: begin, watch, join, leave alone, end.

use canter_core::task::{Outcome, Skip};
use serde_json::Value;

use super::deployed::Deployed;
use crate::objects;

const ONE: &str = "https://one.example.org/";
const TWO: &str = "https://two.example.org/docs/";
const SITES: [&str; 2] = ["one.example.org", "two.example.org/docs"];

#[test]
#[ignore = "needs the servers of make test"]
fn an_interrupt_ends_the_watch_and_the_crawl_goes_on() {
    let stack = Deployed::create();
    let run = stack.start(&["crawl", ONE, TWO, "--rps", "5", "--json"]);
    run.says("progress");
    run.signal("INT");
    let ended = run.end().done();
    for (site, url) in SITES.into_iter().zip([ONE, TWO]) {
        let stop = format!("canter stop {site} --aws {}", stack.name);
        assert!(ended.stderr.contains(&stop), "{}", ended.stderr);
        let crawling = stack.crawling(site);
        assert!(crawling.filled && crawling.rest.is_none() && crawling.sweeper.is_some());
        assert_eq!(crawling.spec.site.seeds[0].as_str(), url);
        assert_eq!(crawling.spec.rate.unwrap().per_second(), 5.0);
        assert!(crawling.spec.user_agent.starts_with("canter/"));
        assert!(!crawling.spec.allow_private);
    }
    assert!(!stack.depth().is_empty());
    let events = objects(ended);
    let (progress, left) = events.split_at(events.len() - 2);
    for (event, site) in left.iter().zip(SITES) {
        assert_eq!(
            (&event["event"], &event["site"]),
            (&"left".into(), &site.into())
        );
    }
    for event in progress {
        assert_eq!(event["event"], "progress", "{event}");
        assert_eq!(
            (&event["waiting"], &event["rps_limit"]),
            (&1.into(), &5.0.into())
        );
    }

    // The same command watches it again and ignores other options.
    let run = stack.start(&["crawl", ONE, "--rps", "7"]);
    let joined = run.says("Joining");
    assert!(
        joined.contains("one.example.org from https://one"),
        "{joined}"
    );
    run.says("goes on already");
    run.says("0 of 5/s");
    run.signal("TERM");
    run.end().done();
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_crawl_is_watched_to_its_end() {
    let stack = Deployed::create();
    let run = stack.start(&["crawl", ONE, "--json"]);
    run.says("progress");
    stack.fetch_seed(SITES[0], Outcome::Indexed);
    run.says("\"pages\":1");
    stack.end(SITES[0]);
    let ended = run.end().done();
    let summary = ended.summary();
    for (name, value) in [
        ("site", Value::from(SITES[0])),
        ("pages", 1.into()),
        ("indexed", 1.into()),
        ("failed", 0.into()),
        ("waiting", 0.into()),
        ("requests", 2.into()),
        ("bytes", 4_096.into()),
        ("rps_limit", 10.0.into()),
        ("rps_peak", 0.into()),
        ("complete", true.into()),
        ("rest", "complete".into()),
    ] {
        assert_eq!(summary[name], value, "{name} in {summary}");
    }
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    let bill = &summary["bill"];
    assert!(
        bill["requests_per_page"]["DynamoDB"]["UpdateItem"]
            .as_f64()
            .unwrap()
            > 3.0
    );
    // One for the seed and one for the first sweep.
    assert_eq!(bill["sqs_requests_per_page"], 2.0, "{bill}");
    assert!(
        bill["dollars_per_million_pages"].as_f64().unwrap() > 1.0,
        "{bill}"
    );

    // The second crawl is a refresh, here with its bill as text.
    let run = stack.start(&["crawl", ONE]);
    run.says("Refreshing one.example.org from");
    run.says("waiting");
    stack.fetch_seed(SITES[0], Outcome::Unchanged);
    stack.end(SITES[0]);
    let ended = run.end().done();
    for words in [
        "one.example.org complete",
        "1 unchanged",
        "per million pages",
    ] {
        assert!(ended.stderr.contains(words), "{words} in {}", ended.stderr);
    }
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_crawl_that_brings_nothing_fails_and_says_why() {
    let stack = Deployed::create();
    let run = stack.start(&["crawl", ONE]);
    run.says("Crawling");
    let robots = Outcome::Skipped {
        reason: Skip::Robots,
        to: None,
    };
    stack.fetch_seed(SITES[0], robots);
    stack.end(SITES[0]);
    run.end()
        .fails(1, &["nothing was crawled", "1 URL skipped: robots.txt"]);
}

#[test]
#[ignore = "needs the servers of make test"]
fn another_scope_is_asked_about_and_private_addresses_are_the_stacks_business() {
    let stack = Deployed::create();
    let run = stack.start(&["crawl", ONE]);
    run.says("Crawling");
    run.signal("INT");
    run.end().done();
    let wider = ["crawl", ONE, "--include", "/x/**"];
    stack
        .run(&wider)
        .fails(1, &["--change-scope", "--site NAME"]);
    let run = stack.start(&[&wider[..], &["--change-scope", "--json"]].concat());
    run.says("progress");
    run.signal("INT");
    run.end().done();

    let private = "http://127.0.0.1:8000/";
    let refused = stack.run(&["crawl", private]);
    refused.fails(1, &["127.0.0.1 is a private address"]);
    let refused = stack.run(&["crawl", private, "--allow-private"]);
    refused.fails(1, &[stack.name.as_str(), "AllowPrivate=true"]);
}
