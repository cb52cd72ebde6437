//! The frontier is held to its contract on the real queue, and to its promises when that fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canter_aws::queue::{self, CloudFrontier, Delivery, Message, Outbox, OutboxOptions};
use canter_aws::{Cloud, CloudSite, Endpoints, Names};
use canter_core::failure::Failure;
use canter_core::ports::{Frontier, Pages};
use canter_core::task::Task;
use canter_tests::Stack;
use canter_tests::contract::{Both, Crawl, frontier, link};
use canter_tests::faults::{Asked, Faults, Reply, Turn};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::world::{Tables, TestClock, endpoints, site};

/// A queue beside two tables; it goes with the test.
struct Queue {
    cloud: Cloud,
    names: Names,
    faults: Faults,
    _tables: Tables,
}

impl Queue {
    async fn create() -> Self {
        let tables = Tables::create().await;
        let mut names = tables.names().clone();
        let name = format!("tasks-{}-{:x}", std::process::id(), fastrand::u64(..));
        let visibility = Duration::from_secs(60);
        names.queue = queue::create(&tables.cloud, &name, visibility)
            .await
            .unwrap();
        let faults = Faults::before(&Stack::find().aws_endpoint);
        let through = Endpoints {
            sqs: faults.url().to_string(),
            ..endpoints()
        };
        Queue {
            cloud: Cloud::connect_local(names.clone(), through).await,
            names,
            faults,
            _tables: tables,
        }
    }

    /// With messages of at most `most` tasks.
    fn outbox(&self, most: usize) -> Outbox {
        let options = OutboxOptions {
            clock: TestClock::at(1_000_000).clock(),
            most: Box::new(move |_| most),
        };
        Outbox::open(&self.cloud, options)
    }

    /// An outbox in which no push waits for others to share its messages.
    fn prompt_outbox(&self) -> Outbox {
        let outbox = self.outbox(50);
        let flushed = outbox.clone();
        tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(10)).await;
                flushed.flush();
            }
        });
        outbox
    }

    async fn messages(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let received = queue::receive(&self.cloud, Duration::ZERO).await.unwrap();
            if received.is_empty() {
                return messages;
            }
            queue::delete(&self.cloud, &received).await.unwrap();
            messages.extend(
                received
                    .iter()
                    .map(|message| Message::parse(&message.body).unwrap()),
            );
        }
    }

    async fn tasks(&self) -> Vec<Task> {
        let messages = self.messages().await.into_iter();
        messages.flat_map(|message| message.tasks).collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let names = self.names.clone();
        let removal = std::thread::spawn(|| {
            let remove = async {
                let cloud = Cloud::connect_local(names, endpoints()).await;
                queue::remove(&cloud).await
            };
            Runtime::new().map(|runtime| runtime.block_on(remove))
        });
        // A queue that stays behind, or is gone already, harms nobody.
        let _ = removal.join();
    }
}

fn both(queue: &Queue) -> (Both<CloudSite, CloudFrontier>, Crawl) {
    let clock = TestClock::at(1_000_000);
    let (pages, crawl) = site(&queue.cloud, &clock);
    let frontier = CloudFrontier::new(pages.clone(), queue.prompt_outbox(), clock.clock());
    (Both { pages, frontier }, crawl)
}

macro_rules! held_to {
    ($($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let queue = Queue::create().await;
            let (both, crawl) = both(&queue);
            let due = async || {
                let mut due = Vec::new();
                for task in queue.tasks().await {
                    if both.begin(&task).await.unwrap().is_some() {
                        due.push(task);
                    }
                }
                due
            };
            frontier::$name(&both, &crawl, due).await;
        })+
    };
}

held_to! {
    a_pushed_task_is_given_out_once
    pushing_twice_does_no_harm
    a_delay_is_kept
    attempts_are_kept
    what_has_ended_is_not_given_out
}

fn tasks(count: usize) -> Vec<Task> {
    let crawl = Crawl {
        site: "example.org".into(),
        crawl: 1_000,
    };
    (0..count)
        .map(|n| crawl.task(&format!("/{n:03}")))
        .collect()
}

fn sorted(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by(|one, other| one.url.cmp(&other.url));
    tasks
}

fn sends(asked: &Asked) -> bool {
    asked
        .header("x-amz-target")
        .is_some_and(|target| target.ends_with("SendMessageBatch"))
}

fn requests(queue: &Queue) -> usize {
    let seen = queue.faults.seen();
    seen.iter().filter(|seen| sends(&seen.asked)).count()
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn pushes_share_messages() {
    let queue = Queue::create().await;
    let outbox = queue.outbox(20);
    let all = tasks(30);
    let began = Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    for task in &all {
        let (outbox, task) = (outbox.clone(), task.clone());
        under_way.spawn(async move { outbox.send(vec![task], Delivery::default()).await });
    }
    while let Some(push) = under_way.join_next().await {
        push.unwrap().unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(requests(&queue), 1);
    let messages = queue.messages().await;
    let counts: BTreeSet<usize> = messages.iter().map(|message| message.tasks.len()).collect();
    assert_eq!(counts, BTreeSet::from([10, 20]));
}

/// Each refused message is in a request with others that succeed.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_not_taken_is_sent_again() {
    let queue = Queue::create().await;
    let asked = Arc::new(AtomicUsize::new(0));
    queue.faults.rule(move |request| {
        if !sends(request) || asked.fetch_add(1, Ordering::SeqCst) > 3 {
            return Turn::Pass;
        }
        half(request, false, "InternalError")
    });
    let all = tasks(25);
    queue
        .outbox(1)
        .send(all.clone(), Delivery::default())
        .await
        .unwrap();
    assert!(requests(&queue) > 3, "{}", requests(&queue));
    assert_eq!(sorted(queue.tasks().await), all, "once each");
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_will_never_be_taken_fails_its_own_push() {
    let queue = Queue::create().await;
    queue.faults.rule(|request| match sends(request) {
        true => half(request, true, "InvalidMessageContents"),
        false => Turn::Pass,
    });
    let outbox = queue.outbox(1);
    let all = tasks(2);
    let (good, bad) = tokio::join!(
        outbox.send(all[..1].to_vec(), Delivery::default()),
        outbox.send(all[1..].to_vec(), Delivery::default())
    );
    assert_eq!(good, Ok(()));
    let failure = bad.unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)), "{failure:?}");
    assert!(
        failure.to_string().contains("InvalidMessageContents"),
        "{failure}"
    );
    assert_eq!(requests(&queue), 1);
    assert_eq!(queue.tasks().await, all[..1]);
}

/// Lets every second message through; the others fail.
fn half(request: &Asked, fault: bool, code: &'static str) -> Turn {
    let mut body: Value = serde_json::from_slice(&request.body).unwrap();
    let entries = body["Entries"].as_array_mut().unwrap();
    let mut failed = Vec::new();
    let mut number = 0;
    entries.retain(|entry| {
        number += 1;
        if number % 2 == 0 {
            failed.push(json!({
                "Id": entry["Id"], "SenderFault": fault, "Code": code, "Message": "on purpose",
            }));
        }
        number % 2 == 1
    });
    Turn::Change {
        body: body.to_string().into_bytes(),
        answer: Box::new(move |reply| {
            let mut answer: Value = serde_json::from_slice(&reply.body).unwrap();
            answer["Failed"] = Value::Array(failed);
            Reply {
                body: answer.to_string().into_bytes(),
                ..reply
            }
        }),
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_busy_queue_is_waited_for_and_a_lost_answer_does_no_harm() {
    let queue = Queue::create().await;
    let asked = Arc::new(AtomicUsize::new(0));
    queue.faults.rule(move |request| match sends(request) {
        true => match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Turn::Answer(Reply::json(
                400,
                r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}"#,
            )),
            2 => Turn::Answer(Reply::json(503, "{}")),
            3 => Turn::CutAfter,
            _ => Turn::Pass,
        },
        false => Turn::Pass,
    });
    let all = tasks(3);
    queue
        .outbox(50)
        .send(all.clone(), Delivery::default())
        .await
        .unwrap();
    let mut given = sorted(queue.tasks().await);
    given.dedup();
    assert_eq!(given, all);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_queue_that_is_gone_is_said_to_be() {
    let queue = Queue::create().await;
    queue::remove(&queue.cloud).await.unwrap();
    let failure = queue
        .prompt_outbox()
        .send(tasks(1), Delivery::default())
        .await
        .unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)), "{failure:?}");
    assert!(
        failure
            .to_string()
            .contains("does not exist: is the stack deployed"),
        "{failure}"
    );
    let failure = queue::depth(&queue.cloud).await.unwrap_err();
    assert!(failure.to_string().contains("does not exist"), "{failure}");
}

/// A message that the queue cannot delay for long enough says when it is due.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_long_delay_is_in_the_message() {
    let queue = Queue::create().await;
    let now = TestClock::at(1_000_000).now();
    let due = now + Duration::from_millis(3_600_500);
    let outbox = queue.prompt_outbox();
    for (count, due) in [(2, due), (1, now + Duration::from_secs(2))] {
        let delivery = Delivery {
            due: Some(due),
            ..Delivery::default()
        };
        outbox.send(tasks(count), delivery).await.unwrap();
    }
    let sent: Vec<Value> = queue
        .faults
        .seen()
        .iter()
        .filter(|seen| sends(&seen.asked))
        .map(|seen| {
            serde_json::from_slice::<Value>(&seen.asked.body).unwrap()["Entries"][0].clone()
        })
        .collect();
    let message = |entry: &Value| Message::parse(entry["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(sent[0]["DelaySeconds"], 900);
    assert_eq!(
        message(&sent[0]).delivery.due.map(|due| due.millis()),
        Some(4_601_000)
    );
    assert_eq!(sent[1]["DelaySeconds"], 2);
    assert_eq!(message(&sent[1]).delivery.due, None);
    let depth = queue::depth(&queue.cloud).await.unwrap();
    assert_eq!((depth.visible, depth.in_flight, depth.delayed), (0, 0, 2));
}

/// Tasks of a sweep are noted already.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_note_is_made_once() {
    let queue = Queue::create().await;
    let clock = TestClock::at(1_000_000);
    let (pages, crawl) = site(&queue.cloud, &clock);
    let links = (0..20).map(|n| link(&format!("/{n}"))).collect();
    let parent = crawl.task("/a");
    let claimed = pages.claim(&parent, links).await.unwrap().tasks;
    let tried = |task: Task| Task {
        attempts: 1,
        ..task
    };
    let tried: Vec<Task> = claimed.into_iter().map(tried).collect();
    let notes = || {
        let lines = queue.cloud.meter.lines();
        lines[&("DynamoDB".to_owned(), "UpdateItem".to_owned())].sent as u64
    };
    let frontier = CloudFrontier::new(pages, queue.prompt_outbox(), clock.clock());
    let before = notes();
    let noted = frontier.clone().noted();
    noted.push(tried.clone(), Duration::ZERO).await.unwrap();
    assert_eq!(notes() - before, 0);
    frontier.push(tried, Duration::ZERO).await.unwrap();
    assert_eq!(notes() - before, 20);
    assert_eq!(queue.tasks().await.len(), 40);
}
