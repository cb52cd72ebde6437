//! The function as Lambda calls it: events of messages in, the ones that are to come again out.

mod refreshes;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use canter_aws::queue::{Errand, Message, ReceivedMessage, delete};
use canter_aws::{Bill, CrawlSpec, Crawling, Metrics, Rest, Steering};
use canter_engine::cloud::{Deadline, Parts, Worker};
use canter_fetch::Function;
use canter_http::{Clock, HttpFetcher};
use canter_tantivy::TantivyIndex;
use canter_tests::{Lines, Serving, Site};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::world::shelf::Shelf;
use crate::world::{Place, http, indexed, plenty, spec, within};

/// Longer than any of these tests.
const HIDDEN: Duration = Duration::from_secs(300);
const MAX_RECEIVES: u32 = 4;
/// When all messages were sent, Unix ms.
const SENT_MS: u64 = 1_767_225_600_000;

/// A site of four pages, a stack, and a process of the function.
struct Stage {
    place: Place,
    spec: CrawlSpec,
    index: Arc<Shelf>,
    site: Serving,
    /// What the functions measure.
    log: Lines,
    _folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let site = Site::new()
            .page("/", ["/1", "/2", "/3"])
            .page("/1", ["/2"])
            .page("/2", [])
            .page("/3", ["/1"])
            .start();
        let folder = tempfile::tempdir().unwrap();
        Stage {
            place: Place::create(HIDDEN).await,
            spec: spec(&site.url("/"), Some(50.0)),
            index: Arc::new(Shelf::new(Arc::new(
                TantivyIndex::open(folder.path()).unwrap(),
            ))),
            site,
            log: Lines::default(),
            _folder: folder,
        }
    }

    fn function(&self) -> Function<HttpFetcher, Shelf> {
        self.function_with(self.place.clock)
    }

    fn function_with(&self, clock: Clock) -> Function<HttpFetcher, Shelf> {
        let worker = Worker::new(Parts {
            cloud: self.place.cloud.clone(),
            index: Arc::clone(&self.index),
            page_by_page: true,
            clock,
            fetcher: Box::new(|spec| HttpFetcher::start(http(&spec.site))),
        });
        Function::new(
            Arc::new(worker.unwrap()),
            (MAX_RECEIVES, 0.5),
            Metrics::new("canter/docs".to_owned(), self.log.clone()),
            Instant::now(),
        )
    }

    fn steering(&self) -> Steering {
        let clock = self.place.clock;
        Steering::new(self.place.cloud.clone(), Arc::new(move || clock.now()))
    }

    async fn start(&self) -> Crawling {
        let started = self.steering().start(&self.spec, false, "shell").await;
        started.unwrap().1
    }

    fn id(&self) -> &str {
        &self.spec.site.id
    }

    async fn standing(&self) -> Crawling {
        self.place
            .sites()
            .load_now(self.id())
            .await
            .unwrap()
            .unwrap()
    }

    /// Calls the function with what is in both queues, until the crawl has ended.
    async fn to_the_end(&self, function: &Function<HttpFetcher, Shelf>) -> Crawling {
        let ended = async {
            loop {
                let standing = self.standing().await;
                if standing.ended_ms.is_some() {
                    return standing;
                }
                let (tasks, errands) = (self.place.receive().await, self.place.errands().await);
                if !tasks.is_empty() {
                    self.call(function, &tasks, &[]).await;
                    delete(&self.place.cloud, &tasks).await.unwrap();
                }
                if !errands.is_empty() {
                    self.call(function, &errands, &[]).await;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(Duration::from_secs(60), ended).await.unwrap()
    }

    /// Calls the function; those whose places are named are to come again.
    async fn call(
        &self,
        function: &Function<HttpFetcher, Shelf>,
        messages: &[ReceivedMessage],
        again: &[usize],
    ) {
        let response = function.handle(event(messages), plenty()).await;
        let failures: Vec<Value> = again
            .iter()
            .map(|place| json!({ "itemIdentifier": messages[*place].id }))
            .collect();
        let response = serde_json::to_value(&response).unwrap();
        assert_eq!(response, json!({ "batchItemFailures": failures }));
    }
}

/// Messages as Lambda's event source gives them.
fn event(messages: &[ReceivedMessage]) -> SqsEvent {
    let records = messages.iter().map(|message| {
        json!({
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": SENT_MS.to_string(),
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:tasks",
            "awsRegion": "us-east-1",
        })
    });
    serde_json::from_value(json!({ "Records": records.collect::<Vec<_>>() })).unwrap()
}

fn message(body: &str, receives: u32) -> ReceivedMessage {
    ReceivedMessage {
        id: format!("of {body}"),
        receipt: "none".into(),
        body: body.into(),
        receives,
        reason: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_crawl_goes_from_its_start_to_its_end() {
    let stage = Stage::set().await;
    let crawling = stage.start().await;
    let function = stage.function();
    let ended = stage.to_the_end(&function).await;
    let counts = ended.counts.unwrap();
    assert_eq!((counts.pages, counts.waiting), (4, 0), "{counts:?}");
    // Four pages, robots.txt: each of them asked for once.
    assert_eq!(ended.progress.requests, 5, "{:?}", ended.progress);
    assert_eq!((ended.progress.found, ended.progress.done), (4, 4));
    assert!(ended.progress.bytes > 0);
    let paths = ["/", "/1", "/2", "/3"].map(str::to_owned);
    let found = indexed(&stage.index.index, stage.id()).await;
    assert_eq!(found, BTreeSet::from(paths));
    assert_eq!(stage.place.errands().await, [], "the chain has ended");

    let bill = Bill::load(&stage.place.cloud, stage.id(), crawling.crawl);
    let bill = bill.await.unwrap();
    let sent = |who: &str, service: &str, operation: &str| {
        let mut lines = bill.lines.iter();
        let line = lines.find(|(line, _)| {
            (&*line.who, &*line.service, &*line.operation) == (who, service, operation)
        });
        line.map_or(0.0, |(_, taken)| taken.sent)
    };
    assert!(sent("shell", "DynamoDB", "UpdateItem") >= 4.0, "{bill:?}");
    assert!(sent("fetch", "DynamoDB", "UpdateItem") >= 8.0, "{bill:?}");
    assert!(sent("sweep", "DynamoDB", "Query") >= 32.0, "{bill:?}");
    assert!(sent("fetch", "SQS", "ReceiveMessage") >= 2.0, "{bill:?}");
    let processor = std::env::consts::ARCH.replace("aarch64", "arm64");
    assert!(sent("fetch", "Lambda", &processor) >= 1.0, "{bill:?}");
    assert!(bill.dollars() > 0.0);

    let measured = stage.log.take();
    let values = |name: &str| -> Vec<f64> {
        let of_site = measured.iter().filter(|line| line["Site"] == stage.id());
        of_site.filter_map(|line| line[name].as_f64()).collect()
    };
    assert_eq!(values("Pages").iter().sum::<f64>(), 4.0, "{measured:?}");
    assert_eq!(values("Requests").iter().sum::<f64>(), 5.0, "{measured:?}");
    assert!(values("RateLimit").iter().all(|limit| *limit == 50.0));
    assert_eq!(values("RateLimit").len(), values("Pages").len());
    // Of the tasks, not of the errands.
    let ages: Vec<f64> = measured
        .iter()
        .filter_map(|line| line["QueueAge"].as_f64())
        .collect();
    let age = (stage.place.clock.now().millis() - SENT_MS) as f64 / 1e3;
    assert_eq!(ages.len() as f64, sent("fetch", "Lambda", &processor));
    assert!(
        ages.iter().all(|it| (0.0..60.0).contains(&(age - it))),
        "{ages:?}"
    );
}

/// While the last tasks of a batch wait for their slots and end, the next ones begin.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_function_goes_on_with_what_its_tasks_have_found() {
    let stage = Stage::set().await;
    stage.start().await;
    let first = stage.place.receive().await;
    let misled = stage.place.misled().await;
    Errand::Refresh.send(&misled, Duration::ZERO).await.unwrap();
    stage.call(&stage.function(), &first, &[]).await;
    let visits: Vec<usize> = stage.site.log().pages().into_values().collect();
    assert_eq!(visits, [1, 1, 1, 1]);
    let dead = stage.place.dead_letters().await;
    assert_eq!(dead.len(), 1, "what is not ours is buried: {dead:?}");
    // Only Lambda deletes the messages of an event.
    let depth = canter_aws::queue::depth(&stage.place.cloud).await.unwrap();
    let left = (depth.visible, depth.in_flight, depth.delayed);
    assert_eq!(left, (0, 1, 0));
}

/// Messages that a function would only send back stay where they are.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_function_without_time_receives_nothing() {
    let stage = Stage::set().await;
    stage.start().await;
    let first = stage.place.receive().await;
    let soon = within(Duration::from_secs(4));
    stage.function().handle(event(&first), soon).await;
    assert!(stage.site.log().pages().len() <= 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_is_not_ours_is_buried_with_the_reason_and_takes_nobody_along() {
    let stage = Stage::set().await;
    stage.start().await;
    let mut messages = stage.place.receive().await;
    assert_eq!(messages.len(), 1);
    messages.push(message("no JSON", 1));
    messages.push(message("{\"canter\":1,\"errand\":\"dance\"}", 1));
    stage.call(&stage.function(), &messages, &[]).await;
    let dead = stage.place.dead_letters().await;
    let mut told: Vec<(String, String)> = dead
        .into_iter()
        .map(|message| (message.body, message.reason.unwrap()))
        .collect();
    told.sort();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].0, "no JSON");
    assert!(told[0].1.contains("not canter's"), "{told:?}");
    assert!(told[1].1.contains("broken"), "{told:?}");
    assert_eq!(stage.site.log().pages().get("/"), Some(&1));
}

/// The last receive is the last chance to say why.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_message_that_fails_for_the_last_time_is_buried() {
    let stage = Stage::set().await;
    stage.start().await;
    let mut messages = stage.place.receive().await;
    let mut message = Message::parse(&messages[0].body).unwrap();
    // A site that this canter cannot read: see the failure of `Sites::load`.
    message.delivery.outages = 20;
    messages[0].body = message.encode();
    stage.index.away.store(true, Ordering::SeqCst);
    messages[0].receives = MAX_RECEIVES - 1;
    stage.call(&stage.function(), &messages, &[0]).await;
    assert_eq!(stage.place.dead_letters().await, []);
    messages[0].receives = MAX_RECEIVES;
    stage.call(&stage.function(), &messages, &[]).await;
    let dead = stage.place.dead_letters().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].body, messages[0].body);
    let reason = dead[0].reason.as_deref().unwrap();
    assert_eq!(reason, "the index is away, 20 times");
}

/// No page is asked for that could not be put anywhere, and no receive is used up.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn nothing_is_fetched_while_the_index_is_away() {
    let stage = Stage::set().await;
    stage.start().await;
    let function = stage.function();
    stage.index.away.store(true, Ordering::SeqCst);
    let messages = stage.place.receive().await;
    stage.call(&function, &messages, &[]).await;
    assert_eq!(stage.site.log().pages().len(), 0);
    assert_eq!(stage.place.receive().await, [], "it waits for better times");
    stage.index.away.store(false, Ordering::SeqCst);
    let depth = canter_aws::queue::depth(&stage.place.cloud).await.unwrap();
    assert_eq!((depth.delayed, depth.visible), (1, 0), "{depth:?}");
    let counts = stage.place.pages(&stage.standing().await).counts().await;
    assert_eq!(counts.unwrap().waiting, 1);
}

/// An hour in the refrigerator: slots of the past would all be fired at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_process_that_was_frozen_goes_by_the_time_that_it_is() {
    let stage = Stage::set().await;
    stage.start().await;
    let hour = Duration::from_secs(3_600);
    let frozen = Clock::showing(Clock::start().now() - hour);
    let function = stage.function_with(frozen);
    let before = Clock::start().now();
    let ended = stage.to_the_end(&function).await;
    assert_eq!(ended.counts.unwrap().pages, 4);
    let ended = ended.ended_ms.unwrap();
    assert!(ended >= before.millis(), "{ended} is an hour ago");
}

/// A queue may deliver a message twice, and late.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_sweep_that_comes_twice_is_done_once() {
    let stage = Stage::set().await;
    stage.start().await;
    let function = stage.function();
    let wait = async {
        loop {
            let messages = stage.place.errands().await;
            if !messages.is_empty() {
                return messages;
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    let messages = timeout(Duration::from_secs(20), wait).await.unwrap();
    let chain = |message: &ReceivedMessage| match Errand::parse(&message.body).unwrap() {
        Errand::Sweep(sweep) => sweep.turn,
        other => panic!("nobody asked for {other:?}"),
    };
    for _ in 0..3 {
        stage.call(&function, &messages, &[]).await;
    }
    sleep(Duration::from_secs(3)).await;
    let next = stage.place.errands().await;
    assert_eq!(next.len(), 1, "{next:?}");
    assert_eq!(chain(&next[0]), chain(&messages[0]).next());
    // Somebody continues the crawl: his chain is the one that counts.
    let sites = stage.place.sites();
    let crawl = stage.standing().await.crawl;
    sites.rest(stage.id(), crawl, &Rest::Stopped).await.unwrap();
    let continued = stage.start().await;
    assert_eq!(continued.crawl, crawl);
    stage.call(&function, &next, &[]).await;
    sleep(Duration::from_secs(6)).await;
    let newest = stage.place.errands().await;
    assert_eq!(newest.len(), 1, "{newest:?}");
    assert_eq!(chain(&newest[0]).number, 1);
    assert_ne!(chain(&newest[0]).chain, chain(&next[0]).chain);
}

#[test]
fn a_function_stops_in_good_time() {
    for (left, begin, end) in [
        (60_000, 42_000, 57_000),
        (20_000, 12_667, 19_000),
        (600, 67, 100),
    ] {
        let now = Instant::now();
        let deadline = Deadline::before(Duration::from_millis(left));
        let ms = |at: Instant| (at - now).as_millis() as i64;
        assert!(
            (ms(deadline.end) - end).abs() < 50,
            "{left}: {}",
            ms(deadline.end)
        );
        assert!(
            (ms(deadline.begin) - begin).abs() < 50,
            "{left}: {}",
            ms(deadline.begin)
        );
    }
}
