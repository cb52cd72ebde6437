//! Pages that may not be read any more leave the index, but not at once.

use std::collections::BTreeSet;
use std::time::Duration;

use canter_core::domain::authority;
use canter_core::ports::{Loaded, Robots};
use canter_core::robots::RobotsPolicy;
use canter_core::time::Moment;
use canter_embedded::store::Store;
use canter_http::Clock;
use canter_tests::{Answer, Serving, Site};
use url::Url;

use crate::world::{embedded, spec};

use super::{Stage, text};

const PAGES: usize = 31;
/// Hours after the first crawl at which the site is crawled again, and the pages that have left by
/// then. From the first of these crawls on, two pages are refused and one is disallowed.
const CRAWLS: [(f64, &[&str]); 4] = [
    (0.1, &[]),
    (0.9, &[]),
    (1.2, &["/3"]),
    (24.2, &["/1", "/2", "/3"]),
];

fn refuse(site: &Serving) {
    site.set("/1", Answer::status(401));
    site.set("/2", Answer::status(403));
    let robots = "User-agent: *\nDisallow: /3$\n";
    site.set("/robots.txt", Answer::text(robots));
}

fn later(begin: Moment, hours: f64) -> Clock {
    Clock::showing(begin + Duration::from_secs_f64(hours * 3600.0))
}

fn without(paths: &BTreeSet<String>, left: &[&str]) -> BTreeSet<String> {
    let stay = paths.iter().filter(|path| !left.contains(&path.as_str()));
    stay.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn refused_pages_leave_after_a_day_and_disallowed_ones_after_an_hour() {
    let mut stage = Stage::set(PAGES).await;
    let begin = stage.place.clock.now();
    stage.crawl().await;
    refuse(&stage.site);
    for (hours, left) in CRAWLS {
        stage.place.clock = later(begin, hours);
        stage.forget_robots().await;
        let crawl = stage.crawl().await;
        assert_eq!(crawl.held, None);
        let expected = without(&stage.paths, left);
        assert_eq!(stage.shown().await, expected, "after {hours} hours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_one_machine() {
    let paths: Vec<String> = (1..PAGES).map(|n| format!("/{n}")).collect();
    let mut site = Site::new().page("/", paths.iter().map(String::as_str));
    for path in &paths {
        site = site.answer(path, Answer::html(text(path)));
    }
    let site = site.start();
    let paths: BTreeSet<String> = paths.into_iter().chain(["/".into()]).collect();
    let folder = tempfile::tempdir().unwrap();
    let asked = spec(&site.url("/"), None).site;
    let begin = Clock::start().now();
    let (_, shown) = embedded::crawl(&asked, folder.path(), later(begin, 0.0), None).await;
    assert_eq!(shown, paths);
    refuse(&site);
    for (hours, left) in CRAWLS {
        forget_robots(&folder.path().join("state.sqlite"), &asked.seeds[0]).await;
        let clock = later(begin, hours);
        let (_, shown) = embedded::crawl(&asked, folder.path(), clock, Some(10.0)).await;
        assert_eq!(shown, without(&paths, left), "after {hours} hours");
    }
}

/// Makes the known robots.txt too old.
async fn forget_robots(state: &std::path::Path, seed: &Url) {
    let store = Store::open(state).unwrap();
    let authority = authority(seed);
    let saved = store
        .load(&authority, Moment(0), Clock::start().now())
        .await;
    assert!(matches!(saved, Ok(Loaded::Policy(..))));
    let policy = RobotsPolicy::AllowAll;
    store.save(&authority, &policy, Moment(0)).await.unwrap();
}
