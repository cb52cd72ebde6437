//! Whole crawls through the real queue and the real tables.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]
#![expect(
    clippy::print_stdout,
    reason = "figures are for a person, who asks with --nocapture"
)]

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use canter_aws::Plan;
use canter_embedded::index::TantivyIndex;
use canter_fetch::local;
use canter_tests::{Answer, Serving, Site};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use world::{Place, embedded, indexed, plan};

const PAGES: usize = 130;

/// Some 150 URLs: a web of pages, redirects, copies, dead links, a rule against some, a sitemap.
fn site() -> Serving {
    let mut site = Site::web(PAGES).robots("User-agent: *\nDisallow: /private\nSitemap: /map.xml");
    let links = [
        "/old",
        "/older",
        "/copy/1",
        "/copy/2",
        "/gone",
        "/missing",
        "/private/1",
        "/private/2",
        "/p/0",
        "/picture",
        "/silent",
        "/loop/1",
    ];
    site = site
        .page("/", links)
        .redirect("/older", "/old")
        .redirect("/old", "/new")
        .page("/new", ["/p/1"])
        .answer("/copy/1", Answer::page("Copy", ["/p/2"]))
        .answer("/copy/2", Answer::page("Copy", ["/p/2"]))
        .answer("/gone", Answer::status(410))
        .answer(
            "/picture",
            Answer::status(200)
                .header("content-type", "image/png")
                .body("no markup"),
        )
        .answer(
            "/silent",
            Answer::html("<meta name=robots content=noindex><a href=/p/3>three</a>"),
        )
        .redirect("/loop/1", "/loop/2")
        .redirect("/loop/2", "/loop/1");
    let listed: Vec<String> = (0..9).map(|n| format!("/listed/{n}")).collect();
    for path in &listed {
        site = site.page(path, ["/p/4"]);
    }
    let serving = site.start();
    let entries = listed
        .iter()
        .map(|path| format!("<url><loc>{}</loc></url>", serving.url(path)));
    let map = format!("<urlset>{}</urlset>", entries.collect::<String>());
    serving.set(
        "/map.xml",
        Answer::status(200)
            .header("content-type", "text/xml")
            .body(map),
    );
    let robots = format!(
        "User-agent: *\nDisallow: /private\nSitemap: {}",
        serving.url("/map.xml")
    );
    serving.set("/robots.txt", Answer::text(&robots));
    serving
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_ends_as_one_machine_does() {
    same_as_one_machine(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_end_as_one_machine_does() {
    same_as_one_machine(4).await;
}

async fn same_as_one_machine(workers: usize) {
    let site = site();
    let plan = plan(&site.url("/"), Some(50.0));
    let folder = tempfile::tempdir().unwrap();
    let (expected, expected_pages) = embedded::crawl(&plan.site, folder.path()).await;
    let expected_visits = site.log().pages();
    site.log().clear();

    let place = Place::create(Duration::from_secs(120)).await;
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let counts = crawl(&place, &plan, &index, workers).await;
    print_account(&place, counts.pages);
    assert_cheap(&place, counts.pages as f64);
    assert_eq!(serde_json::to_value(&counts).unwrap(), expected);
    assert_eq!(indexed(&index, &plan.site.id).await, expected_pages);
    let visits = site.log().pages();
    assert_eq!(visits, expected_visits);
    let twice: BTreeMap<_, _> = visits.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let robots = site.log().of("/robots.txt").len();
    assert_eq!(robots, 1, "one worker asks for all");
    assert!(counts.pages as usize > PAGES, "{counts:?}");
}

/// Crawls a site with so many workers at once.
async fn crawl(
    place: &Place,
    plan: &Plan,
    index: &Arc<TantivyIndex>,
    workers: usize,
) -> canter_aws::Counts {
    let crawling = place.begin(plan).await;
    let (stop, stopped) = watch::channel(false);
    let mut polling = JoinSet::new();
    for _ in 0..workers {
        let worker = place.worker(index);
        let stopped = stopped.clone();
        polling.spawn(async move {
            let mut failed = Vec::new();
            local::poll(worker, stopped, |report| {
                failed.extend(report.failed.clone())
            })
            .await
            .unwrap();
            failed
        });
    }
    let ending = place.worker(index);
    let end = local::end(&ending, &crawling);
    let counts = timeout(Duration::from_secs(300), end)
        .await
        .unwrap()
        .unwrap();
    stop.send_replace(true);
    while let Some(failed) = polling.join_next().await {
        assert_eq!(failed.unwrap(), []);
    }
    counts
}

/// Prints what a crawl of any site takes, page by page:
/// `CANTER_MEASURE="URL RPS WORKERS" cargo test -p canter-fetch --test crawl -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is a measurement, of a site that is served elsewhere"]
async fn measurement() {
    let asked = std::env::var("CANTER_MEASURE").unwrap();
    let mut words = asked.split(' ');
    let mut next = || words.next().unwrap();
    let (url, rate, workers) = (next(), next().parse().unwrap(), next().parse().unwrap());
    let plan = plan(url, Some(rate));
    let place = Place::create(Duration::from_secs(120)).await;
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let began = Instant::now();
    let counts = crawl(&place, &plan, &index, workers).await;
    println!("{counts:?} in {:?}", began.elapsed());
    print_account(&place, counts.pages);
}

/// What the design allows a page to take.
fn assert_cheap(place: &Place, pages: f64) {
    let lines = place.cloud.account.lines();
    let writes: f64 = lines.values().map(|line| line.write_units).sum();
    let reads: f64 = lines.values().map(|line| line.read_units).sum();
    let sqs = ["SendMessageBatch", "DeleteMessageBatch"]
        .map(|operation| place.requests("SQS", operation).sent as f64);
    assert!(writes <= 3.0 * pages, "{writes} write units");
    assert!(reads <= 10.0 * pages, "{reads} read units");
    assert!(sqs.iter().sum::<f64>() <= 0.2 * pages, "{sqs:?}");
}

/// What the crawl took, with `--nocapture`.
fn print_account(place: &Place, pages: u64) {
    let mut reads = 0.0;
    let mut writes = 0.0;
    for ((service, operation), line) in place.cloud.account.lines() {
        reads += line.read_units;
        writes += line.write_units;
        println!(
            "{service:9} {operation:20} {:6} {:.3} a page, {:.3} read, {:.3} write units",
            line.sent,
            line.sent as f64 / pages as f64,
            line.read_units / pages as f64,
            line.write_units / pages as f64,
        );
    }
    println!(
        "{pages} pages: {:.2} read, {:.2} write units each",
        reads / pages as f64,
        writes / pages as f64
    );
}
