//! Whole crawls through the real queue and the real tables.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use canter_http::Clock;
use canter_tantivy::TantivyIndex;
use canter_tests::{Answer, Serving, Site};

use crate::world::crawling::crawl;
use crate::world::{Place, embedded, indexed, spec};

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
#[ignore = "needs the servers of make test"]
async fn one_worker_ends_as_one_machine_does() {
    same_as_one_machine(1).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn four_workers_end_as_one_machine_does() {
    same_as_one_machine(4).await;
}

async fn same_as_one_machine(workers: usize) {
    let site = site();
    let spec = spec(&site.url("/"), Some(50.0));
    let folder = tempfile::tempdir().unwrap();
    let (expected, expected_pages) =
        embedded::crawl(&spec.site, folder.path(), Clock::start(), None).await;
    let expected_visits = site.log().pages();
    site.log().clear();

    let place = Place::create(Duration::from_secs(120)).await;
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let began = Instant::now();
    let counts = crawl(&place, &spec, &index, workers).await;
    assert_cheap(&place, counts.pages as f64, workers);
    let looks = place.requests("SQS", "GetQueueAttributes");
    assert!(looks <= began.elapsed().as_secs() + 2, "{looks} looks");
    assert_eq!(serde_json::to_value(&counts).unwrap(), expected);
    assert_eq!(indexed(&index, &spec.site.id).await, expected_pages);
    let visits = site.log().pages();
    assert_eq!(visits, expected_visits);
    let twice: BTreeMap<_, _> = visits.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let robots = site.log().of("/robots.txt").len();
    assert_eq!(robots, 1, "one worker asks for all");
    assert!(counts.pages as usize > PAGES, "{counts:?}");
}

/// What the design allows a page to take.
fn assert_cheap(place: &Place, pages: f64, workers: usize) {
    let lines = place.cloud.meter.lines();
    let writes: f64 = lines.values().map(|line| line.write_units).sum();
    let reads: f64 = lines.values().map(|line| line.read_units).sum();
    let sqs = ["SendMessageBatch", "DeleteMessageBatch"]
        .map(|operation| place.requests("SQS", operation) as f64);
    assert!(writes <= 3.0 * pages, "{writes} write units");
    assert!(reads <= 10.0 * pages, "{reads} read units");
    // Many workers at so small a site share each second's few links: its messages are small.
    assert!(
        workers > 1 || sqs.iter().sum::<f64>() <= 0.2 * pages,
        "{sqs:?}"
    );
}
