//! Sites that speak HTTP/2 alone: crawled whole, at the pace, on few connections.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};

use canter_tests::tls::Authority;
use canter_tests::{Serving, Site, canter};

/// One crawl at a time: on busy cores an answer is late, and the request behind it takes a connection of
/// its own.
static ALONE: Mutex<()> = Mutex::new(());

/// Crawls a site of 121 pages at 50 requests a second: each page once, none lost, never above the
/// rate, on so many connections.
fn crawled_whole(site: impl Fn() -> Site, connections: RangeInclusive<usize>) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for last in [false, false, true] {
        let authority = Authority::new();
        let site = site().http2(&authority).watched().start();
        let most = crawled(&site, &authority);
        let opened = site.log().accepted();
        let kept = most <= 50 && connections.contains(&opened);
        // On a machine that stalls, requests arrive late and together.
        if !kept && !last && site.log().stalls() > 0 {
            continue;
        }
        assert!(most <= 50, "{most} requests in a second");
        assert!(connections.contains(&opened), "{opened} connections");
        return;
    }
}

/// The most requests that it saw in a second.
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
