//! `canter forget`: a site is removed completely.

use std::time::Duration;

use canter_embedded::folder::Folder;
use canter_embedded::store::{Rest, SiteReport, report};
use canter_tests::{Canter, Site, canter};

use super::{explained, state};
use crate::objects;

#[test]
fn a_forgotten_site_leaves_rows_and_pages_and_others_stay() {
    let site = Site::web(30).start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    let other = ["crawl", &site.url("/p/3"), "--site", "u", "--allow-private"];
    canter.run(&other).done();
    canter.run(&["forget", "t"]).fails(1, &["--yes"]);
    canter
        .run(&["forget", "x", "--yes"])
        .fails(2, &["known sites: t, u"]);
    assert_eq!(canter.export().len(), 31);
    let done = canter.run(&["forget", "t", "--yes"]).done();
    assert!(
        done.stderr.contains("31 pages and 31 known URLs"),
        "{}",
        done.stderr
    );
    canter.run(&["export", "t"]).fails(2, &["known sites: u"]);
    let sites = objects(canter.run(&["status", "--json"]));
    assert_eq!(sites.len(), 1);
    assert_eq!(
        (&sites[0]["site"], &sites[0]["searchable"]),
        (&"u".into(), &1.into())
    );
    let (_, told) = explained(&canter, &site.url("/p/3"));
    assert_eq!(told["site"], "u");
    // Crawled again, it counts as a new site.
    let ended = canter.crawl(&site.url("/"), &[]).done();
    ended.counts(&[("indexed", 31), ("unchanged", 0)]);
}

#[test]
fn not_while_a_crawl_holds_the_folder() {
    let site = Site::web(100).start();
    let canter = canter!();
    let run = canter.start_crawl(&site.url("/"), &["--rps", "10"]);
    run.says("progress");
    canter
        .run(&["forget", "t", "--yes"])
        .fails(1, &["another crawl is using the data folder"]);
    run.signal("INT");
    run.end().done();
}

#[test]
fn cut_off_at_any_moment_the_same_command_finishes() {
    let site = Site::web(400).start();
    let canter = canter!();
    let mut half = 0;
    for wait in [0, 2, 5, 10, 20, 40].into_iter().cycle().take(24) {
        if half > 1 {
            break;
        }
        canter.crawl(&site.url("/"), &[]).done();
        let run = canter.start(&["forget", "t", "--yes"]);
        begins_to_forget(&canter);
        std::thread::sleep(Duration::from_millis(wait));
        run.signal("KILL");
        run.end();
        let sites = canter.run(&["status", "--json"]);
        if sites.status == Some(0) && state(&canter, "t")["state"] == "forgotten" {
            half += 1;
            canter
                .crawl(&site.url("/"), &[])
                .fails(1, &["canter forget t"]);
            canter.run(&["forget", "t", "--yes"]).done();
        }
        canter
            .crawl(&site.url("/"), &[])
            .done()
            .counts(&[("pages", 401)]);
        assert_eq!(canter.export().len(), 401);
    }
    assert!(half > 0, "no kill came in the middle");
}

/// Waits until the command has begun to forget or has finished.
fn begins_to_forget(canter: &Canter) {
    let folder = Folder::existing(canter.data()).unwrap();
    let waits = |site: &SiteReport| !matches!(site.rest, Some(Rest::Forgotten));
    while report(&folder).unwrap().iter().any(waits) {
        std::thread::sleep(Duration::from_millis(1));
    }
}
