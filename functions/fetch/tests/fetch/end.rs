//! The end of a crawl: when it is one, and what is left alone when it is none.

use std::sync::Arc;
use std::time::Duration;

use canter_aws::queue::{self, Delivery};
use canter_aws::{CrawlSpec, Crawling, Rest};
use canter_engine::cloud::look::{Ending, Looks};
use canter_tantivy::TantivyIndex;
use canter_tests::{Answer, Serving, Site};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::world::event_source;
use crate::world::{Place, TestWorker, indexed, spec, task};

/// Longer than any of these tests.
const HIDDEN: Duration = Duration::from_secs(300);

const LOOKS: Looks = Looks {
    between: Duration::from_millis(500),
    apart: Duration::from_secs(2),
    lag: Duration::from_secs(60),
    quiet: Duration::from_secs(60),
    pass: Duration::from_secs(60),
    portion: Duration::from_secs(3600),
    first: Duration::from_secs(3600),
};
/// Requests of a sweep of few rows, one for each shard.
const SWEEP: u64 = 16;

/// A site, of three pages unless a test has its own, and its crawls.
struct Stage {
    place: Place,
    spec: CrawlSpec,
    index: Arc<TantivyIndex>,
    worker: TestWorker,
    _site: Serving,
    _folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let site = Site::new()
            .page("/", ["/1", "/2"])
            .page("/1", [])
            .page("/2", []);
        Stage::over(site.start()).await
    }

    async fn over(site: Serving) -> Self {
        let place = Place::create(HIDDEN).await;
        let folder = tempfile::tempdir().unwrap();
        let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
        Stage {
            spec: spec(&site.url("/"), None),
            worker: place.worker(&index),
            place,
            index,
            _site: site,
            _folder: folder,
        }
    }

    /// Works on what comes, and waits for the end meanwhile.
    async fn end(&self, crawling: &Crawling) -> Ending {
        self.end_in(crawling, LOOKS).await
    }

    async fn end_in(&self, crawling: &Crawling, looks: Looks) -> Ending {
        let work = async {
            loop {
                let messages = self.place.receive().await;
                let report = event_source::work(&self.worker, &messages).await.unwrap();
                assert_eq!(report.failed, []);
                sleep(Duration::from_millis(50)).await;
            }
        };
        let end = event_source::end(&self.worker, crawling, looks);
        let end = async {
            tokio::select! {
                end = end => end.unwrap(),
                () = work => panic!("it works on"),
            }
        };
        timeout(Duration::from_secs(60), end).await.unwrap()
    }

    /// What the queue held is lost.
    async fn lose_all(&self) {
        let messages = self.place.receive().await;
        queue::delete(&self.place.cloud, &messages).await.unwrap();
    }
}

/// A refresh whose filler died has no open row yet, and every page is of the crawl before.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_crawl_whose_filler_died_is_filled_before_it_ends() {
    let stage = Stage::set().await;
    let first = stage.place.begin(&stage.spec).await;
    assert!(matches!(stage.end(&first).await, Ending::Ended(counts) if counts.pages == 3));
    let id = &stage.spec.site.id;
    let pages = indexed(&stage.index, id).await;
    assert_eq!(pages.len(), 3);
    let second = stage.place.begin_unfilled(&stage.spec).await;
    assert_eq!(stage.end(&first).await, Ending::Superseded);
    let ending = stage.end(&second).await;
    assert!(
        matches!(&ending, Ending::Ended(counts) if counts.pages == 3),
        "{ending:?}"
    );
    assert_eq!(indexed(&stage.index, id).await, pages);
    assert_eq!(stage.end(&second).await, Ending::EndedElsewhere);
}

/// Its open tasks wait for whoever lets it go on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_crawl_that_rests_does_not_end() {
    let stage = Stage::set().await;
    let crawling = stage.place.begin(&stage.spec).await;
    let (id, sites) = (&stage.spec.site.id, stage.place.sites());
    stage.lose_all().await;
    let stopped = sites.rest(id, crawling.crawl, &Rest::Stopped).await;
    assert_eq!(stopped, Ok(true));
    let ending = stage.end(&crawling).await;
    assert_eq!(ending, Ending::Resting(Rest::Stopped));
    let standing = sites.load_now(id).await.unwrap().unwrap();
    assert_eq!(
        (standing.ended_ms, standing.rest),
        (None, Some(Rest::Stopped))
    );
    let counts = stage.place.pages(&crawling).counts().await.unwrap();
    assert_eq!((counts.waiting, counts.failed), (1, 0));
    let on = stage.place.begin(&stage.spec).await;
    assert_eq!(on.crawl, crawling.crawl);
    assert!(matches!(stage.end(&on).await, Ending::Ended(counts) if counts.pages == 3));
}

/// People search a crawl that rests, and are to find each page once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_crawl_that_rests_has_its_duplicates_folded() {
    let site = Site::new()
        .page("/", ["/twin", "/twin/index.html"])
        .answer("/twin", Answer::html("<p>One and the same"))
        .answer("/twin/index.html", Answer::html("<p>One and the same"))
        .start();
    let stage = Stage::over(site).await;
    let crawling = stage.place.begin(&stage.spec).await;
    let id = &stage.spec.site.id;
    let every_page = async {
        while indexed(&stage.index, id).await.len() < 3 {
            let messages = stage.place.receive().await;
            event_source::work(&stage.worker, &messages).await.unwrap();
        }
    };
    timeout(Duration::from_secs(60), every_page).await.unwrap();
    let sites = stage.place.sites();
    let stopped = sites.rest(id, crawling.crawl, &Rest::Stopped).await;
    assert_eq!(stopped, Ok(true));
    assert_eq!(stage.end(&crawling).await, Ending::Resting(Rest::Stopped));
    let folded = indexed(&stage.index, id).await;
    assert_eq!(folded.len(), 2);
    assert!(!folded.iter().any(|url| url.ends_with("index.html")));
    let counts = stage.place.pages(&crawling).counts().await.unwrap();
    assert_eq!((counts.indexed, counts.duplicates), (2, 1));
}

/// A task that is not due yet is no reason to read all rows again and again; that the queue is in
/// use is one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn sweeps_wait_for_what_is_due() {
    let stage = Stage::set().await;
    let crawling = stage.place.begin(&stage.spec).await;
    stage.lose_all().await;
    let asked = |service, operation| stage.place.requests(service, operation);
    let (sweeps, looks) = (
        asked("DynamoDB", "Query"),
        asked("SQS", "GetQueueAttributes"),
    );
    let end = event_source::end(&stage.worker, &crawling, LOOKS);
    assert!(timeout(Duration::from_secs(5), end).await.is_err());
    assert_eq!(asked("DynamoDB", "Query") - sweeps, SWEEP);
    let looks = asked("SQS", "GetQueueAttributes") - looks;
    assert!((5..=12).contains(&looks), "{looks}");

    let seed = task(&crawling, stage.spec.site.seeds[0].as_str());
    let outbox = stage.place.outbox();
    outbox.send(vec![seed], Delivery::default()).await.unwrap();
    let began = Instant::now();
    assert!(matches!(stage.end(&crawling).await, Ending::Ended(counts) if counts.pages == 3));
    assert!(began.elapsed() > LOOKS.apart, "{:?}", began.elapsed());
}
