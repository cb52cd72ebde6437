//! Faults between a worker and DynamoDB: nothing is lost by them, and a person is told what to do
//! where a person must act.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canter_aws::{CloudRobots, CloudSite, tables};
use canter_core::failure::Failure;
use canter_core::ports::{Claim, Finish, Known, Loaded, Pages, Robots};
use canter_core::robots::{RobotsPolicy, Rules};
use canter_core::task::{Outcome, Skip, Task};
use canter_core::time::Moment;
use canter_tests::contract::{Crawl, indexed, link, url};
use canter_tests::faults::{Asked, Faults, Reply, Turn};
use canter_tests::stack::Stack;

use crate::world::{Pushed, Tables, TestClock, site};

const LINKS: usize = 200;

fn links(count: usize) -> Vec<Claim> {
    (0..count).map(|n| link(&format!("/page-{n}"))).collect()
}

fn urls(tasks: &[Task]) -> BTreeSet<String> {
    tasks.iter().map(|task| task.url.to_string()).collect()
}

/// The operation that a request asks for.
fn operation(asked: &Asked) -> &str {
    let target = asked.header("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

fn refusal(code: &str) -> Reply {
    let body = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"as AWS says it"}}"#
    );
    Reply::of(400, "application/x-amz-json-1.0", body)
}

/// A site's rows through a proxy with faults.
async fn behind(tables: &Tables, faults: &Faults) -> (CloudSite, Crawl) {
    let cloud = tables.through(faults.url().to_string()).await;
    site(&cloud, &TestClock::at(1_000_000))
}

fn faults() -> Faults {
    Faults::before(&Stack::find().dynamodb_endpoint)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn two_parents_that_claim_the_same_links_at_once_share_them() {
    let tables = Tables::create().await;
    let (one, crawl) = site(&tables, &TestClock::at(1_000_000));
    let other = one.clone();
    let (a, b) = (crawl.task("/a"), crawl.task("/b"));
    for round in 0..3 {
        let links = || (0..LINKS).map(|n| link(&format!("/{round}/{n}"))).collect();
        let (first, second) = tokio::join!(one.claim(&a, links()), other.claim(&b, links()));
        let (first, second) = (urls(&first.unwrap().tasks), urls(&second.unwrap().tasks));
        assert!(first.is_disjoint(&second));
        assert_eq!(first.len() + second.len(), LINKS);
        for _ in 0..3 {
            let (again, too) = tokio::join!(one.claim(&a, links()), other.claim(&b, links()));
            assert_eq!(urls(&again.unwrap().tasks), first);
            assert_eq!(urls(&too.unwrap().tasks), second);
        }
    }
}

/// A parent that is redelivered gets all of its links again. If it never is, a sweep finds them.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_parent_that_dies_between_claim_and_push_loses_nothing() {
    let tables = Tables::create().await;
    let clock = TestClock::at(1_000_000);
    let (pages, crawl) = site(&tables, &clock);
    let (dead, never) = (crawl.task("/dead"), crawl.task("/never"));
    let claimed = pages.claim(&dead, links(20)).await.unwrap().tasks;
    let lost = vec![link("/lost-1"), link("/lost-2")];
    pages.claim(&never, lost).await.unwrap();
    let redelivered = pages.claim(&dead, links(20)).await.unwrap().tasks;
    assert_eq!(urls(&redelivered), urls(&claimed));
    for task in &redelivered {
        pages.finish(task, indexed("x")).await.unwrap();
    }
    clock.forward(canter_aws::GRACE);
    let pushed = Pushed::default();
    let swept = pages.sweep(&pushed).await.unwrap();
    assert_eq!((swept.pushed, swept.counts.indexed), (2, 20));
    let found: Vec<String> = pushed
        .take()
        .iter()
        .map(|task| task.url.path().into())
        .collect();
    assert_eq!(found, ["/lost-1", "/lost-2"]);
}

/// A batch of writes is done, and each first answer is lost.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_claim_whose_answer_is_lost_is_ours() {
    let tables = Tables::create().await;
    let proxy = faults();
    let (pages, crawl) = behind(&tables, &proxy).await;
    let deep = Claim {
        skip: Some(Skip::TooDeep),
        ..link("/page-0")
    };
    pages.claim(&crawl.task("/far"), vec![deep]).await.unwrap();
    let lost = AtomicUsize::new(0);
    proxy.rule(move |asked| match operation(asked) {
        "UpdateItem" if lost.fetch_add(1, Ordering::SeqCst) < 10 => Turn::CutAfter,
        _ => Turn::Pass,
    });
    let tasks = pages
        .claim(&crawl.task("/parent"), links(10))
        .await
        .unwrap()
        .tasks;
    assert_eq!(urls(&tasks).len(), 10);
    let other = pages.claim(&crawl.task("/other"), links(10)).await;
    assert_eq!(other.unwrap().tasks, []);
    // So is the end of a page whose answer is lost.
    let lost = AtomicUsize::new(0);
    proxy.rule(move |_| match lost.fetch_add(1, Ordering::SeqCst) {
        0 => Turn::CutAfter,
        _ => Turn::Pass,
    });
    pages.finish(&tasks[0], indexed("x")).await.unwrap();
    assert_eq!(pages.counts().await.unwrap().indexed, 1);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_right_to_fetch_whose_answer_is_lost_is_ours() {
    let tables = Tables::create().await;
    let proxy = faults();
    let robots = CloudRobots::new(tables.through(proxy.url().to_string()).await);
    let lost = AtomicUsize::new(0);
    proxy.rule(move |asked| match operation(asked) {
        "UpdateItem" if lost.fetch_add(1, Ordering::SeqCst) == 0 => Turn::CutAfter,
        _ => Turn::Pass,
    });
    let load = async || robots.load("http://a.test:80", Moment(0), Moment(1)).await;
    assert_eq!(load().await, Ok(Loaded::Fetch));
    assert_eq!(load().await, Ok(Loaded::Busy));
}

/// Half of all requests are refused for a while: all is done in the end.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn throttling_that_ends_is_waited_for() {
    let tables = Tables::create().await;
    let proxy = faults();
    let (pages, crawl) = behind(&tables, &proxy).await;
    let (count, began) = (AtomicU64::new(0), Instant::now());
    proxy.rule(move |_| {
        let even = count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        if even && began.elapsed() < Duration::from_millis(1_500) {
            Turn::Answer(refusal("ProvisionedThroughputExceededException"))
        } else {
            Turn::Pass
        }
    });
    let tasks = pages
        .claim(&crawl.task("/parent"), links(60))
        .await
        .unwrap()
        .tasks;
    assert_eq!(urls(&tasks).len(), 60);
    assert!(pages.begin(&tasks[0]).await.unwrap().is_some());
    pages.finish(&tasks[0], indexed("x")).await.unwrap();
    let refused = proxy
        .seen()
        .iter()
        .filter(|seen| seen.status == Some(400))
        .count();
    assert!(refused >= 10, "{refused}");
}

/// A batch read that gives a part of what was asked for is asked for the rest.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn keys_that_a_busy_table_leaves_out_are_asked_for_again() {
    let tables = Tables::create().await;
    let proxy = faults();
    let (pages, crawl) = behind(&tables, &proxy).await;
    pages
        .claim(&crawl.task("/parent"), links(10))
        .await
        .unwrap();
    let first = AtomicUsize::new(0);
    proxy.rule(move |asked| match operation(asked) {
        "BatchGetItem" if first.fetch_add(1, Ordering::SeqCst) < 2 => {
            let asked: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
            let body = serde_json::json!({
                "Responses": {}, "UnprocessedKeys": asked["RequestItems"],
            });
            Turn::Answer(Reply::of(
                200,
                "application/x-amz-json-1.0",
                body.to_string(),
            ))
        }
        _ => Turn::Pass,
    });
    let other = pages.claim(&crawl.task("/other"), links(10)).await;
    assert_eq!(other.unwrap().tasks, []);
    let writes = proxy.seen();
    let writes = writes
        .iter()
        .filter(|seen| operation(&seen.asked) == "UpdateItem");
    assert_eq!(writes.count(), 10, "only those of the first claim");
}

/// A cheap read may be behind, and show rows as they were: here none at all.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn reads_that_are_behind_lose_nothing_and_win_nothing() {
    let tables = Tables::create().await;
    let proxy = faults();
    let (pages, crawl) = behind(&tables, &proxy).await;
    let (parent, other) = (crawl.task("/parent"), crawl.task("/other"));
    let tasks = pages.claim(&parent, links(3)).await.unwrap().tasks;
    pages.finish(&tasks[2], indexed("x")).await.unwrap();
    proxy.rule(|asked| {
        let body = String::from_utf8_lossy(&asked.body);
        let body = match operation(asked) {
            "GetItem" if !body.contains("\"ConsistentRead\":true") => "{}",
            "BatchGetItem" => r#"{"Responses":{},"UnprocessedKeys":{}}"#,
            _ => return Turn::Pass,
        };
        Turn::Answer(Reply::of(200, "application/x-amz-json-1.0", body))
    });
    assert!(pages.begin(&tasks[0]).await.unwrap().is_some());
    assert_eq!(pages.begin(&tasks[2]).await, Ok(None));
    assert_eq!(pages.claim(&other, links(3)).await.unwrap().tasks, []);
    let again = pages.claim(&parent, links(3)).await.unwrap().tasks;
    assert_eq!(urls(&again), urls(&tasks[..2]));
}

/// What DynamoDB says, and what a person is told to do about it.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn refusals_that_stay_are_told() {
    let tables = Tables::create().await;
    let rows = [
        (
            "ProvisionedThroughputExceededException",
            true,
            "raise its capacity",
        ),
        ("UnrecognizedClientException", false, "log in again"),
        ("InvalidSignatureException", false, "log in again"),
        (
            "ResourceNotFoundException",
            false,
            "is the stack deployed, in this region",
        ),
    ];
    let told = rows.map(|(code, passes, advice)| {
        let proxy = faults();
        proxy.rule(move |_| Turn::Answer(refusal(code)));
        let tables = &tables;
        async move {
            let (pages, crawl) = behind(tables, &proxy).await;
            let failed = pages
                .claim(&crawl.task("/parent"), links(3))
                .await
                .unwrap_err();
            assert_eq!(matches!(failed, Failure::Transient(_)), passes, "{failed}");
            assert!(failed.to_string().contains(advice), "{failed}");
            assert!(failed.to_string().contains("the table pages-"), "{failed}");
        }
    });
    let [a, b, c, d] = told;
    tokio::join!(a, b, c, d);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_table_that_is_missing_is_told() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    tables::delete(&tables).await.unwrap();
    let failed = pages.begin(&crawl.task("/a")).await.unwrap_err();
    assert!(matches!(failed, Failure::Permanent(_)), "{failed}");
    assert!(
        failed.to_string().contains("is the stack deployed"),
        "{failed}"
    );
    tables::create(&tables).await.unwrap();
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_server_that_is_not_there_is_told() {
    let tables = Tables::create().await;
    let nowhere = tables.through("http://127.0.0.1:9".into()).await;
    let (pages, crawl) = site(&nowhere, &TestClock::at(1_000_000));
    let failed = pages.begin(&crawl.task("/a")).await.unwrap_err();
    assert!(matches!(failed, Failure::Transient(_)), "{failed}");
    assert!(failed.to_string().contains("AWS_ENDPOINT_URL"), "{failed}");
}

/// What a site sends may be of any length: a row holds what it can.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn nothing_that_a_site_sends_is_too_large_for_a_row() {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let long = |kilobytes: usize| "\u{e9}x".repeat(kilobytes * 1_000 / 3);
    let parent = crawl.task(&format!("/parent-{}", "x".repeat(500_000)));
    let children = || {
        vec![
            link("/1"),
            link(&format!("/{}", "x".repeat(1_990))),
            link(&format!("/{}", "y".repeat(500_000))),
            Claim {
                skip: Some(Skip::LongUrl),
                ..link(&format!("/{}", "z".repeat(500_000)))
            },
        ]
    };
    for _ in 0..2 {
        let tasks = pages.claim(&parent, children()).await.unwrap().tasks;
        assert_eq!(tasks.len(), 2, "what no row can hold is not fetched");
    }
    let task = crawl.task("/1");
    let finish = Finish {
        outcome: Outcome::Failed { why: long(600) },
        known: Known {
            etag: Some(long(600)),
            last_modified: Some(long(600)),
            canonical: Some(url(&format!("/{}", "c".repeat(500_000)))),
            ..indexed("x").known
        },
        ..indexed("x")
    };
    pages.finish(&task, finish).await.unwrap();
    let counts = pages.counts().await.unwrap();
    assert_eq!((counts.failed, counts.skipped, counts.waiting), (1, 2, 1));
    let next = pages
        .claim(&crawl.newer().task("/a"), vec![link("/1")])
        .await
        .unwrap()
        .tasks;
    let known = pages.begin(&next[0]).await.unwrap().unwrap();
    let expect = Known {
        etag: None,
        last_modified: None,
        canonical: None,
        ..indexed("x").known
    };
    assert_eq!(known, expect);
}

/// Rules that no item holds are fetched by each worker for itself, and end no crawl.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_robots_txt_of_any_size_is_no_failure() {
    let tables = Tables::create().await;
    let robots = CloudRobots::new(tables.cloud.clone());
    // 500 KB of rules: of one letter, which pack well, and of noise, which do not.
    for (letters, kept) in [
        ("x", true),
        (
            "!\"'()+,-./:;<=>@[]^_`{|}~0123456789\
             ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            false,
        ),
    ] {
        let letters = letters.as_bytes();
        let noise = |_| char::from(letters[fastrand::usize(..letters.len())]);
        let line = |_| format!("Disallow:/{}\n", (0..2_000).map(noise).collect::<String>());
        let file = format!("User-agent:*\n{}", (0..254).map(line).collect::<String>());
        let policy = RobotsPolicy::Rules(Rules::parse(file.as_bytes(), "canter"));
        let authority = format!("http://{}.test:80", letters.len());
        let at = Moment(1);
        robots.save(&authority, &policy, at).await.unwrap();
        let loaded = robots.load(&authority, at, at).await.unwrap();
        let expect = match kept {
            true => Loaded::Policy(policy, at),
            false => Loaded::Fetch,
        };
        assert!(loaded == expect, "{authority}");
    }
}
