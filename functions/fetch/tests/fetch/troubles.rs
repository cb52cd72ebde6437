//! Troubles that are no fault of the pages: what they may take, and what not.

use std::sync::Arc;
use std::time::Duration;

use canter_aws::queue::{Message, ReceivedMessage};
use canter_aws::{CloudPaces, CloudRobots, Crawling, Rest, Sites};
use canter_core::document::{Document, Stored};
use canter_core::domain::authority;
use canter_core::failure::Failure;
use canter_core::pace::{Grant, Pace, Rate, Tolerance};
use canter_core::ports::{IndexReader, IndexWriter, Loaded, Paces, Refused, Robots};
use canter_core::robots::MAX_AGE;
use canter_core::task::UrlKey;
use canter_engine::cloud::{Deadline, Received};
use canter_tantivy::TantivyIndex;
use canter_tests::{Answer, Serving, Site};
use tempfile::TempDir;
use tokio::time::Instant;
use url::Url;

use crate::world::{Place, begin_crawl, indexed, plenty, received};

/// A crawl that has begun with some of a site's pages.
struct Begun {
    place: Place,
    crawling: Crawling,
    index: Arc<TantivyIndex>,
    _folder: TempDir,
}

impl Begun {
    async fn new(seeds: &[String], rate: Option<f64>) -> Self {
        let (place, crawling, index, folder) = begin_crawl(seeds, rate).await;
        Begun {
            place,
            crawling,
            index,
            _folder: folder,
        }
    }

    async fn pages(&self) -> usize {
        indexed(&self.index, &self.crawling.spec.site.id)
            .await
            .len()
    }
}

fn pages(site: &Serving, count: usize) -> Vec<String> {
    (0..count).map(|n| site.url(&format!("/{n:02}"))).collect()
}

fn serving(site: Site) -> Serving {
    site.otherwise(|_| Answer::page("A page", [])).start()
}

/// A message with what it says changed.
fn changed(original: &ReceivedMessage, change: impl FnOnce(&mut Message)) -> Vec<Received> {
    let mut message = Message::parse(&original.body).unwrap();
    change(&mut message);
    let mut received = received(std::slice::from_ref(original));
    received[0].body = message.encode();
    received
}

/// An index that is down.
struct Down;

impl IndexWriter for Down {
    async fn has_room(&self) {}
    async fn put(&self, _: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        Err(Failure::transient("the index is down"))
    }
    async fn delete(&self, _: &str, _: Vec<UrlKey>) -> Result<(), Failure> {
        Err(Failure::transient("the index is down"))
    }
    async fn flush(&self) -> Result<(), Failure> {
        Ok(())
    }
}

impl IndexReader for Down {
    async fn get(&self, _: &str, _: UrlKey) -> Result<Option<Stored>, Failure> {
        Ok(None)
    }
    async fn count(&self, _: &str) -> Result<u64, Failure> {
        Err(Failure::transient("the index is down"))
    }
    async fn versions(&self, _: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        Err(Failure::transient("the index is down"))
    }
    async fn export(
        &self,
        _: &str,
        _: impl FnMut(Stored) -> Result<(), Failure> + Send,
    ) -> Result<(), Failure> {
        Err(Failure::transient("the index is down"))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn outages_are_counted_apart_from_attempts() {
    let site = serving(Site::new());
    let begun = Begun::new(&pages(&site, 2), None).await;
    let messages = begun.place.next_messages().await;
    for (attempts, outages, given_up) in [(0, 0, false), (25, 19, false), (0, 20, true)] {
        let batch = changed(&messages[0], |message| {
            message.delivery.outages = outages;
            for task in &mut message.tasks {
                task.attempts = attempts;
            }
        });
        let place = &begun.place;
        let worker = place.worker_over(place.cloud.clone(), &Arc::new(Down));
        let report = worker.batch(batch, plenty()).await;
        assert_eq!(!report.failed.is_empty(), given_up, "{attempts} {outages}");
        assert_eq!(report.sent_on, if given_up { 0 } else { 2 });
        if given_up {
            let why = &report.failed[0].why;
            assert!(why.contains("20 times"), "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn who_is_cut_off_by_the_deadline_keeps_all_attempts() {
    let site = serving(Site::new().robots("").latency(Duration::from_secs(3)));
    let begun = Begun::new(&pages(&site, 2), None).await;
    let messages = begun.place.next_messages().await;
    let begin = Instant::now() + Duration::from_secs(4);
    let deadline = Deadline {
        begin,
        end: begin + Duration::from_millis(500),
    };
    let worker = begun.place.worker(&begun.index);
    let report = worker.batch(received(&messages), deadline).await;
    assert_eq!((report.failed, report.sent_on), (vec![], 2));
    let messages = begun.place.next_messages().await;
    let message = Message::parse(&messages[0].body).unwrap();
    assert_eq!(message.delivery.outages, 1);
    assert!(message.tasks.iter().all(|task| task.attempts == 0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_robots_txt_that_fails_for_one_is_free_for_the_next() {
    let site = Site::new().answers("/robots.txt", [Answer::status(500), Answer::text("")]);
    let site = serving(site);
    let begun = Begun::new(&pages(&site, 3), None).await;
    let messages = begun.place.next_messages().await;
    let first = begun.place.worker(&begun.index);
    let report = first.batch(received(&messages), plenty()).await;
    assert_eq!((report.failed, begun.pages().await), (vec![], 0));
    let next = begun.place.worker(&begun.index);
    let report = next.batch(received(&messages), plenty()).await;
    assert_eq!((report.failed, begun.pages().await), (vec![], 3));
}

/// While another worker fetches a robots.txt, nobody pays for each of the tasks that wait for it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn who_waits_for_a_robots_txt_waits_at_no_cost() {
    let site = serving(Site::new());
    let urls = pages(&site, 40);
    let begun = Begun::new(&urls, None).await;
    let messages = begun.place.next_messages().await;
    let place = &begun.place;
    let (robots, now) = (CloudRobots::new(place.cloud.clone()), place.clock.now());
    let authority = authority(&Url::parse(&urls[0]).unwrap());
    let loaded = robots.load(&authority, now - MAX_AGE, now).await.unwrap();
    assert_eq!(loaded, Loaded::Fetch);
    let writes = || place.requests("DynamoDB", "UpdateItem");
    let (written, sent) = (writes(), place.requests("SQS", "SendMessageBatch"));
    let worker = place.worker(&begun.index);
    let report = worker.batch(received(&messages), plenty()).await;
    assert_eq!((report.failed, report.sent_on), (vec![], 40));
    assert!(writes() - written < 5, "{} writes", writes() - written);
    assert_eq!(place.requests("SQS", "SendMessageBatch") - sent, 1);

    robots.release(&authority).await.unwrap();
    let waiting = begun.place.next_messages().await;
    let report = worker.batch(received(&waiting), plenty()).await;
    assert_eq!((report.failed, begun.pages().await), (vec![], 40));
}

/// A redirect of robots.txt to a domain that no task is of is followed in a slot of that domain. A
/// store that answers late forfeits the slot, and the next one is ten seconds away: then the test
/// begins anew.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn nothing_is_requested_without_a_slot() {
    for _ in 0..5 {
        if redirected_rules_are_requested().await == 1 {
            return;
        }
    }
    panic!("a slot is forfeited each time");
}

/// How often the rules were requested; in any case a slot of their domain was taken.
async fn redirected_rules_are_requested() -> usize {
    let site = serving(Site::new());
    let host = format!("localhost:{}", site.port());
    let elsewhere = format!("http://{host}/rules");
    site.set("/robots.txt", Answer::redirect(&elsewhere));
    let begun = Begun::new(&[site.url("/"), elsewhere], Some(0.1)).await;
    let messages = begun.place.next_messages().await;
    let here: Vec<ReceivedMessage> = messages
        .into_iter()
        .filter(|message| Message::parse(&message.body).unwrap().domain.as_str() != host)
        .collect();
    assert_eq!(here.len(), 1);
    let place = &begun.place;
    let worker = place.worker(&begun.index);
    let report = worker.batch(received(&here), plenty()).await;
    assert_eq!(report.failed, []);
    let pace = Pace::new(Rate::new(0.1).unwrap(), Tolerance::SHARED);
    let paces = CloudPaces::new(place.cloud.clone());
    let lease = paces.lease(&host, place.clock.now(), pace, 1).await;
    let requests = site.log().of("/rules").len();
    // Even robots.txt itself may have lost its slot.
    let reached = !site.log().of("/robots.txt").is_empty();
    assert!(!reached || matches!(lease, Ok(Grant::Wait(_))), "{lease:?}");
    requests
}

/// The crawl rests and says why; its tasks wait to be continued.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_site_that_asks_for_a_long_pause_gets_it() {
    let pause = Answer::status(503).header("retry-after", "7200");
    let site = serving(Site::new().robots("").answer("/00", pause));
    let begun = Begun::new(&pages(&site, 1), None).await;
    let messages = begun.place.next_messages().await;
    let place = &begun.place;
    let worker = place.worker(&begun.index);
    let report = worker.batch(received(&messages), plenty()).await;
    assert_eq!(report.failed, []);
    let clock = place.clock;
    let sites = Sites::new(place.cloud.clone(), Arc::new(move || clock.now()));
    let site = &begun.crawling.spec.site.id;
    let rest = sites.load_now(site).await.unwrap().unwrap().rest;
    let Some(Rest::Paused { why }) = rest else {
        panic!("{rest:?}");
    };
    assert!(why.contains("120 minutes"), "{why}");
    assert_eq!(report.progress[site].retries, 0);
    let counts = place.pages(&begun.crawling).counts().await.unwrap();
    assert_eq!((counts.failed, counts.waiting), (0, 1), "{counts:?}");
}
