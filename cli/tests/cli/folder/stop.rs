//! `canter stop`: like Ctrl-C, but from another terminal.

use std::time::{Duration, Instant};

use canter_tests::{Site, canter};

use super::state;

#[test]
fn a_crawl_stops_cleanly_and_goes_on_later() {
    let site = Site::web(200).start();
    let canter = canter!();
    let run = canter.start_crawl(&site.url("/"), &["--rps", "20"]);
    run.says("progress");
    let began = Instant::now();
    let stopped = canter.run(&["stop", "t"]).done();
    assert!(stopped.stderr.contains("t stopped: "), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("same crawl command"),
        "{}",
        stopped.stderr
    );
    assert!(began.elapsed() < Duration::from_secs(15));
    assert_eq!(state(&canter, "t")["state"], "stopped");
    let summary = run.end().done().summary();
    assert_eq!(summary["rest"], "stopped");
    assert!(summary["waiting"].as_u64().unwrap() > 0);
    // The request is gone: it does not stop the next crawl.
    let ended = canter.crawl(&site.url("/"), &[]).done();
    assert_eq!(ended.summary()["complete"], true);
    assert!(site.log().pages().values().all(|&times| times == 1));
}

#[test]
fn other_sites_of_the_command_go_on_even_on_the_same_domain() {
    let site = Site::web(200).start();
    let canter = canter!();
    let (one, two) = (site.url("/p/1"), site.url("/p/2"));
    // Both sites are on one domain, and each contains all of it.
    let all = [
        "--include",
        "/p/**",
        "--allow-private",
        "--json",
        "--rps",
        "40",
    ];
    let run = canter.start(&[&["crawl", one.as_str(), two.as_str()], all.as_slice()].concat());
    let names = [one, two].map(|url| url.trim_start_matches("http://").to_owned());
    run.says("progress");
    canter.run(&["stop", &names[0]]).done();
    assert_eq!(state(&canter, &names[0])["state"], "stopped");
    assert_eq!(state(&canter, &names[1])["state"], "running");
    run.end().done();
    assert_eq!(state(&canter, &names[0])["state"], "stopped");
    assert_eq!(state(&canter, &names[1])["state"], "complete");
}

#[test]
fn what_does_not_run_needs_no_stop_and_a_stale_request_stops_nothing() {
    let site = Site::web(20).start();
    let canter = canter!();
    canter.run(&["stop", "t"]).fails(1, &["canter crawl"]);
    canter.crawl(&site.url("/"), &["--max-pages", "3"]).done();
    let idle = canter.run(&["stop", "t"]).done();
    assert!(idle.stderr.contains("not being crawled"), "{}", idle.stderr);
    canter
        .run(&["stop", "x"])
        .fails(2, &["\"x\"", "known sites: t"]);
    // A request to a crawl that died before it looked.
    let folder = canter_embedded::folder::Folder::existing(canter.data()).unwrap();
    folder.ask_to_stop("t").unwrap();
    let ended = canter.crawl(&site.url("/"), &["--rps", "10"]).done();
    assert_eq!(ended.summary()["complete"], true);
    assert!(!folder.is_asked_to_stop("t"));
}
