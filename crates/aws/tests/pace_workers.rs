//! The pace over many workers, by the log of the site that they share: never more requests in any
//! sliding second than the rate, and most of the rate delivered. Each worker is a process with a
//! connection to DynamoDB, a gate and a fetcher of its own.
//!
//! One at a time, and a row is run again only when it failed on a machine that stalled: as in the
//! command line's tests of the pace, and for the same reasons.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures")]

mod state;

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use canter_aws::CloudPaces;
use canter_core::domain::authority;
use canter_core::pace::{Pace, Rate, Tolerance};
use canter_core::ports::{FetchError, Fetcher, Headers, Request};
use canter_core::time::Moment;
use canter_http::{Clock, HttpConfig, HttpFetcher, PacedGate};
use canter_tests::log::most_in_a_second;
use canter_tests::{Answer, Serving, Site};
use serde::{Deserialize, Serialize};
use state::{Door, State};
use tokio::runtime::Runtime;
use url::Url;

static MACHINE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is told to a worker's process, in this variable.
const WORKER: &str = "CANTER_TEST_PACE_WORKER";

#[derive(Clone, Serialize, Deserialize)]
struct Work {
    tables: String,
    dynamodb: String,
    site: Url,
    rps: f64,
    /// How wrong its clock is.
    skew_ms: i64,
    seconds: u64,
}

/// What a worker says at its end.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Told {
    requests: u64,
    writes: u64,
    reads: u64,
}

/// A worker's process: this file again, as its environment says. Nothing, where it says nothing.
#[test]
fn worker() {
    let Ok(work) = std::env::var(WORKER) else {
        return;
    };
    let work: Work = serde_json::from_str(&work).unwrap();
    let told = Runtime::new().unwrap().block_on(crawl(work));
    println!("\ntold {}", serde_json::to_string(&told).unwrap());
}

/// Asks for pages, a few at a time, as long as it may.
async fn crawl(work: Work) -> Told {
    let cloud = state::connect(&work.tables, &work.dynamodb).await;
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let skew = Duration::from_millis(work.skew_ms.unsigned_abs());
    let right = Moment(0) + wall;
    let clock = Clock::showing(if work.skew_ms < 0 {
        right - skew
    } else {
        right + skew
    });
    let tolerance = Tolerance::SHARED;
    let pace = Pace::new(Rate::new(work.rps).unwrap(), tolerance);
    let paces = Arc::new(CloudPaces::new(cloud.clone()));
    let gate = PacedGate::new(paces, "site.test", Some(pace), tolerance, clock);
    let fetcher = HttpFetcher::start(HttpConfig {
        user_agent: "test".into(),
        private: [authority(&work.site)].into(),
    });
    let fetcher = Arc::new(fetcher.unwrap());
    let number = Arc::new(AtomicUsize::new(0));
    let tasks = (0..4).map(|_| {
        let (gate, fetcher, number) = (gate.clone(), Arc::clone(&fetcher), Arc::clone(&number));
        let site = work.site.clone();
        tokio::spawn(async move {
            loop {
                let page = number.fetch_add(1, Ordering::Relaxed);
                let request = Request {
                    url: site
                        .join(&format!("/{}/{page}", std::process::id()))
                        .unwrap(),
                    headers: Headers::default(),
                    max_bytes: 10_000,
                    timeout: Duration::from_secs(5),
                    wants_body: |_| true,
                };
                match fetcher.fetch(request, Arc::new(gate.clone())).await {
                    Err(FetchError::Closed) => return,
                    answer => assert_eq!(answer.unwrap().head.status, 200),
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    tokio::time::sleep(Duration::from_secs(work.seconds)).await;
    gate.close();
    for task in tasks {
        task.await.unwrap();
    }
    let lines = cloud.meter.lines();
    let sent = |operation: &str| {
        let line = lines.get(&("DynamoDB".to_owned(), operation.to_owned()));
        line.map_or(0, |line| line.sent as u64)
    };
    Told {
        requests: gate.tally().started,
        writes: sent("UpdateItem"),
        reads: sent("GetItem"),
    }
}

fn start(work: &Work) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["worker", "--exact", "--nocapture", "--test-threads=1"])
        .env(WORKER, serde_json::to_string(work).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Waits for a worker's end, and reads what it said.
fn told(mut worker: Child) -> Told {
    let mut said = String::new();
    let mut stdout = worker.stdout.take().unwrap();
    stdout.read_to_string(&mut said).unwrap();
    let told = said.lines().find_map(|line| line.strip_prefix("told "));
    let told = told.and_then(|told| serde_json::from_str(told).ok());
    assert!(worker.wait().unwrap().success());
    told.unwrap()
}

fn site() -> Serving {
    let page = |_: &canter_tests::Visit| Answer::page("page", []);
    Site::new().otherwise(page).watched().start()
}

/// Workers on a site of their own, by the door.
struct Stage {
    state: State,
    site: Serving,
    door: Option<Door>,
}

impl Stage {
    fn set(delay: Duration) -> Self {
        let state = Runtime::new().unwrap().block_on(State::create());
        let door = (!delay.is_zero()).then(|| Door::to(&state::endpoint(), delay));
        let site = site();
        Stage { state, site, door }
    }

    fn work(&self, rps: f64, seconds: u64) -> Work {
        let door = self.door.as_ref().map(|door| door.url.clone());
        Work {
            tables: self.state.name.clone(),
            dynamodb: door.unwrap_or_else(state::endpoint),
            site: Url::parse(&self.site.url("/")).unwrap(),
            rps,
            skew_ms: 0,
            seconds,
        }
    }

    /// Times of the requests after `from`.
    fn times(&self, from: Duration) -> Vec<Duration> {
        let visits = self.site.log().all();
        let times = visits.iter().map(|visit| visit.at);
        times.filter(|&at| at >= from).collect()
    }

    /// Runs `attempt` until it keeps its promise, or breaks it on a machine that did not stall.
    fn play(delay: Duration, attempt: impl Fn(&Stage) -> Result<(), String>) {
        for last in [false, false, true] {
            let stage = Stage::set(delay);
            let Err(why) = attempt(&stage) else {
                return;
            };
            let stalls = stage.site.log().stalls();
            assert!(!last && stalls > 0, "{why}");
            eprintln!("{why}; the machine stalled {stalls} times: once more");
        }
    }
}

/// The time in which workers start, and meet.
const START: Duration = Duration::from_secs(3);

/// `skews` has a worker for each; `limit` is the most that may be seen in any second.
fn row(rps: u32, seconds: u64, skews: &[i64], limit: u32, delay: Duration, share: f64) {
    let _alone = alone();
    Stage::play(delay, |stage| {
        let workers = skews.iter().map(|&skew_ms| {
            let work = stage.work(f64::from(rps), seconds);
            start(&Work { skew_ms, ..work })
        });
        let workers: Vec<Child> = workers.collect();
        let told: Vec<Told> = workers.into_iter().map(told).collect();
        let (requests, writes, reads) = told.iter().fold((0, 0, 0), |sum, told| {
            let Told {
                requests,
                writes,
                reads,
            } = *told;
            (sum.0 + requests, sum.1 + writes, sum.2 + reads)
        });
        let all = stage.times(Duration::ZERO);
        let settled = stage.times(all[0] + START);
        let most = most_in_a_second(&all);
        let span = settled[settled.len() - 1] - settled[0];
        let delivered = (settled.len() - 1) as f64 / span.as_secs_f64() / f64::from(rps);
        eprintln!(
            "{} workers at {rps}: {:.1} % delivered, at most {most} in a second, for \
             each request {:.2} writes and {:.2} reads; {} stalls",
            skews.len(),
            delivered * 100.0,
            writes as f64 / requests as f64,
            reads as f64 / requests as f64,
            stage.site.log().stalls(),
        );
        if most > limit as usize {
            return Err(format!("{most} in a second at {rps}"));
        }
        if delivered < share {
            return Err(format!("{:.1} % of {rps}", delivered * 100.0));
        }
        Ok(())
    });
}

macro_rules! rows {
    ($($name:ident: $workers:literal workers, $rps:literal rps, $seconds:literal s;)+) => {
        $(#[test] fn $name() {
            row($rps, $seconds, &[0; $workers], $rps, Duration::ZERO, 0.9);
        })+
    };
}

rows! {
    one_worker_at_ten: 1 workers, 10 rps, 7 s;
    one_worker_at_fifty: 1 workers, 50 rps, 6 s;
    four_workers_at_ten: 4 workers, 10 rps, 10 s;
    four_workers_at_fifty: 4 workers, 50 rps, 8 s;
    twenty_workers_at_ten: 20 workers, 10 rps, 10 s;
    twenty_workers_at_fifty: 20 workers, 50 rps, 9 s;
}

#[test]
fn an_answer_of_dynamodb_takes_150_ms() {
    row(20, 7, &[0; 4], 20, Duration::from_millis(150), 0.7);
}

/// `N * (1 + D)` at most, whenever they hear of each other.
#[test]
fn clocks_that_are_50_ms_wrong() {
    row(10, 9, &[-50, 50, 0, 20], 11, Duration::ZERO, 0.8);
}

#[test]
fn clocks_that_are_200_ms_wrong() {
    row(10, 10, &[-200, 200, 50, -50], 14, Duration::ZERO, 0.8);
}

#[test]
fn workers_that_are_killed_and_replaced() {
    let _alone = alone();
    Stage::play(Duration::ZERO, |stage| {
        let work = stage.work(20.0, 60);
        let mut workers: Vec<Child> = (0..5).map(|_| start(&work)).collect();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(8) {
            sleep(Duration::from_millis(fastrand::u64(200..1200)));
            let which = fastrand::usize(..workers.len());
            let mut killed = std::mem::replace(&mut workers[which], start(&work));
            killed.kill().unwrap();
            killed.wait().unwrap();
        }
        for mut worker in workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        let times = stage.times(Duration::ZERO);
        let most = most_in_a_second(&times);
        eprintln!(
            "killed: at most {most} in a second, {} in 8 s at 20",
            times.len()
        );
        // Whoever is killed takes the slots of about a second with him, and who comes listens first.
        if most > 20 || times.len() < 24 {
            return Err(format!("{most} in a second, {} in all", times.len()));
        }
        Ok(())
    });
}
