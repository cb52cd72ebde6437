//! Servers that are missing, empty, or die in the middle.

use std::net::TcpListener;

use canter_tests::{OwnIndex, Site, canter};

use super::{PLACES, search, with};

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
#[ignore = "needs the servers of make test"]
fn a_server_without_an_index_says_what_to_do() {
    let _place = PLACES.take();
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
#[ignore = "needs the servers of make test"]
fn killed_at_any_moment_the_same_command_finishes() {
    let _place = PLACES.take();
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

/// A closed index is no fault of any page: the crawl ends, and continues when the index is open
/// again.
#[test]
#[ignore = "needs the servers of make test"]
fn an_index_that_is_closed_in_the_middle_fails_no_page() {
    let _place = PLACES.take();
    let site = Site::web(200).start();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    let index: Vec<&str> = index.iter().map(String::as_str).collect();
    let args = [&index[..], &["--rps", "100"]].concat();
    let run = canter.start_crawl(&site.url("/"), &args);
    run.says("progress");
    let url = server.url();
    let (_, name) = url.rsplit_once('/').unwrap();
    let (_, indexes) = server.ask("GET", &format!("/_cat/indices/{name}-*?format=json"), "");
    let name = indexes[0]["index"].as_str().unwrap().to_owned();
    server.ask("POST", &format!("/{name}/_close"), "");
    run.end()
        .fails(1, &["is closed: open it", "nothing is lost"]);
    server.ask(
        "POST",
        &format!("/{name}/_open?wait_for_active_shards=1"),
        "",
    );
    let ended = canter.crawl(&site.url("/"), &index).done();
    ended.counts(&[("failed", 0), ("pages", 201)]);
    assert_eq!(canter.export().len(), 201);
}

/// A stop does not wait for an index that accepts nothing.
#[test]
#[ignore = "needs the servers of make test"]
fn a_stop_does_not_wait_for_an_index_that_takes_nothing() {
    let _place = PLACES.take();
    let site = Site::web(200).start();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    let index: Vec<&str> = index.iter().map(String::as_str).collect();
    canter.crawl(&site.url("/p/199"), &index).done();
    let block = |on: bool| {
        let setting = format!("{{\"index.blocks.write\": {on}}}");
        let url = server.url();
        let (_, name) = url.rsplit_once('/').unwrap();
        server.ask("PUT", &format!("/{name}-*/_settings"), &setting)
    };
    assert_eq!(block(true).0, 200);
    let args = [&index[..], &["--rps", "100", "--change-scope"]].concat();
    let run = canter.start_crawl(&site.url("/"), &args);
    run.says("may not be written");
    let asked = std::time::Instant::now();
    run.signal("INT");
    run.end().done();
    assert!(asked.elapsed().as_secs() < 20, "{:?}", asked.elapsed());
    assert_eq!(block(false).0, 200);
    canter.crawl(&site.url("/"), &index).done();
    assert_eq!(canter.export().len(), 201);
}

/// The answer does not say why the index fails, but the log of the service does.
#[test]
#[ignore = "needs the servers of make test"]
fn why_an_index_does_not_answer_is_in_the_log_of_the_service() {
    let _place = PLACES.take();
    let site = Site::web(3).start();
    let server = OwnIndex::new();
    let (canter, index) = with(&server);
    let index: Vec<&str> = index.iter().map(String::as_str).collect();
    canter.crawl(&site.url("/"), &index).done();
    let serving = canter.start(&[&["serve", "--listen", "127.0.0.1:0"], &index[..]].concat());
    let said = serving.says("http://127.0.0.1:");
    let address = said
        .split(['/', ' '])
        .find(|part| part.starts_with("127."))
        .unwrap();
    let url = server.url();
    let (_, name) = url.rsplit_once('/').unwrap();
    let (_, indexes) = server.ask("GET", &format!("/_cat/indices/{name}-*?format=json"), "");
    let name = indexes[0]["index"].as_str().unwrap();
    server.ask("POST", &format!("/{name}/_close"), "");
    let mut asking = std::net::TcpStream::connect(address).unwrap();
    let request = b"GET /api/v1/search?q=p HTTP/1.0\r\nHost: localhost\r\n\r\n";
    std::io::Write::write_all(&mut asking, request).unwrap();
    serving.says("is closed: open it");
    canter
        .run(&[&["search", "p"], &index[..]].concat())
        .fails(1, &["is closed: open it"]);
}
