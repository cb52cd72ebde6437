//! What each operation takes, as DynamoDB counts: the bill is made of this.

use canter_aws::{CloudRobots, Usage};
use canter_core::ports::{Claim, Pages, Robots};
use canter_core::robots::RobotsPolicy;
use canter_core::task::{Task, UrlKey};
use canter_core::time::Moment;
use canter_tests::contract::{indexed, link};
use tokio::task::JoinSet;

use crate::world::{Tables, TestClock, site};

/// Requests, read units, write units.
fn of(usage: Usage) -> (u64, f64, f64) {
    (usage.sent as u64, usage.read_units, usage.write_units)
}

fn since(now: Usage, then: Usage) -> (u64, f64, f64) {
    of(now + then * -1.0)
}

fn links(count: usize) -> Vec<Claim> {
    let path = |n| link(&format!("/library/module-{n}.html"));
    (0..count).map(path).collect()
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_page_with_a_hundred_links() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let (elsewhere, _) = site(&tables, &TestClock::at(1_000_000));
    let (parent, other) = (crawl.task("/library/index.html"), crawl.task("/other.html"));

    let tasks = pages.claim(&parent, links(100)).await.unwrap().tasks;
    assert_eq!(tasks.len(), 100);
    // For rows that are not there AWS counts half a unit each as well, DynamoDB Local none.
    assert_eq!(of(tables.usage("BatchGetItem")), (1, 0.0, 0.0));
    let written = tables.usage("UpdateItem");
    assert_eq!(of(written), (100, 0.0, 100.0));

    for (pages, reads, whose) in [
        (&pages, (0, 0.0, 0.0), "links of this process"),
        (&elsewhere, (1, 50.0, 0.0), "links of another"),
        (&elsewhere, (0, 0.0, 0.0), "links of another, met before"),
    ] {
        let before = tables.usage("BatchGetItem");
        assert_eq!(pages.claim(&other, links(100)).await.unwrap().tasks, []);
        let now = tables.usage("BatchGetItem");
        assert_eq!(since(now, before), reads, "{whose}");
        assert_eq!(tables.usage("UpdateItem"), written, "{whose}");
    }
    assert_eq!(
        pages.claim(&parent, links(100)).await.unwrap().tasks.len(),
        100
    );
    assert_eq!(tables.usage("UpdateItem"), written, "own links again");

    let task = &tasks[0];
    assert!(pages.begin(task).await.unwrap().is_some());
    assert_eq!(of(tables.usage("GetItem")), (1, 0.5, 0.0), "begin");
    pages.finish(task, indexed("body")).await.unwrap();
    let ended = tables.usage("UpdateItem");
    assert_eq!(since(ended, written), (1, 0.0, 1.0), "finish");
    pages.finish(task, indexed("body")).await.unwrap();
    let twice = tables.usage("UpdateItem");
    assert_eq!(since(twice, ended), (1, 0.0, 1.0), "finish again");

    let begun = tables.usage("GetItem");
    assert_eq!(pages.begin(task).await, Ok(None));
    let dropped = tables.usage("GetItem");
    assert_eq!(
        since(dropped, begun),
        (2, 1.5, 0.0),
        "a task that is dropped"
    );
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_attempt_and_a_sweep() {
    let tables = Tables::create().await;
    let clock = TestClock::at(1_000_000);
    let (pages, crawl) = site(&tables, &clock);
    let parent = crawl.task("/library/index.html");
    let tasks = pages.claim(&parent, links(40)).await.unwrap().tasks;

    let before = tables.usage("UpdateItem");
    let task = Task {
        attempts: 1,
        ..tasks[0].clone()
    };
    assert_eq!(pages.note_attempt(&task, clock.now()).await, Ok(true));
    let after = tables.usage("UpdateItem");
    assert_eq!(since(after, before), (1, 0.0, 1.0), "an attempt");

    assert_eq!(pages.counts().await.unwrap().waiting, 40);
    let (requests, read, _) = of(tables.usage("Query"));
    assert_eq!(requests, 16);
    // A shard's rows are less than 4 KB here: half a unit each, and as much for an empty one.
    assert!((1.0..=16.0).contains(&read), "{read}");
}

/// A pass over a site's rows is paid by their size: what a sweep of a million of them costs.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_pass() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_700_000_000_000));
    // All in one shard, so that what is rounded up does not count.
    let path = |n| link(&format!("/3/library/concurrency/module-{n:05}.html"));
    let links = (0..).map(path);
    let links = links.filter(|link| UrlKey::of(&link.url).0[0] >> 4 == 3);
    let parent = crawl.task("/3/library/concurrency/index.html");
    let tasks = pages
        .claim(&parent, links.take(300).collect())
        .await
        .unwrap()
        .tasks;
    let mut ends = JoinSet::new();
    for task in tasks {
        let mut finish = indexed("5f3c-61a2b3c4d5e6f");
        finish.known.last_modified = Some("Sun, 22 Nov 2026 10:00:00 GMT".into());
        let pages = pages.clone();
        ends.spawn(async move { pages.finish(&task, finish).await });
    }
    while let Some(ended) = ends.join_next().await {
        ended.unwrap().unwrap();
    }
    assert_eq!(pages.counts().await.unwrap().indexed, 300);
    let (_, read, _) = of(tables.usage("Query"));
    // For the 15 empty shards AWS counts half a unit each as well, DynamoDB Local none.
    let million = read / 300.0 * 1e6;
    assert!((40_000.0..50_000.0).contains(&million), "{million} units");
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn robots_txt() {
    let tables = Tables::create().await;
    let robots = CloudRobots::new(tables.cloud.clone());
    let load = async || robots.load("http://a.test:80", Moment(0), Moment(1)).await;
    load().await.unwrap();
    assert_eq!(of(tables.usage("GetItem")), (1, 0.5, 0.0));
    assert_eq!(of(tables.usage("UpdateItem")), (1, 0.0, 1.0));
    // Another worker is at it.
    load().await.unwrap();
    assert_eq!(of(tables.usage("GetItem")), (2, 1.0, 0.0));
    assert_eq!(of(tables.usage("UpdateItem")), (1, 0.0, 1.0));
    let saved = robots.save("http://a.test:80", &RobotsPolicy::AllowAll, Moment(1));
    saved.await.unwrap();
    load().await.unwrap();
    assert_eq!(of(tables.usage("GetItem")), (3, 1.5, 0.0));
    assert_eq!(of(tables.usage("UpdateItem")), (2, 0.0, 2.0));
}
