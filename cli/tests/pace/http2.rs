//! Sites that speak only HTTP/2 are crawled completely, at the pace, and on few connections.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use canter_tests::tls::Authority;
use canter_tests::{Serving, Site, canter};

/// Allows one crawl of this module at a time: on busy cores an answer is late, and the next request takes
/// a connection of its own.
static ALONE: Mutex<()> = Mutex::new(());

/// Crawls a site of 121 pages at 50 requests per second: each page once, none lost, never above the
/// rate, on this number of connections. On a machine that stalls, a late answer costs a connection
/// more: then the row is measured again, and the last time twice the connections may be opened.
fn crawled_whole(site: impl Fn() -> Site, connections: RangeInclusive<usize>) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for last in [false, false, true] {
        let authority = Authority::new();
        let site = site().http2(&authority).watched().start();
        let most = crawled(&site, &authority);
        assert!(most <= 50, "{most} requests in a second");
        let opened = site.log().accepted();
        if connections.contains(&opened) {
            return;
        }
        let stalled = site.log().stalls() > 0;
        if stalled && !last {
            continue;
        }
        let most = connections.end() * if stalled { 2 } else { 1 };
        let allowed = *connections.start()..=most;
        assert!(allowed.contains(&opened), "{opened} connections");
        return;
    }
}

/// Crawls the site. Gives the maximum number of requests in a second.
fn crawled(site: &Serving, authority: &Authority) -> usize {
    let canter = canter!().with("SSL_CERT_FILE", authority.file());
    let ended = canter.crawl(&site.url("/"), &["--rps", "50"]).done();
    ended.counts(&[("indexed", 121), ("failed", 0)]);
    assert_eq!(canter.indexed().len(), 121);
    let pages = site.log().pages();
    assert_eq!(pages.len(), 121);
    assert!(pages.values().all(|&times| times == 1), "{pages:?}");
    site.log().most_in_a_second()
}

#[test]
fn a_site_that_speaks_nothing_else_is_crawled_on_few_connections() {
    crawled_whole(|| Site::web(120), 1..=12);
}

#[test]
fn a_server_that_says_farewell_after_20_requests_loses_nothing() {
    crawled_whole(|| Site::web(120).leaving_after(20), 7..=24);
}
