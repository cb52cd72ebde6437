//! Sites that speak HTTP/2 alone: crawled whole, at the pace, on few connections.

use canter_tests::tls::Authority;
use canter_tests::{Serving, Site, canter};

/// Crawls a site of 121 pages at 50 requests a second: each page once, none lost, never above the
/// rate. Gives the site.
fn crawled_whole(site: Site) -> Serving {
    let authority = Authority::new();
    let site = site.http2(&authority).start();
    let canter = canter!().with("SSL_CERT_FILE", authority.file());
    let ended = canter.crawl(&site.url("/"), &["--rps", "50"]).done();
    ended.counts(&[("indexed", 121), ("failed", 0)]);
    assert_eq!(canter.indexed().len(), 121);
    let pages = site.log().pages();
    assert_eq!(pages.len(), 121);
    assert!(pages.values().all(|&times| times == 1), "{pages:?}");
    let most = site.log().most_in_a_second();
    assert!(most <= 50, "{most} requests in a second");
    site
}

#[test]
fn a_site_that_speaks_nothing_else_is_crawled_on_few_connections() {
    let site = crawled_whole(Site::web(120));
    let opened = site.log().accepted();
    assert!(opened <= 12, "{opened} connections");
}

#[test]
fn a_server_that_says_farewell_after_20_requests_loses_nothing() {
    let site = crawled_whole(Site::web(120).leaving_after(20));
    let opened = site.log().accepted();
    assert!((7..=24).contains(&opened), "{opened} connections");
}
