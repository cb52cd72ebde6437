//! What the index shows after a crawl: a refresh that saw an outage changes nothing, and what was
//! lost or interrupted is made up for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use canter_aws::queue::Errand;
use canter_aws::{Beginning, CloudRobots, CrawlSpec, Crawling, Steering};
use canter_core::domain::authority;
use canter_core::ports::{IndexReader, IndexWriter, Loaded, Robots};
use canter_core::publish::{PublishedPages, Rows, UNCOUNTED};
use canter_core::robots::RobotsPolicy;
use canter_core::scope::{Options, Scope};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_embedded::index::TantivyIndex;
use canter_engine::cloud::look::{Ending, Looks};
use canter_engine::cloud::{Parts, Worker};
use canter_fetch::Function;
use canter_http::HttpFetcher;
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
            clock: self.place.clock,
            fetcher: Box::new(|spec| HttpFetcher::start(http(&spec.site))),
        });
        let function = Function::new(Arc::new(worker.unwrap()), (4, 0.5), Instant::now());
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

async fn is_held(answer: impl Fn(&str) -> Answer, reason: &str) -> Stage {
    let stage = Stage::set(51).await;
    let first = stage.crawl().await;
    assert_eq!(stage.shown().await, stage.paths);
    let changes = first.changes.unwrap();
    assert_eq!((changes.new.count, first.held), (51, None));
    stage.answer(answer);
    let refresh = stage.crawl().await;
    let held = refresh.held.unwrap();
    assert_eq!((held.lost, held.of), (50, 51), "{held:?}");
    assert!(held.reason.contains(reason), "{held:?}");
    assert_eq!(held.examples.len(), 10);
    assert!(refresh.ended_ms.is_some());
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.says("Original").await, 50);
    stage
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_page_that_excuses_itself_replaces_nothing() {
    let sorry = |path: &str| {
        let token = UrlKey::hash(path.as_bytes());
        Answer::html(format!(
            "<title>Back soon</title><main><p>We are working on this site, and it will be back in \
             some minutes. Please come again later, or write to us if you cannot wait until then. \
             Your request has the number {token}.</main>"
        ))
    };
    let stage = is_held(sorry, "the same").await;
    // The site is back.
    stage.answer(|path| Answer::html(text(path)));
    let back = stage.crawl().await;
    assert_eq!(back.held, None);
    assert!(back.changes.unwrap().is_empty());
    assert_eq!(stage.says("Original").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_template_that_names_the_start_page_everywhere_folds_nothing() {
    let canonical = |path: &str| Answer::html(format!("<link rel=canonical href=/>{}", text(path)));
    is_held(canonical, "canonical").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_is_held_is_published_on_an_errand() {
    let noindex =
        |path: &str| Answer::html(format!("<meta name=robots content=noindex>{}", text(path)));
    let stage = is_held(noindex, "not to be indexed").await;
    let visits = stage.site.log().all().len();
    let sent = stage.steering().publish(&stage.spec.site.id).await;
    assert!(matches!(sent, Ok(Some((_, true)))), "{sent:?}");
    stage.run_errand().await;
    assert_eq!(stage.shown().await, BTreeSet::from(["/".to_owned()]));
    let standing = stage.standing().await;
    assert_eq!(standing.held, None);
    assert_eq!(standing.changes.unwrap().withdrawn.count, 50);
    assert_eq!(stage.site.log().all().len(), visits);
    assert_eq!(stage.place.errands().await, []);
}

/// Answers that say nothing of the pages, or may be a mistake, take nothing out and hold nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_says_nothing_of_the_pages_takes_nothing_out() {
    type Outage = (&'static str, fn(&str) -> Answer);
    let outages: [Outage; 6] = [
        ("a redirect to an apology", |_| {
            Answer::status(302).header("Location", "/sorry")
        }),
        ("a redirect to a login", |path| {
            Answer::status(302).header("Location", &format!("/login?next={path}"))
        }),
        ("an error of the server", |_| Answer::status(500)),
        ("403 for all", |_| Answer::status(403)),
        ("half of the pages missing", |path| match path.len() {
            2 => Answer::html(text(path)),
            _ => Answer::status(404),
        }),
        ("a robots.txt that disallows all", |path| {
            Answer::html(text(path))
        }),
    ];
    for (name, answer) in outages {
        let stage = Stage::set(51).await;
        stage.crawl().await;
        for path in ["/sorry", "/login"] {
            let sorry = "<title>Sorry</title><p>Come again later.";
            stage.site.set(path, Answer::html(sorry));
        }
        if name.starts_with("a robots.txt") {
            let nobody = "User-agent: *\nDisallow: /\n";
            stage.site.set("/robots.txt", Answer::text(nobody));
            stage.forget_robots().await;
        }
        stage.answer(answer);
        let refresh = stage.crawl().await;
        assert_eq!(refresh.held, None, "{name}");
        let shown = stage.shown().await;
        assert!(stage.paths.is_subset(&shown), "{name}: {shown:?}");
        assert_eq!(stage.says("Original").await, 50, "{name}");
    }
}

/// Pages without a text of their own hold the refresh.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn empty_pages_and_those_of_a_parked_domain_replace_nothing() {
    is_held(|_| Answer::html(""), "the same").await;
    let parked = "<title>For sale</title><p>This name is for sale. Ask for its price.";
    is_held(|_| Answer::html(parked), "the same").await;
}

/// Only its user knows that a crawl goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn nothing_is_sent_while_a_crawl_goes_on() {
    let stage = Stage::set(2).await;
    stage.place.begin(&stage.spec).await;
    let (steering, id) = (stage.steering(), &stage.spec.site.id);
    for sent in [steering.publish(id).await, steering.reindex(id).await] {
        assert!(matches!(sent, Ok(Some((_, false)))), "{sent:?}");
    }
    assert!(matches!(steering.publish("unknown").await, Ok(None)));
    assert_eq!(stage.place.errands().await, []);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn an_index_that_was_lost_is_filled_again() {
    let mut stage = Stage::set(51).await;
    stage.crawl().await;
    // By the next crawl, whose pages have not changed.
    let empty = TantivyIndex::open(&stage.folder.path().join("second")).unwrap();
    stage.index = Arc::new(Shelf::new(Arc::new(empty)));
    let refresh = stage.crawl().await;
    assert_eq!(refresh.counts.unwrap().unchanged, 51);
    assert_eq!(stage.shown().await, stage.paths);
    // And by an errand, without a request to the site.
    let visits = stage.site.log().all().len();
    let empty = TantivyIndex::open(&stage.folder.path().join("third")).unwrap();
    stage.index = Arc::new(Shelf::new(Arc::new(empty)));
    let sent = stage.steering().reindex(&stage.spec.site.id).await;
    assert!(matches!(sent, Ok(Some((_, true)))), "{sent:?}");
    stage.run_errand().await;
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.site.log().all().len(), visits);
}

/// A refresh of an unchanged site writes nothing into the index.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn an_unchanged_site_is_written_once() {
    let stage = Stage::set(51).await;
    stage.crawl().await;
    let versions = stage.index.versions(&stage.spec.site.id).await;
    stage.index.answers.store(0, Ordering::SeqCst);
    let refresh = stage.crawl().await;
    assert!(refresh.changes.unwrap().is_empty());
    let after = stage.index.versions(&stage.spec.site.id).await;
    assert_eq!(after, versions);
}

/// A refresh that takes long is published while it goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_long_refresh_is_published_in_portions() {
    let stage = Stage::set(51).await;
    stage.crawl().await;
    let slow = Duration::from_secs(8);
    let changed = |path: &str| Answer::html(text(path).replace("Original", "Revised"));
    for path in ["/1", "/2", "/3"] {
        stage.site.set(path, changed(path));
    }
    stage.site.set("/50", changed("/50").after(slow));
    let looks = Looks {
        portion: Duration::from_millis(500),
        ..LOOKS
    };
    let crawling = stage.place.begin(&stage.spec).await;
    let seen = async {
        while stage.says("Revised").await < 3 {
            sleep(Duration::from_millis(100)).await;
        }
        assert!(stage.standing().await.ended_ms.is_none());
        assert_eq!(stage.says("Original").await, 47);
    };
    tokio::join!(stage.end_in(&crawling, looks), seen);
    assert_eq!(stage.says("Revised").await, 4);
    assert_eq!(stage.standing().await.changes.unwrap().changed.count, 4);
}

/// More than ten pages are lost, and no more than a tenth of them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_twentieth_renamed_and_a_twentieth_removed_are_published() {
    let stage = Stage::set(240).await;
    stage.crawl().await;
    for number in 1..=12 {
        let (old, new) = (format!("/{number}"), format!("/new/{number}"));
        stage.site.set(&old, Answer::redirect(&new));
        stage.site.set(&new, Answer::html(text(&old)));
        let removed = format!("/{}", number + 12);
        stage.site.set(&removed, Answer::status(410));
    }
    let refresh = stage.crawl().await;
    assert_eq!(refresh.held, None);
    let changes = refresh.changes.unwrap();
    let counts = (
        changes.moved.count,
        changes.new.count,
        changes.removed.count,
    );
    assert_eq!(counts, (12, 12, 12), "{changes:?}");
    let shown = stage.shown().await;
    assert_eq!(shown.len(), 240 - 12);
    assert!(shown.contains("/new/1") && !shown.contains("/1") && !shown.contains("/13"));
}

/// The seed had redirected, and does not answer when the scope is changed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_changed_scope_keeps_the_pages_to_which_the_seed_had_moved() {
    let mut stage = Stage::set(5).await;
    let site = Site::new()
        .answer("/old/", Answer::redirect("/docs/"))
        .page("/docs/", ["/docs/a", "/docs/x/b"])
        .page("/docs/a", [])
        .page("/docs/x/b", [])
        .start();
    stage.spec = spec(&site.url("/old/"), None);
    stage.site = site;
    stage.crawl().await;
    assert_eq!(stage.shown().await.len(), 3);
    stage.site.set("/old/", Answer::status(500));
    let options = Options {
        exclude: vec!["/docs/x/**".into()],
        ..Options::default()
    };
    let crawled = &mut stage.spec.site;
    crawled.scope = Scope::new(&crawled.seeds, options).unwrap();
    let sites = stage.place.sites();
    let (beginning, crawling) = sites.begin(&stage.spec, true).await.unwrap();
    assert_eq!(beginning, Beginning::ChangedScope);
    stage.end(&crawling).await;
    let expected = ["/docs/", "/docs/a"].map(str::to_owned);
    assert_eq!(stage.shown().await, BTreeSet::from(expected));
}

/// A function that dies while it publishes leaves the rest to the next look.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_publishing_that_was_cut_off_is_continued() {
    const PAGES: usize = 200;
    let stage = Stage::set(PAGES).await;
    let crawling = stage.place.begin(&stage.spec).await;
    let (worker, pages) = (stage.worker(), stage.place.pages(&crawling));
    let work = async {
        while pages.counts().await.unwrap().indexed < PAGES as u64 {
            let messages = stage.place.receive().await;
            let report = event_source::work(&worker, &messages).await.unwrap();
            assert_eq!(report.failed, []);
        }
    };
    timeout(Duration::from_secs(120), work).await.unwrap();
    // The first crawl shows its pages before its end, without their links.
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.uncounted(&crawling).await, PAGES);

    stage.index.answers.store(2, Ordering::SeqCst);
    let doomed = stage.worker();
    let (id, crawl) = (stage.spec.site.id.clone(), crawling.clone());
    let killed =
        tokio::spawn(async move { event_source::end(&doomed, &crawl, LOOKS).await.map(drop) });
    let hangs = async {
        while stage.index.answers.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), hangs).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    killed.abort();
    assert!(killed.await.is_err());
    assert!(stage.standing().await.ended_ms.is_none());
    stage.index.answers.store(usize::MAX, Ordering::SeqCst);
    stage.index.flush().await.unwrap();

    stage.end(&crawling).await;
    assert_eq!(stage.shown().await, stage.paths);
    assert_eq!(stage.uncounted(&crawling).await, 0);
    // The rows say of each page which write the index holds.
    let rows = pages.rows(Rows::All).await.unwrap();
    let writes = rows.iter().map(|row| {
        let id = canter_core::document::document_id(&id, &row.url);
        (id, row.published.as_ref().unwrap().write)
    });
    let writes: BTreeSet<_> = writes.collect();
    let held = stage.index.versions(&stage.spec.site.id).await.unwrap();
    assert_eq!(BTreeSet::from_iter(held), writes);
}

/// A crawl whose pages are not read in time ends without their links, and the next one makes up for
/// it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_site_that_is_too_large_for_a_function_is_shown_without_links() {
    let stage = Stage::set(51).await;
    let hurried = Looks {
        pass: Duration::ZERO,
        ..LOOKS
    };
    for (looks, uncounted) in [(hurried, 51), (LOOKS, 0), (hurried, 0)] {
        let crawling = stage.place.begin(&stage.spec).await;
        stage.end_in(&crawling, looks).await;
        assert_eq!(stage.shown().await, stage.paths);
        assert_eq!(stage.uncounted(&crawling).await, uncounted, "{looks:?}");
    }
}

/// The bodies that steering sends are what the function reads.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_errand_of_a_person_names_its_site() {
    let stage = Stage::set(1).await;
    stage.crawl().await;
    let id = &stage.spec.site.id;
    stage.steering().publish(id).await.unwrap();
    stage.steering().reindex(id).await.unwrap();
    let errands = stage.place.errands().await.into_iter();
    let mut errands: Vec<_> = errands.map(|it| Errand::parse(&it.body).unwrap()).collect();
    errands.sort_by_key(|errand| matches!(errand, Errand::Reindex { .. }));
    let site = || id.clone();
    let expect = [
        Errand::Publish {
            site: site(),
            in_vain: 0,
        },
        Errand::Reindex {
            site: site(),
            in_vain: 0,
        },
    ];
    assert_eq!(errands, expect);
}
