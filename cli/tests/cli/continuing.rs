//! Crawls that are killed, stopped and continued; search and export meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use canter_tests::{Answer, Canter, Serving, Site, Visit, canter};
use serde_json::Value;

/// A site with every kind of outcome.
fn site() -> Site {
    let copy = "<link rel=canonical href=/p/3><title>copy</title><p>copy<a href=/p/4>4</a>";
    Site::web(300)
        .page(
            "/p/7",
            ["/moved", "/gone", "/same", "/same/", "/copy", "/noindex"],
        )
        .redirect("/moved", "/moved-again")
        .redirect("/moved-again", "/target")
        .page("/target", ["/p/11"])
        .answer("/same", Answer::page("same", []))
        .answer("/same/", Answer::page("same", []))
        .answer("/copy", Answer::html(copy))
        .answer(
            "/noindex",
            Answer::page("n", ["/by-noindex"]).header("X-Robots-Tag", "noindex"),
        )
        .page("/by-noindex", [])
        .reply("/robots.txt", |visit| {
            let sitemap = absolute(visit, "/sitemap.xml");
            Answer::text(&format!("Sitemap: {sitemap}"))
        })
        .reply("/sitemap.xml", |visit| {
            let urls = (0..50).map(|n| absolute(visit, &format!("/o/{n}")));
            Answer::text(&urls.collect::<Vec<_>>().join("\n"))
        })
        .otherwise(|visit| match visit.path.starts_with("/o/") {
            true => Answer::page(&visit.path, []),
            false => Answer::status(404),
        })
        .latency(Duration::from_millis(2))
}

fn absolute(visit: &Visit, path: &str) -> String {
    format!("http://{}{path}", visit.header("host").unwrap_or_default())
}

/// The exported pages, with the port of the site left out.
fn left(canter: &Canter, site: &Serving) -> String {
    let export: Vec<String> = canter.export().iter().map(Value::to_string).collect();
    export
        .join("\n")
        .replace(&format!(":{}/", site.port()), "/")
}

fn undisturbed() -> String {
    let site = site().start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    left(&canter, &site)
}

#[test]
fn a_lost_index_is_made_anew() {
    let site = site().start();
    let canter = canter!();
    let lose = || std::fs::remove_dir_all(canter.data().join("index")).unwrap();
    canter.crawl(&site.url("/"), &["--max-pages", "100"]).done();
    lose();
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(left(&canter, &site), undisturbed(), "cut off before");
    lose();
    canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(left(&canter, &site), undisturbed(), "complete before");
}

#[test]
fn killed_at_any_moment_a_crawl_ends_with_the_same_index() {
    let expected = undisturbed();
    let site = site().start();
    let canter = canter!();
    // A fixed seed gives the same moments each time, as far as the machine allows.
    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut kills = 0;
    for round in 0..8 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let wait = Duration::from_millis(if round == 0 { 5 } else { 20 + random % 250 });
        let run = canter.start_crawl(&site.url("/"), &["--rps", "300"]);
        std::thread::sleep(wait);
        run.signal("KILL");
        kills += usize::from(run.end().status.is_none());
    }
    assert!(kills >= 6, "{kills} kills");
    let ended = canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(ended.summary()["complete"], true);
    assert_eq!(left(&canter, &site), expected);
    ended.counts(&[
        ("duplicates", 2),
        ("redirected", 2),
        ("gone", 1),
        ("failed", 0),
        ("waiting", 0),
    ]);
}

/// Crawls, publishings and new indexes, each killed at a moment of its own.
#[test]
fn killed_a_hundred_times_the_index_is_as_if_nothing_had_been() {
    let found = |canter: &Canter, site: &Serving| -> String {
        let mut results = Vec::new();
        for offset in ["0", "100", "200", "300"] {
            let args = [
                "search", "text", "--json", "--limit", "100", "--offset", offset,
            ];
            let answer: Value = serde_json::from_str(&canter.run(&args).done().stdout).unwrap();
            for result in answer["results"].as_array().unwrap() {
                let mut result = result.clone();
                result.as_object_mut().unwrap().remove("fetched_at");
                let result = result.to_string();
                results.push(result.replace(&format!(":{}/", site.port()), "/"));
            }
        }
        assert!(results.len() > 300, "{}", results.len());
        // Pages of the same score come in the order of their ids, which depend on the port.
        results.sort();
        results.join("\n")
    };
    let calm = site().start();
    let undisturbed = canter!();
    undisturbed.crawl(&calm.url("/"), &[]).done();
    let site = site().start();
    let canter = canter!();
    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    let (mut round, mut kills) = (0, 0);
    while kills < 100 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let run = match round % 4 {
            2 if round > 20 => canter.start(&["publish", "t"]),
            3 if round > 20 => canter.start(&["reindex", "t"]),
            _ => canter.start_crawl(&site.url("/"), &[]),
        };
        std::thread::sleep(Duration::from_millis(5 + random % 150));
        run.signal("KILL");
        kills += usize::from(run.end().status.is_none());
        round += 1;
        assert!(round < 300, "{kills} kills");
    }
    let ended = canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(ended.summary()["complete"], true);
    assert_eq!(left(&canter, &site), left(&undisturbed, &calm));
    assert_eq!(found(&canter, &site), found(&undisturbed, &calm));
}

#[test]
fn an_interrupt_stops_cleanly_and_the_same_command_continues() {
    let expected = undisturbed();
    let site = site().start();
    let canter = canter!();
    for _ in 0..2 {
        let run = canter.start_crawl(&site.url("/"), &["--rps", "50"]);
        run.says("progress");
        run.signal("INT");
        let ended = run.end().done();
        let summary = ended.summary();
        assert_eq!(
            (&summary["complete"], &summary["rest"]),
            (&false.into(), &"stopped".into())
        );
        assert!(summary["waiting"].as_u64().unwrap() > 0);
        assert!(canter.indexed().len() as u64 <= summary["pages"].as_u64().unwrap());
    }
    let ended = canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(left(&canter, &site), expected);
    assert_eq!(ended.summary()["complete"], true);
    assert!(
        site.log().pages().values().all(|&times| times == 1),
        "stopped between pages, none is fetched twice"
    );
}

#[test]
fn a_stop_says_how_to_go_on() {
    let site = Site::web(100).start();
    let canter = canter!();
    let run = canter.start(&["crawl", &site.url("/"), "--allow-private", "--rps", "5"]);
    run.says("Crawling");
    run.signal("INT");
    let ended = run.end().done();
    assert!(ended.stderr.contains("same command"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let site = Site::new()
        .page("/", ["/slow"])
        .answer(
            "/slow",
            Answer::page("slow", []).after(Duration::from_secs(20)),
        )
        .start();
    let canter = canter!();
    let run = canter.start_crawl(&site.url("/"), &[]);
    while site.log().of("/slow").is_empty() {
        run.says("progress");
    }
    run.signal("INT");
    run.says("progress");
    let began = Instant::now();
    run.signal("INT");
    let ended = run.end();
    assert_eq!(ended.status, Some(130), "{}", ended.stderr);
    assert!(began.elapsed() < Duration::from_secs(5));
    site.set("/slow", Answer::page("slow", []));
    canter
        .crawl(&site.url("/"), &[])
        .done()
        .counts(&[("pages", 2), ("waiting", 0)]);
}

#[test]
fn search_serve_and_export_while_a_crawl_writes() {
    let site = Site::web(2000).latency(Duration::from_millis(5)).start();
    let canter = canter!();
    let run = canter.start_crawl(&site.url("/"), &["--rps", "100"]);
    // The first pages reach the index with the first batch.
    let found = |canter: &Canter| {
        let ended = canter.run(&["search", "text", "--json"]);
        serde_json::from_str::<Value>(&ended.stdout)
            .ok()
            .and_then(|answer| answer["total"]["value"].as_u64())
    };
    let first = loop {
        run.says("progress");
        if let Some(total @ 1..) = found(&canter) {
            break total;
        }
    };
    let serve = canter.start(&["serve", "--listen", "127.0.0.1:0"]);
    let line = serve.says("Search at");
    let get = |path: &str| get(&line, path);
    assert!(get("/api/v1/search?q=text").starts_with("HTTP/1.1 200"));
    assert!(get("/api/v1/status").contains("running"));
    assert!(get("/").contains("<form"));
    assert!(!canter.export().is_empty());
    run.signal("INT");
    run.end().done();
    let last = found(&canter).unwrap();
    assert!(last > first, "{last} after {first}");
    assert!(
        get("/api/v1/search?q=text").contains(&format!("\"value\":{last}")),
        "serve sees the newest commit"
    );
    serve.signal("INT");
    assert_eq!(serve.end().status, Some(0));
}

#[test]
fn crawl_with_serve_serves_while_crawling_and_after() {
    let site = Site::web(10).start();
    let canter = canter!();
    let run = canter.start(&[
        "crawl",
        &site.url("/"),
        "--allow-private",
        "--rps",
        "unlimited",
        "--serve",
        "127.0.0.1:0",
    ]);
    let line = run.says("Search at");
    run.says("11 pages");
    run.says("Search at");
    let answer = get(&line, "/api/v1/search?q=text");
    assert!(answer.contains("\"value\":11"), "{answer}");
    run.signal("INT");
    assert_eq!(run.end().status, Some(0));
}

/// The answer of a server that announced itself with this line.
fn get(line: &str, path: &str) -> String {
    let (_, rest) = line.split_once("http://").unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
