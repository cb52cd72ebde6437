//! A server that is not there, has nothing, or dies in the middle.

use std::net::TcpListener;

use canter_tests::{OwnIndex, Site, canter};

use crate::{search, with};

#[test]
fn a_server_that_is_not_there_ends_the_command() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let site = Site::web(3).start();
    let index = format!("http://{closed}");
    let canter = canter!();
    let ended = canter.crawl(&site.url("/"), &["--index", &index]);
    ended.fails(1, &[&index, "Elasticsearch"]);
    assert!(site.log().all().is_empty(), "nothing is fetched in vain");
    canter
        .run(&["search", "x", "--index", &index])
        .fails(1, &[&index]);
    canter
        .run(&["search", "x", "--index", "ftp://x"])
        .fails(2, &["neither http: nor https:"]);
}

#[test]
fn a_server_without_an_index_says_what_to_do() {
    let server = OwnIndex::new();
    canter!()
        .run(&["search", "x", "--index", &server.url()])
        .fails(1, &["canter crawl"]);
    let (_, indexes) = server.ask("GET", "/_cat/indices/test-*?format=json", "");
    let url = server.url();
    let (_, name) = url.rsplit_once('/').unwrap();
    assert!(!indexes.to_string().contains(name), "{indexes}");
}

#[test]
fn killed_at_any_moment_the_same_command_finishes() {
    let site = Site::web(300).start();
    let whole = canter!();
    whole.crawl(&site.url("/"), &[]).done();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    let index: Vec<&str> = index.iter().map(String::as_str).collect();
    for wait in [150, 400, 800, 1500] {
        let run = canter.start_crawl(&site.url("/"), &[&index[..], &["--rps", "100"]].concat());
        std::thread::sleep(std::time::Duration::from_millis(wait));
        run.signal("KILL");
        run.end();
    }
    canter.crawl(&site.url("/"), &index).done();
    assert_eq!(canter.export(), whole.export());
    assert_eq!(search(&canter, Some(&server), "p")["total"]["value"], 301);
}
