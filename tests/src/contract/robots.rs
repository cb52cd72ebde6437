//! Stored robots.txt: what was saved comes back as it was, unless it is too old.

use std::time::Duration;

use canter_core::ports::Robots;
use canter_core::robots::{Rules, Verdict};
use canter_core::time::Moment;

use super::{fine, url};

const FETCHED: Moment = Moment(50_000_000_000);
const AUTHORITY: &str = "https://example.org:443";

/// A verdict comes back whole.
pub async fn a_verdict_comes_back<R: Robots>(robots: &R) {
    let file =
        b"User-agent: *\nDisallow: /a\nAllow: /a/b$\nCrawl-delay: 2\nSitemap: http://a.test/s\n";
    let verdict = Verdict::Rules(Rules::parse(file, "canter"));
    fine(robots.save(AUTHORITY, &verdict, FETCHED).await);
    let (back, at) = fine(robots.load(AUTHORITY, Moment(0)).await).unwrap();
    assert_eq!((&back, at), (&verdict, FETCHED));
    let Verdict::Rules(rules) = back else {
        panic!("{back:?}");
    };
    assert!(!rules.allows(&url("/a")) && rules.allows(&url("/a/b")) && rules.allows(&url("/c")));
    assert_eq!(rules.crawl_delay(), Some(Duration::from_secs(2)));
    let sitemaps: Vec<String> = rules.sitemaps().map(String::from).collect();
    assert_eq!(sitemaps, ["http://a.test/s"]);
}

/// An older one than asked for is none, and neither is another authority's.
pub async fn an_old_verdict_is_none<R: Robots>(robots: &R) {
    fine(robots.save(AUTHORITY, &Verdict::AllowAll, FETCHED).await);
    assert!(fine(robots.load(AUTHORITY, FETCHED).await).is_some());
    assert!(fine(robots.load(AUTHORITY, Moment(FETCHED.0 + 1)).await).is_none());
    assert!(fine(robots.load("http://example.org:80", Moment(0)).await).is_none());
}

/// The newest save stays.
pub async fn a_verdict_is_replaced<R: Robots>(robots: &R) {
    fine(robots.save(AUTHORITY, &Verdict::AllowAll, FETCHED).await);
    let later = FETCHED + Duration::from_secs(1);
    let verdict = Verdict::Rules(Rules::parse(b"User-agent: *\nDisallow: /", "canter"));
    fine(robots.save(AUTHORITY, &verdict, later).await);
    assert_eq!(
        fine(robots.load(AUTHORITY, Moment(0)).await),
        Some((verdict, later))
    );
}
