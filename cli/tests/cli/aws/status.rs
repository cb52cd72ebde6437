//! `canter status --aws` and `canter stop --aws`.

use canter_core::task::Outcome;
use serde_json::Value;

use super::deployed::Deployed;
use crate::objects;

const ONE: &str = "https://one.example.org/";
const TWO: &str = "https://two.example.org/";

/// Begins a crawl and leaves it alone.
fn begin(stack: &Deployed, url: &str) {
    let run = stack.start(&["crawl", url, "--rps", "3"]);
    run.says(" from ");
    run.signal("INT");
    run.end().done();
}

fn state(stack: &Deployed, site: &str) -> Value {
    objects(stack.run(&["status", site, "--json"])).remove(0)
}

#[test]
#[ignore = "needs the servers of make test"]
fn every_state_is_told() {
    let stack = Deployed::create();
    stack.run(&["status"]).fails(1, &["canter crawl", "--aws"]);
    begin(&stack, ONE);
    let told = state(&stack, "one.example.org");
    for (name, value) in [
        ("state", Value::from("running")),
        ("why", Value::Null),
        ("pages", 0.into()),
        ("waiting", 1.into()),
        ("rps_limit", 3.0.into()),
        ("searchable", Value::Null),
        ("ended_at", Value::Null),
    ] {
        assert_eq!(told[name], value, "{name} in {told}");
    }
    assert_eq!(
        told["stack"]["search_url"],
        "https://search.example.org/prod/"
    );
    assert!(told["alive_at"].as_str().unwrap().ends_with('Z'));
    assert!(told["bill"]["dollars"].as_f64().unwrap() > 0.0, "{told}");

    let stopped = stack.run(&["stop", "one.example.org"]).done().stderr;
    for words in [
        "one.example.org stops: 0 pages",
        "1 waiting",
        "same crawl command",
    ] {
        assert!(stopped.contains(words), "{words} in {stopped}");
    }
    assert_eq!(state(&stack, "one.example.org")["state"], "stopped");
    let again = stack.run(&["stop", "one.example.org"]).done().stderr;
    assert!(again.contains("not being crawled"), "{again}");

    // The same command continues the same crawl.
    let before = stack.crawling("one.example.org").crawl;
    let run = stack.start(&["crawl", ONE, "--rps", "3"]);
    run.says("Continuing");
    stack.fetch_seed("one.example.org", Outcome::Indexed);
    stack.end("one.example.org");
    run.end().done();
    assert_eq!(stack.crawling("one.example.org").crawl, before);

    let text = stack.run(&["status", "one.example.org"]).done().stdout;
    for words in [
        "one.example.org complete",
        "2 requests",
        "DynamoDB UpdateItem",
        "per million pages",
        "search at https://search.example.org/prod/",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    begin(&stack, TWO);
    let table = stack.run(&["status"]).done().stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    assert!(lines[1].starts_with("one.example.org") && lines[1].ends_with("complete"));
    assert!(lines[2].starts_with("two.example.org") && lines[2].ends_with("crawling now"));
    for command in ["status", "stop"] {
        let known = "known sites: one.example.org, two.example.org";
        stack.run(&[command, "x"]).fails(2, &["\"x\"", known]);
    }
}

/// Every crawl of the month counts, also those that newer ones of the same site have replaced.
#[test]
#[ignore = "needs the servers of make test"]
fn the_bills_of_this_month_are_summed() {
    let stack = Deployed::create();
    let run = stack.start(&["crawl", ONE, "--every", "36h"]);
    run.says(" from ");
    run.signal("INT");
    run.end().done();
    let told = state(&stack, "one.example.org");
    assert_eq!(told["every_seconds"], 129_600);
    let month = &told["stack"]["month"];
    let since = month["since"].as_str().unwrap();
    assert!(since.ends_with("-01T00:00:00Z"), "{since}");
    assert_eq!(month["crawls"], 1);
    assert_eq!(month["dollars"], told["bill"]["dollars"]);

    let began_ms: jiff::Timestamp = since.parse().unwrap();
    let began_ms = u64::try_from(began_ms.as_millisecond()).unwrap();
    stack.add_to_bill("one.example.org", began_ms - 1);
    stack.add_to_bill("one.example.org", began_ms);
    stack.add_to_bill("two.example.org", began_ms + 1);
    let told = state(&stack, "one.example.org");
    let all = &told["stack"]["month"];
    assert_eq!(all["crawls"], 3);
    // Four write units of each, and no price for a request.
    let more = all["dollars"].as_f64().unwrap() - month["dollars"].as_f64().unwrap();
    assert!((more - 8.0 * 0.625e-6).abs() < 1e-9, "{more}");
    let text = stack.run(&["status", "one.example.org"]).done().stdout;
    for words in ["refreshed  every 36h", "3 crawls since 20", "-01: $0.00 at"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(
        stack
            .run(&["status"])
            .done()
            .stdout
            .contains("3 crawls since")
    );
}

#[test]
#[ignore = "needs the servers of make test"]
fn a_watched_crawl_that_is_stopped_ends_its_watch() {
    let stack = Deployed::create();
    let run = stack.start(&["crawl", ONE, "--json"]);
    run.says("progress");
    stack.run(&["stop", "one.example.org"]).done();
    let summary = run.end().done().summary();
    assert_eq!(
        (&summary["rest"], &summary["complete"]),
        (&"stopped".into(), &false.into())
    );
    assert_eq!(summary["waiting"], 1);
    assert_eq!(summary["bill"]["write_units_per_page"], Value::Null);
}
