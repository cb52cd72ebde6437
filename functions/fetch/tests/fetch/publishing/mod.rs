//! What the index shows after a crawl: a refresh that saw an outage changes nothing, and what was
//! lost or interrupted is made up for.

mod interrupted;
mod outages;
mod refreshes;
mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use canter_aws::{CloudRobots, CrawlSpec, Crawling, Metrics, Steering};
use canter_core::domain::authority;
use canter_core::ports::{IndexReader, Loaded, Robots};
use canter_core::publish::{PublishedPages, Rows, UNCOUNTED};
use canter_core::robots::RobotsPolicy;
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_engine::cloud::look::{Ending, Looks};
use canter_engine::cloud::{Parts, Worker};
use canter_fetch::Function;
use canter_http::HttpFetcher;
use canter_tantivy::TantivyIndex;
use canter_tests::{Answer, Serving, Site};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::world::shelf::Shelf;
use crate::world::{Place, event_source, http, indexed, plenty, spec};

const LOOKS: Looks = Looks {
    between: Duration::from_millis(200),
    apart: Duration::from_secs(1),
    lag: Duration::from_secs(60),
    quiet: Duration::from_secs(60),
    pass: Duration::from_secs(60),
    portion: Duration::from_secs(3600),
    first: Duration::from_secs(3600),
};

type StageWorker = Arc<Worker<HttpFetcher, Shelf>>;

/// A site of a start page and pages that it links to, and its crawls.
struct Stage {
    place: Place,
    spec: CrawlSpec,
    index: Arc<Shelf>,
    site: Serving,
    paths: BTreeSet<String>,
    folder: TempDir,
}

impl Stage {
    async fn set(pages: usize) -> Self {
        let paths: Vec<String> = (1..pages).map(|n| format!("/{n}")).collect();
        let mut site = Site::new().page("/", paths.iter().map(String::as_str));
        for path in &paths {
            site = site.answer(path, Answer::html(text(path)));
        }
        let site = site.start();
        let folder = tempfile::tempdir().unwrap();
        let index = TantivyIndex::open(&folder.path().join("first")).unwrap();
        Stage {
            place: Place::create(Duration::from_secs(300)).await,
            spec: spec(&site.url("/"), None),
            index: Arc::new(Shelf::new(Arc::new(index))),
            site,
            paths: paths.into_iter().chain(["/".into()]).collect(),
            folder,
        }
    }

    fn worker(&self) -> StageWorker {
        self.place
            .worker_over(self.place.cloud.clone(), &self.index)
    }

    /// Gives all pages but the first other answers.
    fn answer(&self, answer: impl Fn(&str) -> Answer) {
        for path in self.paths.iter().filter(|path| *path != "/") {
            self.site.set(path, answer(path));
        }
    }

    /// Crawls the site to its end.
    async fn crawl(&self) -> Crawling {
        let crawling = self.place.begin(&self.spec).await;
        self.end(&crawling).await;
        self.standing().await
    }

    async fn end(&self, crawling: &Crawling) {
        self.end_in(crawling, LOOKS).await;
    }

    async fn end_in(&self, crawling: &Crawling, looks: Looks) {
        let worker = self.worker();
        let work = async {
            loop {
                let messages = self.place.receive().await;
                let report = event_source::work(&worker, &messages).await.unwrap();
                assert_eq!(report.failed, []);
                sleep(Duration::from_millis(50)).await;
            }
        };
        let end = async {
            tokio::select! {
                end = event_source::end(&worker, crawling, looks) => end.unwrap(),
                () = work => panic!("it works on"),
            }
        };
        let ending = timeout(Duration::from_secs(120), end).await.unwrap();
        assert!(matches!(ending, Ending::Ended(_)), "{ending:?}");
    }

    /// Makes the known robots.txt too old.
    async fn forget_robots(&self) {
        let robots = CloudRobots::new(self.place.cloud.clone());
        let authority = authority(&self.spec.site.seeds[0]);
        let saved = robots.load(&authority, Moment(0), self.place.clock.now());
        let Loaded::Policy(_, fetched) = saved.await.unwrap() else {
            panic!("there is none");
        };
        // As if its clock had been ahead.
        let ahead = fetched + Duration::from_secs(1_000_000);
        robots
            .save(&authority, &RobotsPolicy::AllowAll, ahead)
            .await
            .unwrap();
    }

    async fn standing(&self) -> Crawling {
        let sites = self.place.sites();
        sites.load_now(&self.spec.site.id).await.unwrap().unwrap()
    }

    async fn shown(&self) -> BTreeSet<String> {
        indexed(&self.index.index, &self.spec.site.id).await
    }

    /// Texts of the index, by path.
    async fn says(&self, word: &str) -> usize {
        let mut found = 0;
        let each = |stored: canter_core::document::Stored| {
            found += usize::from(stored.text.contains(word));
            Ok(())
        };
        let export = self.index.index.export(&self.spec.site.id, each);
        export.await.unwrap();
        found
    }

    /// Has an errand of a person run, as the function gets it.
    async fn run_errand(&self) {
        let worker = Worker::new(Parts {
            cloud: self.place.cloud.clone(),
            index: Arc::clone(&self.index),
            page_by_page: true,
            clock: self.place.clock,
            fetcher: Box::new(|spec| HttpFetcher::start(http(&spec.site))),
        });
        let metrics = Metrics::new("canter/docs".to_owned(), std::io::sink());
        let worker = Arc::new(worker.unwrap());
        let function = Function::new(worker, (4, 0.5), metrics, Instant::now());
        let errands = self.place.errands().await;
        assert_eq!(errands.len(), 1, "{errands:?}");
        let records = errands.iter().map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:errands",
                "awsRegion": "us-east-1",
            })
        });
        let event = json!({ "Records": records.collect::<Vec<_>>() });
        let event: SqsEvent = serde_json::from_value(event).unwrap();
        let response = function.handle(event, plenty()).await;
        assert_eq!(response.batch_item_failures.len(), 0);
    }

    /// Number of pages that are shown without their links.
    async fn uncounted(&self, crawling: &Crawling) -> usize {
        let rows = self.place.pages(crawling).rows(Rows::All).await.unwrap();
        let published = rows.iter().map(|row| row.published.as_ref().unwrap());
        published.filter(|it| it.inlinks == UNCOUNTED).count()
    }

    fn steering(&self) -> Steering {
        let clock = self.place.clock;
        Steering::new(self.place.cloud.clone(), Arc::new(move || clock.now()))
    }
}

/// A page with words of its own.
fn text(path: &str) -> String {
    let words: String = (0..20)
        .map(|n| format!("{} ", UrlKey::hash(format!("{path} {n}").as_bytes())))
        .collect();
    format!("<title>{path}</title><main><p>Original {words}<a href=/>home</a></main>")
}
