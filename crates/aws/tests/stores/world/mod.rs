//! A pair of tables of a test's own in the DynamoDB of the running stack; they go with the test.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each file of tests uses its part"
)]

use std::ops::Deref;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use canter_aws::{Clock, Cloud, CloudSite, Endpoints, Names, Usage, tables};
use canter_core::failure::Failure;
use canter_core::ports::Frontier;
use canter_core::task::Task;
use canter_core::time::Moment;
use canter_tests::contract::Crawl;
use canter_tests::stack::Stack;
use tokio::runtime::Runtime;

static TABLES: AtomicU64 = AtomicU64::new(0);

/// Two tables, connected.
pub(crate) struct Tables {
    pub(crate) cloud: Cloud,
    pub(crate) names: Names,
}

impl Tables {
    /// Makes them.
    pub(crate) async fn create() -> Self {
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let now = UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = |kind| format!("{kind}-{}-{number}-{now:x}", process::id());
        let names = Names {
            pages: name("pages"),
            state: name("state"),
            bucket: "no bucket is asked".into(),
            queue: "no queue is asked".into(),
            errands: String::new(),
            dead_letters: String::new(),
        };
        let cloud = Cloud::connect_local(names.clone(), endpoints()).await;
        tables::create(&cloud).await.unwrap();
        Tables { cloud, names }
    }

    /// What they are called.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// A connection of its own to the same tables, by another URL of DynamoDB.
    pub(crate) async fn through(&self, dynamodb: String) -> Cloud {
        let endpoints = Endpoints {
            dynamodb,
            ..endpoints()
        };
        Cloud::connect_local(self.names.clone(), endpoints).await
    }

    /// Number of requests so far for an operation of DynamoDB.
    pub(crate) fn requests(&self, operation: &str) -> u64 {
        self.usage(operation).sent as u64
    }

    /// The usage of an operation of DynamoDB so far.
    pub(crate) fn usage(&self, operation: &str) -> Usage {
        let lines = self.cloud.meter.lines();
        let line = lines.get(&("DynamoDB".to_owned(), operation.to_owned()));
        line.copied().unwrap_or_default()
    }
}

impl Deref for Tables {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        &self.cloud
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        let names = self.names.clone();
        let deletes = std::thread::spawn(|| {
            let delete = async {
                let cloud = Cloud::connect_local(names, endpoints()).await;
                tables::delete(&cloud).await
            };
            Runtime::new().map(|runtime| runtime.block_on(delete))
        });
        // A table that stays behind harms nobody.
        let _ = deletes.join();
    }
}

pub(crate) fn endpoints() -> Endpoints {
    let stack = Stack::find();
    Endpoints {
        dynamodb: stack.dynamodb_endpoint.to_string(),
        s3: stack.aws_endpoint.to_string(),
        sqs: stack.aws_endpoint.to_string(),
    }
}

/// A clock that a test moves.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn at(millis: u64) -> Self {
        let clock = TestClock::default();
        clock.forward(Duration::from_millis(millis));
        clock
    }

    pub(crate) fn forward(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap();
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// The crawl that tests are in, and the rows of its site.
pub(crate) fn site(cloud: &Cloud, clock: &TestClock) -> (CloudSite, Crawl) {
    let crawl = Crawl {
        site: "example.org".into(),
        crawl: 1_000,
    };
    let site = CloudSite::new(cloud.clone(), &crawl.site, crawl.crawl, clock.clock());
    (site, crawl)
}

/// A frontier that keeps what it is given.
#[derive(Debug, Default)]
pub(crate) struct Pushed(Mutex<Vec<Task>>);

impl Pushed {
    /// What was given since the last call, by URL.
    pub(crate) fn take(&self) -> Vec<Task> {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap());
        tasks.sort_by(|one, other| one.url.cmp(&other.url));
        tasks
    }
}

impl Frontier for Pushed {
    async fn push(&self, tasks: Vec<Task>, _: Duration) -> Result<(), Failure> {
        self.0.lock().unwrap().extend(tasks);
        Ok(())
    }
}
