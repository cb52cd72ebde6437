//! What leaves the index, and when.

use canter_tests::{Answer, Site, canter};

use super::{PAGES, crawled, finds, page, path};

#[test]
fn a_few_renamed_and_removed_pages_are_published() {
    let (site, canter) = crawled();
    let links: Vec<String> = (2..PAGES)
        .map(path)
        .chain((0..2).map(|n| format!("/n/{n}")))
        .collect();
    site.set("/", Answer::page("/", links.iter().map(String::as_str)));
    for number in 0..2 {
        site.set(&path(number), Answer::redirect(&format!("/n/{number}")));
        site.set(&format!("/n/{number}"), page(number));
        site.set(&path(number + 2), Answer::status(410));
    }
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    for (name, count) in [("moved", 2), ("new", 2), ("removed", 2), ("changed", 1)] {
        assert_eq!(summary[name], count, "{name}: {summary}");
    }
    let moved = summary["examples"]["moved"].as_array().unwrap();
    assert!(moved.contains(&site.url("/p/0").into()), "{summary}");
    assert_eq!(canter.indexed().len(), PAGES + 1 - 2);
    assert!(finds(&canter, 0) && !finds(&canter, 2));
}

/// More than ten pages are lost, and no more than a tenth of them.
#[test]
fn a_twentieth_renamed_and_a_twentieth_removed_are_published() {
    const PAGES: usize = 240;
    let old = |number| format!("/p/{number}");
    let new = |number| format!("/n/{number}");
    let all: Vec<String> = (0..PAGES).map(old).collect();
    let mut site = Site::new().page("/", all.iter().map(String::as_str));
    for number in 0..PAGES {
        site = site.answer(&old(number), page(number));
    }
    let (site, canter) = (site.start(), canter!());
    canter.crawl(&site.url("/"), &[]).done();
    let links: Vec<String> = (24..PAGES).map(old).chain((0..12).map(new)).collect();
    site.set("/", Answer::page("/", links.iter().map(String::as_str)));
    for number in 0..12 {
        site.set(&old(number), Answer::redirect(&new(number)));
        site.set(&new(number), page(number));
        site.set(&old(number + 12), Answer::status(410));
    }
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    for (name, count) in [("moved", 12), ("new", 12), ("removed", 12), ("changed", 1)] {
        assert_eq!(summary[name], count, "{name}: {summary}");
    }
    assert_eq!(canter.indexed().len(), PAGES + 1 - 12);
    assert!(finds(&canter, 0) && !finds(&canter, 12));
}

#[test]
fn a_temporary_redirect_is_believed_after_five_crawls() {
    let (site, canter) = crawled();
    site.set("/away", Answer::html("<title>Away</title>Somewhere else"));
    site.set(&path(0), Answer::status(302).header("Location", "/away"));
    for _ in 0..4 {
        canter.crawl(&site.url("/"), &[]).done();
        assert!(canter.indexed().contains(&path(0)));
    }
    canter.crawl(&site.url("/"), &[]).done();
    assert!(!canter.indexed().contains(&path(0)));
}

#[test]
fn what_the_user_leaves_out_is_withdrawn_and_no_loss() {
    let (site, canter) = crawled();
    let args = ["--exclude", "/p/1*", "--change-scope"];
    let summary = canter.crawl(&site.url("/"), &args).done().summary();
    assert_eq!(summary["withdrawn"], 11, "{summary}");
    assert_eq!(canter.indexed().len(), PAGES + 1 - 11);
}

#[test]
fn a_missing_page_to_which_nobody_links_leaves_at_once() {
    let (site, canter) = crawled();
    let links: Vec<String> = (1..PAGES).map(path).collect();
    site.set("/", Answer::page("/", links.iter().map(String::as_str)));
    for number in 0..2 {
        site.set(&path(number), Answer::status(404));
    }
    canter.crawl(&site.url("/"), &[]).done();
    let indexed = canter.indexed();
    assert!(!indexed.contains(&path(0)) && indexed.contains(&path(1)));
    canter.crawl(&site.url("/"), &[]).done();
    assert!(!canter.indexed().contains(&path(1)));
}

#[test]
fn a_page_to_which_nobody_links_stays_while_it_answers() {
    let (site, canter) = crawled();
    let links: Vec<String> = (1..PAGES).map(path).collect();
    site.set("/", Answer::page("/", links.iter().map(String::as_str)));
    canter.crawl(&site.url("/"), &[]).done();
    assert!(canter.indexed().contains(&path(0)));
}

#[test]
fn what_is_refused_stays_for_a_day() {
    let (site, canter) = crawled();
    site.set(&path(0), Answer::status(403));
    canter.crawl(&site.url("/"), &[]).done();
    canter.crawl(&site.url("/"), &[]).done();
    assert!(canter.indexed().contains(&path(0)));
}

#[test]
fn a_crawl_that_stops_takes_nothing_out() {
    let (site, canter) = crawled();
    site.set(&path(0), Answer::status(410));
    for number in 1..9 {
        site.set(&path(number), page(90 + number));
    }
    site.log().clear();
    let args = ["--max-pages", "40"];
    canter.crawl(&site.url("/"), &args).done();
    assert_eq!(canter.indexed().len(), PAGES + 1);
    // What was seen changed is published, and nothing else.
    let asked: Vec<String> = site.log().all().into_iter().map(|it| it.path).collect();
    let seen = |number: &usize| asked.contains(&path(*number));
    assert!((1..9).any(|number| seen(&number)));
    for number in 1..9 {
        assert_eq!(finds(&canter, 90 + number), seen(&number), "{number}");
    }
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    assert_eq!(canter.indexed().len(), PAGES);
    assert_eq!(
        (&summary["new"], &summary["changed"]),
        (&0.into(), &8.into())
    );
}
