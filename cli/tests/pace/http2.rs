//! Sites that speak only HTTP/2 are crawled completely, at the pace, and on few connections.

use std::ops::RangeInclusive;

use canter_tests::places::Places;
use canter_tests::tls::Authority;
use canter_tests::{Serving, Site, canter};

use super::{PLACES, assert_limit, measured, stalled};

/// Allows one crawl of this module at a time: on busy cores an answer is late, and the next request
/// takes a connection of its own.
static ALONE: Places = Places::new(1);

/// Crawls a site of 121 pages at 50 requests per second: each page once, none lost, never above the
/// rate, on this number of connections, where late answers cost more.
fn crawled_whole(site: impl Fn() -> Site, connections: RangeInclusive<usize>) {
    let _alone = ALONE.take();
    let _place = PLACES.take();
    let authority = Authority::new();
    let run = || crawled(site(), &authority);
    let site = measured(run, |log| {
        log.most_in_a_second() <= 50 && connections.contains(&log.accepted())
    });
    assert_limit(&site, 50);
    let opened = site.log().accepted();
    let most = if stalled(&site) {
        60
    } else {
        *connections.end()
    };
    let connections = *connections.start()..=most;
    assert!(connections.contains(&opened), "{opened} connections");
}

fn crawled(site: Site, authority: &Authority) -> Serving {
    let site = site.http2(authority).watched().start();
    let canter = canter!().with("SSL_CERT_FILE", authority.file());
    let ended = canter.crawl(&site.url("/"), &["--rps", "50"]).done();
    ended.counts(&[("indexed", 121), ("failed", 0)]);
    assert_eq!(canter.indexed().len(), 121);
    let pages = site.log().pages();
    assert_eq!(pages.len(), 121);
    assert!(pages.values().all(|&times| times == 1), "{pages:?}");
    site
}

#[test]
fn a_site_that_speaks_nothing_else_is_crawled_on_few_connections() {
    crawled_whole(|| Site::web(120), 1..=12);
}

#[test]
fn a_server_that_says_farewell_after_20_requests_loses_nothing() {
    crawled_whole(|| Site::web(120).leaving_after(20), 7..=24);
}
