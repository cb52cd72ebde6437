//! Stored policies of robots.txt: a saved policy comes back as it was, unless it is too old.

use std::time::Duration;

use canter_core::ports::{FETCHING, Loaded, Robots};
use canter_core::robots::{RobotsPolicy, Rules};
use canter_core::time::Moment;

use super::{fine, url};

const FETCHED: Moment = Moment(50_000_000_000);
const AUTHORITY: &str = "https://example.org:443";

/// A policy comes back with all its fields.
pub async fn a_policy_comes_back<R: Robots>(robots: &R) {
    let file =
        b"User-agent: *\nDisallow: /a\nAllow: /a/b$\nCrawl-delay: 2\nSitemap: http://a.test/s\n";
    let policy = RobotsPolicy::Rules(Rules::parse(file, "canter"));
    fine(robots.save(AUTHORITY, &policy, FETCHED).await);
    let loaded = fine(robots.load(AUTHORITY, Moment(0), FETCHED).await);
    assert_eq!(loaded, Loaded::Policy(policy, FETCHED));
    let Loaded::Policy(RobotsPolicy::Rules(rules), _) = loaded else {
        panic!("{loaded:?}");
    };
    assert!(!rules.allows(&url("/a")) && rules.allows(&url("/a/b")) && rules.allows(&url("/c")));
    assert_eq!(rules.crawl_delay(), Some(Duration::from_secs(2)));
    let sitemaps: Vec<String> = rules.sitemaps().map(String::from).collect();
    assert_eq!(sitemaps, ["http://a.test/s"]);
}

/// A policy that is too old does not come back, nor does the policy of another authority.
pub async fn an_old_policy_is_none<R: Robots>(robots: &R) {
    fine(
        robots
            .save(AUTHORITY, &RobotsPolicy::AllowAll, FETCHED)
            .await,
    );
    let load = async |authority, since| fine(robots.load(authority, Moment(since), FETCHED).await);
    let known = Loaded::Policy(RobotsPolicy::AllowAll, FETCHED);
    assert_eq!(load(AUTHORITY, FETCHED.0).await, known);
    assert_eq!(load(AUTHORITY, FETCHED.0 + 1).await, Loaded::Fetch);
    assert_eq!(load("http://example.org:80", 0).await, Loaded::Fetch);
}

/// A policy that a clock saved which was ahead is fetched again, and replaced.
pub async fn a_policy_of_the_future_is_none<R: Robots>(robots: &R) {
    let ahead = FETCHED + Duration::from_secs(3_600);
    let all = RobotsPolicy::AllowAll;
    fine(robots.save(AUTHORITY, &all, ahead).await);
    let load = async || fine(robots.load(AUTHORITY, Moment(0), FETCHED).await);
    assert_eq!(load().await, Loaded::Fetch);
    fine(robots.save(AUTHORITY, &all, FETCHED).await);
    assert_eq!(load().await, Loaded::Policy(all, FETCHED));
}

/// The newest policy replaces older ones.
pub async fn a_policy_is_replaced<R: Robots>(robots: &R) {
    fine(
        robots
            .save(AUTHORITY, &RobotsPolicy::AllowAll, FETCHED)
            .await,
    );
    let later = FETCHED + Duration::from_secs(1);
    let policy = RobotsPolicy::Rules(Rules::parse(b"User-agent: *\nDisallow: /", "canter"));
    fine(robots.save(AUTHORITY, &policy, later).await);
    assert_eq!(
        fine(robots.load(AUTHORITY, Moment(0), later).await),
        Loaded::Policy(policy, later)
    );
}

/// When many workers ask at the same time, one is told to fetch, and another one after its time is
/// up.
pub async fn one_worker_fetches<R: Robots>(robots: &R) {
    let load = async |now| fine(robots.load(AUTHORITY, Moment(0), now).await);
    let asked = tokio::join!(load(FETCHED), load(FETCHED), load(FETCHED), load(FETCHED));
    let asked = [asked.0, asked.1, asked.2, asked.3];
    let fetching = asked.iter().filter(|loaded| **loaded == Loaded::Fetch);
    assert_eq!(fetching.count(), 1, "{asked:?}");
    assert_eq!(
        load(FETCHED + FETCHING - Duration::from_secs(1)).await,
        Loaded::Busy
    );
    assert_eq!(
        load(FETCHED + FETCHING + Duration::from_secs(1)).await,
        Loaded::Fetch
    );
    let later = FETCHED + FETCHING * 2;
    fine(robots.save(AUTHORITY, &RobotsPolicy::AllowAll, later).await);
    assert_eq!(
        load(later).await,
        Loaded::Policy(RobotsPolicy::AllowAll, later)
    );
}

/// When the worker that was told to fetch gives up, another one may fetch at once.
pub async fn who_gives_up_lets_another<R: Robots>(robots: &R) {
    let load = async || fine(robots.load(AUTHORITY, Moment(0), FETCHED).await);
    fine(robots.release(AUTHORITY).await);
    assert_eq!([load().await, load().await], [Loaded::Fetch, Loaded::Busy]);
    fine(robots.release(AUTHORITY).await);
    assert_eq!([load().await, load().await], [Loaded::Fetch, Loaded::Busy]);
}
