//! The pace over many workers: never more requests in any sliding second than the rate, and most of
//! the rate delivered. Each worker is a process with a connection to DynamoDB, a gate and a fetcher of
//! its own, so that these tests are a program of their own too: nothing else may take the machine.
//!
//! Safety is always asserted, by the times at which the workers start requests. Arrivals at the site
//! depend on the machine too: when it stalls, requests are seen later than they were sent, and slots
//! are lost. So a row that fails by the site's log is run again, twice at most. If the machine stalls
//! in the last one, the limit is asserted for requests within half a second, and half of the share is
//! enough.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures")]

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use canter_aws::{Cloud, CloudPaces, Endpoints, Names, tables};
use canter_core::domain::authority;
use canter_core::pace::{Pace, Rate, Tolerance};
use canter_core::ports::{Approach, Boxed, FetchError, Fetcher, Gate, Headers, Request};
use canter_core::time::Moment;
use canter_http::{Clock, HttpConfig, HttpFetcher, PacedGate};
use canter_tests::faults::{Faults, Turn};
use canter_tests::log::most_in_a_second;
use canter_tests::places::Places;
use canter_tests::stack::Stack;
use canter_tests::{Answer, Serving, Site};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use url::Url;

static MACHINE: Places = Places::new(1);

/// Environment variable with the [`Work`] of a worker's process.
const WORKER: &str = "CANTER_TEST_PACE_WORKER";

#[derive(Clone, Serialize, Deserialize)]
struct Work {
    /// Part of the tables' names.
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

/// What a worker said: when it started requests, since the Unix epoch, and at its end, unless it was
/// killed.
struct Said {
    starts: Vec<Duration>,
    told: Option<Told>,
}

/// A worker's gate. Prints each start by the right time, before the request goes out.
struct PrintingGate {
    gate: PacedGate<CloudPaces>,
    skew_ms: i64,
}

impl Gate for PrintingGate {
    fn near(&self, lead: Duration) -> Boxed<'_, Result<Approach, FetchError>> {
        self.gate.near(lead)
    }

    fn slot(&self) -> Boxed<'_, Result<Moment, FetchError>> {
        Box::pin(async {
            let start = self.gate.slot().await?;
            println!("start {}", shifted(start, -self.skew_ms).0);
            Ok(start)
        })
    }
}

fn shifted(moment: Moment, ms: i64) -> Moment {
    let span = Duration::from_millis(ms.unsigned_abs());
    if ms < 0 { moment - span } else { moment + span }
}

/// The process of a worker, which runs this test by itself. Does nothing without the variable.
#[test]
fn worker() {
    let Ok(work) = std::env::var(WORKER) else {
        return;
    };
    let work: Work = serde_json::from_str(&work).unwrap();
    // The line so far is the test harness's.
    println!();
    let told = Runtime::new().unwrap().block_on(crawl(work));
    println!("told {}", serde_json::to_string(&told).unwrap());
}

/// Asks for pages, a few at a time, as long as it may.
async fn crawl(work: Work) -> Told {
    let cloud = connect(&work.tables, &work.dynamodb).await;
    let clock = clock(work.skew_ms);
    let tolerance = Tolerance::SHARED;
    let pace = Pace::new(Rate::new(work.rps).unwrap(), tolerance);
    let paces = Arc::new(CloudPaces::new(cloud.clone()));
    let gate = PacedGate::new(paces, "site.test", Some(pace), tolerance, clock);
    let fetcher = HttpFetcher::start(HttpConfig {
        user_agent: "test".into(),
        private: [authority(&work.site)].into(),
    });
    let fetcher = Arc::new(fetcher.unwrap());
    let printing = Arc::new(PrintingGate {
        gate: gate.clone(),
        skew_ms: work.skew_ms,
    });
    let number = Arc::new(AtomicUsize::new(0));
    let tasks = (0..4).map(|_| {
        let (gate, fetcher) = (Arc::clone(&printing), Arc::clone(&fetcher));
        let number = Arc::clone(&number);
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
                match fetcher.fetch(request, gate.clone()).await {
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

/// A clock that is wrong by this and no more: it is not set while the machine stalls.
fn clock(skew_ms: i64) -> Clock {
    loop {
        let began = Instant::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let clock = Clock::showing(shifted(Moment(0) + wall, skew_ms));
        if began.elapsed() < Duration::from_millis(1) {
            return clock;
        }
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
fn said(mut worker: Child) -> Said {
    let mut said = String::new();
    let mut stdout = worker.stdout.take().unwrap();
    stdout.read_to_string(&mut said).unwrap();
    worker.wait().unwrap();
    let starts = said.lines().filter_map(|line| line.strip_prefix("start "));
    let told = said.lines().find_map(|line| line.strip_prefix("told "));
    Said {
        starts: starts
            .map(|start| Duration::from_nanos(start.parse().unwrap()))
            .collect(),
        told: told.map(|told| serde_json::from_str(told).unwrap()),
    }
}

/// Asserts that in no sliding second more than `limit` requests were started.
#[track_caller]
fn assert_paced(said: &[Said], limit: usize) {
    let starts = said.iter().flat_map(|said| &said.starts);
    let mut starts: Vec<Duration> = starts.copied().collect();
    starts.sort_unstable();
    let most = most_in_a_second(&starts);
    assert!(most <= limit, "{most} started in a second");
}

fn site() -> Serving {
    let page = |_: &canter_tests::Visit| Answer::page("page", []);
    Site::new().otherwise(page).watched().start()
}

/// Workers on a site of their own, with tables of their own.
struct Stage {
    tables: String,
    site: Serving,
    /// Makes DynamoDB slow.
    proxy: Option<Faults>,
}

impl Stage {
    fn set(delay: Duration) -> Self {
        let tables = format!("paces-{}-{:x}", std::process::id(), fastrand::u64(..));
        let proxy = (!delay.is_zero()).then(|| {
            let proxy = Faults::before(&Stack::find().dynamodb_endpoint);
            proxy.rule(move |_| Turn::Late(delay));
            proxy
        });
        on_tables(&tables, async |cloud| tables::create(cloud).await.unwrap());
        let site = site();
        Stage {
            tables,
            site,
            proxy,
        }
    }

    fn work(&self, rps: f64, seconds: u64) -> Work {
        let proxy = self.proxy.as_ref().map(Faults::url);
        let dynamodb = proxy.unwrap_or_else(|| Stack::find().dynamodb_endpoint);
        Work {
            tables: self.tables.clone(),
            dynamodb: dynamodb.to_string(),
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

    /// Runs `attempt` until it keeps its promise, three times at most. The last run is to keep what a
    /// machine that stalls can show.
    fn play(delay: Duration, attempt: impl Fn(&Stage, bool) -> Result<(), String>) {
        for last in [false, false, true] {
            let stage = Stage::set(delay);
            let Err(why) = attempt(&stage, last) else {
                return;
            };
            assert!(!last, "{why}");
            eprintln!("{why}: once more");
        }
    }

    /// The most requests in a second by the site's log. In the last run on a machine that stalled,
    /// those that surely were in one second.
    fn most(&self, last: bool) -> usize {
        match last {
            true => self.site.log().surely_in_a_second(),
            false => self.site.log().most_in_a_second(),
        }
    }

    /// The share of the rate that has to be delivered.
    fn share(&self, share: f64, last: bool) -> f64 {
        if last && self.site.log().stalls() > 0 {
            share / 2.0
        } else {
            share
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Tables that stay behind harm nobody.
        on_tables(&self.tables, async |cloud| {
            drop(tables::delete(cloud).await)
        });
    }
}

fn on_tables(tables: &str, act: impl AsyncFnOnce(&Cloud)) {
    Runtime::new().unwrap().block_on(async {
        let dynamodb = Stack::find().dynamodb_endpoint.to_string();
        act(&connect(tables, &dynamodb).await).await;
    });
}

async fn connect(tables: &str, dynamodb: &str) -> Cloud {
    let names = Names {
        pages: format!("{tables}-pages"),
        state: format!("{tables}-state"),
        bucket: "no bucket is asked".into(),
        queue: "no queue is asked".into(),
        errands: String::new(),
        dead_letters: String::new(),
    };
    let aws = Stack::find().aws_endpoint.to_string();
    let endpoints = Endpoints {
        dynamodb: dynamodb.to_owned(),
        s3: aws.clone(),
        sqs: aws,
    };
    Cloud::connect_local(names, endpoints).await
}

/// The time in which workers start, and meet.
const START: Duration = Duration::from_secs(3);

/// Runs a worker for each of `skews`, with at most `limit` requests in any second.
fn row(rps: u32, seconds: u64, skews: &[i64], limit: u32, delay: Duration, share: f64) {
    let _alone = MACHINE.take();
    Stage::play(delay, |stage, last| {
        let workers = skews.iter().map(|&skew_ms| {
            let work = stage.work(f64::from(rps), seconds);
            start(&Work { skew_ms, ..work })
        });
        let workers: Vec<Child> = workers.collect();
        let said: Vec<Said> = workers.into_iter().map(said).collect();
        assert_paced(&said, limit as usize);
        let (requests, writes, reads) = said.iter().fold((0, 0, 0), |sum, said| {
            let Told {
                requests,
                writes,
                reads,
            } = said.told.unwrap();
            assert!(said.starts.len() as u64 >= requests, "every start is told");
            (sum.0 + requests, sum.1 + writes, sum.2 + reads)
        });
        let all = stage.times(Duration::ZERO);
        let settled = stage.times(all[0] + START);
        let most = stage.most(last);
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
        if delivered < stage.share(share, last) {
            return Err(format!("{:.1} % of {rps}", delivered * 100.0));
        }
        Ok(())
    });
}

macro_rules! rows {
    ($($name:ident: $workers:literal workers, $rps:literal rps, $seconds:literal s;)+) => {
        $(#[test] #[ignore = "needs the servers of make test"] fn $name() {
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
#[ignore = "needs the servers of make test"]
fn an_answer_of_dynamodb_takes_150_ms() {
    row(20, 7, &[0; 4], 20, Duration::from_millis(150), 0.7);
}

/// `N * (1 + D)` at most, whenever they hear of each other.
#[test]
#[ignore = "needs the servers of make test"]
fn clocks_that_are_50_ms_wrong() {
    row(10, 9, &[-50, 50, 0, 20], 11, Duration::ZERO, 0.8);
}

#[test]
#[ignore = "needs the servers of make test"]
fn clocks_that_are_200_ms_wrong() {
    row(10, 10, &[-200, 200, 50, -50], 14, Duration::ZERO, 0.8);
}

#[test]
#[ignore = "needs the servers of make test"]
fn workers_that_are_killed_and_replaced() {
    let _alone = MACHINE.take();
    Stage::play(Duration::ZERO, |stage, last| {
        let work = stage.work(20.0, 60);
        let mut workers: Vec<Child> = (0..5).map(|_| start(&work)).collect();
        let mut told = Vec::new();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(8) {
            sleep(Duration::from_millis(fastrand::u64(200..1200)));
            let which = fastrand::usize(..workers.len());
            let mut killed = std::mem::replace(&mut workers[which], start(&work));
            killed.kill().unwrap();
            told.push(said(killed));
        }
        for mut worker in workers {
            worker.kill().unwrap();
            told.push(said(worker));
        }
        assert_paced(&told, 20);
        let times = stage.times(Duration::ZERO);
        let most = stage.most(last);
        eprintln!(
            "killed: at most {most} in a second, {} in 8 s at 20",
            times.len()
        );
        // A killed worker loses the slots of about a second, and its successor listens first.
        if most > 20 || (times.len() as f64) < stage.share(24.0, last) {
            return Err(format!("{most} in a second, {} in all", times.len()));
        }
        Ok(())
    });
}
