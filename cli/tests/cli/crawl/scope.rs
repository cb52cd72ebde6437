//! The scope of a site.

use canter_tests::{Answer, Site, canter};

use super::{crawl, crawl_with, fetched};

#[test]
fn scope_is_the_host_and_the_path_prefix() {
    let other = Site::new().page("/docs/x", []).start();
    let away = other.url("/docs/x");
    let links = [
        "/docs/a",
        "/docs/b/c",
        "/docs",
        "/docsx",
        "/",
        "/docs/../up",
        &away,
        "mailto:a@b.c",
        "javascript:void(0)",
        "ftp://127.0.0.1/x",
        "data:text/html,x",
    ];
    let site = Site::new()
        .page("/docs/", links)
        .otherwise(|visit| Answer::page(&visit.path, ["/docs/a", "/elsewhere"]))
        .start();
    let (canter, _) = crawl_with(&site, "/docs/", &[]);
    fetched(&site, &["/docs/", "/docs/a", "/docs/b/c"]);
    assert!(other.log().all().is_empty());
    assert_eq!(canter.indexed(), ["/docs/", "/docs/a", "/docs/b/c"]);
}

#[test]
fn include_and_exclude_change_the_scope() {
    let links = ["/docs/a", "/docs/old/b", "/blog/c", "/pdf/d.pdf", "/x"];
    let site = Site::new()
        .page("/", links)
        .otherwise(|visit| Answer::page(&visit.path, []))
        .start();
    let args = [
        "--include",
        "/docs/**",
        "--include",
        "/pdf/**",
        "--exclude",
        "/docs/old/**",
        "--exclude",
        "*.pdf",
    ];
    crawl_with(&site, "/", &args);
    fetched(&site, &["/", "/docs/a"]);
}

#[test]
fn another_scope_asks_first_and_then_holds_for_known_pages_too() {
    let site = Site::new()
        .page("/", ["/a", "/old/b"])
        .page("/a", [])
        .page("/old/b", [])
        .start();
    let (canter, _) = crawl(&site);
    site.log().clear();
    canter
        .crawl(&site.url("/"), &["--exclude", "/old/**"])
        .fails(1, &["--change-scope"]);
    assert!(site.log().all().is_empty());
    canter
        .crawl(&site.url("/"), &["--exclude", "/old/**", "--change-scope"])
        .done();
    fetched(&site, &["/", "/a"]);
    assert_eq!(canter.indexed(), ["/", "/a"]);
}

/// Its seed redirects, and does not answer when the scope is changed.
#[test]
fn a_changed_scope_keeps_the_pages_to_which_the_seed_had_moved() {
    let site = Site::new()
        .answer("/old/", Answer::redirect("/docs/"))
        .page("/docs/", ["/docs/a", "/docs/x/b"])
        .page("/docs/a", [])
        .page("/docs/x/b", [])
        .start();
    let canter = canter!();
    let seed = site.url("/old/");
    canter.crawl(&seed, &[]).done();
    assert_eq!(canter.indexed(), ["/docs/", "/docs/a", "/docs/x/b"]);
    site.set("/old/", Answer::status(500));
    let args = ["--exclude", "/docs/x/**", "--change-scope"];
    canter.crawl(&seed, &args).done();
    assert_eq!(canter.indexed(), ["/docs/", "/docs/a"]);
}

#[test]
fn pages_that_a_changed_scope_leaves_out_stay_until_its_crawl_is_complete() {
    let site = Site::new()
        .page("/", ["/o/b", "/new/b"])
        .answer("/o/b", Answer::page("b", ["/new/c"]))
        .answer("/new/b", Answer::page("b", ["/new/c"]))
        .page("/new/c", [])
        .start();
    let (canter, _) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/new/c", "/o/b"]);
    site.log().clear();
    let crawl = |args: &[&str]| {
        let ended = canter.crawl(&site.url("/"), &[&["--exclude", "/o/**"], args].concat());
        ended.done().summary()["complete"] == true
    };
    // A crawl that is cut off removes neither what its scope leaves out nor that page's copy.
    assert!(!crawl(&["--change-scope", "--max-pages", "2"]));
    assert_eq!(canter.indexed(), ["/", "/new/b", "/new/c", "/o/b"]);
    assert!(crawl(&[]));
    assert_eq!(canter.indexed(), ["/", "/new/b", "/new/c"]);
    fetched(&site, &["/", "/new/b", "/new/c"]);
}
