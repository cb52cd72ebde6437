//! Batches as an event source gives them, with all that goes wrong on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use canter_aws::queue::{self, Delivery, Message, ReceivedMessage};
use canter_aws::{CloudPaces, Counts, Crawling, Rest};
use canter_core::domain::domain;
use canter_core::ports::{Claim, Paces, Pages};
use canter_engine::cloud::Received;
use canter_tantivy::TantivyIndex;
use canter_tests::{Serving, Site};
use tempfile::TempDir;
use tokio::time::sleep;
use url::Url;

use crate::world::event_source;
use crate::world::shelf::Shelf;
use crate::world::{Place, TestWorker, begin_crawl, indexed, plenty, received, task, within};

/// A site of pages without links, all of them seeds of a crawl that has begun.
struct Begun {
    place: Place,
    site: Serving,
    crawling: Crawling,
    index: Arc<TantivyIndex>,
    _folder: TempDir,
}

impl Begun {
    async fn new(pages: usize, rate: Option<f64>, latency: Duration) -> Self {
        let mut site = Site::new().latency(latency);
        let paths: Vec<String> = (0..pages).map(|n| format!("/{n:02}")).collect();
        for path in &paths {
            site = site.page(path, []);
        }
        let site = site.start();
        let seeds: Vec<String> = paths.iter().map(|path| site.url(path)).collect();
        let (place, crawling, index, folder) = begin_crawl(&seeds, rate).await;
        Begun {
            index,
            _folder: folder,
            place,
            site,
            crawling,
        }
    }

    fn worker(&self) -> TestWorker {
        self.place.worker(&self.index)
    }

    fn id(&self) -> &str {
        &self.crawling.spec.site.id
    }

    fn paths(&self) -> BTreeSet<String> {
        let seeds = self.crawling.spec.site.seeds.iter();
        seeds.map(|url| url.path().to_owned()).collect()
    }

    /// Works on what comes until nothing waits any more.
    async fn drain(&self, worker: &TestWorker) {
        while !queue_is_done(&self.place).await {
            let messages = queue::receive(&self.place.cloud, Duration::from_secs(1))
                .await
                .unwrap();
            let report = event_source::work(worker, &messages).await.unwrap();
            assert_eq!(report.failed, []);
        }
    }

    /// Every page has ended, and is in the index once.
    async fn assert_whole(&self) {
        let counts = self.place.pages(&self.crawling).counts().await.unwrap();
        let pages = self.paths().len() as u64;
        assert_eq!((counts.indexed, counts.waiting), (pages, 0), "{counts:?}");
        assert_eq!(indexed(&self.index, self.id()).await, self.paths());
    }

    fn visits(&self) -> BTreeMap<String, usize> {
        self.site.log().pages()
    }
}

/// Nothing waits; what a worker has is its own affair.
async fn queue_is_done(place: &Place) -> bool {
    let depth = queue::depth(&place.cloud).await.unwrap();
    depth.visible + depth.delayed == 0
}

fn again(messages: &[ReceivedMessage]) -> Vec<Received> {
    let mut received = received(messages);
    received.iter_mut().for_each(|message| message.receives = 2);
    received
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_message_that_comes_twice_is_worked_on_once() {
    let begun = Begun::new(5, None, Duration::ZERO).await;
    let messages = begun.place.receive().await;
    assert_eq!(messages.len(), 1);
    let twice = [messages.clone(), messages.clone()].concat();
    let mut batch = received(&twice);
    batch[1].id = "another".into();
    let worker = begun.worker();
    let report = worker.batch(batch.clone(), plenty()).await;
    assert_eq!(report.failed, []);
    begun.assert_whole().await;
    // And once more, after its end, in another process.
    let report = begun.worker().batch(batch, plenty()).await;
    assert_eq!(report.failed, []);
    assert!(
        begun.visits().values().all(|times| *times == 1),
        "{:?}",
        begun.visits()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_message_of_a_crawl_that_is_over_goes() {
    let begun = Begun::new(3, None, Duration::ZERO).await;
    let messages = begun.place.receive().await;
    let sites = begun.place.sites();
    assert!(
        sites
            .end(begun.id(), begun.crawling.crawl, &Counts::default())
            .await
            .unwrap()
    );
    let worker = begun.worker();
    let report = worker.batch(received(&messages), plenty()).await;
    assert_eq!((report.failed, report.sent_on), (vec![], 0));
    assert_eq!(begun.visits(), BTreeMap::new());
    assert!(queue_is_done(&begun.place).await);
}

/// What was sent before a crawl rested may come up after it was sent again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_was_sent_before_a_rest_is_dropped() {
    let begun = Begun::new(5, None, Duration::ZERO).await;
    let worker = begun.worker();
    let messages = begun.place.receive().await;
    let (sites, place) = (begun.place.sites(), &begun.place);
    let crawl = begun.crawling.crawl;
    assert!(sites.rest(begun.id(), crawl, &Rest::Stopped).await.unwrap());
    let crawling = place.begin(&begun.crawling.spec).await;
    assert_eq!((crawling.crawl, crawling.run), (crawl, 1));
    // Seeds are pushed as they were; what else is open is taken over.
    assert!(sites.rest(begun.id(), crawl, &Rest::Stopped).await.unwrap());
    let links =
        (0..3).map(|n| Claim::page(begun.site.url(&format!("/more{n}")).parse().unwrap(), 1));
    let seed = task(&crawling, crawling.spec.site.seeds[0].as_str());
    let more = place.pages(&crawling).claim(&seed, links.collect()).await;
    let delivery = Delivery {
        run: 1,
        ..Delivery::default()
    };
    let outbox = place.outbox();
    outbox.send(more.unwrap().tasks, delivery).await.unwrap();
    let earlier = place.receive().await;
    let crawling = place.begin(&begun.crawling.spec).await;
    assert_eq!((crawling.crawl, crawling.run), (crawl, 2));
    let later = place.receive().await;
    let report = worker.batch(received(&earlier), plenty()).await;
    assert_eq!((report.failed, report.sent_on), (vec![], 0));
    for n in 0..3 {
        assert_eq!(begun.visits().get(&format!("/more{n}")), None);
    }
    for messages in [later, messages] {
        let report = worker.batch(received(&messages), plenty()).await;
        assert_eq!((report.failed, report.sent_on), (vec![], 0));
    }
    let visits = begun.visits();
    assert_eq!(visits.len(), 8, "{visits:?}");
    assert!(visits.values().all(|times| *times == 1), "{visits:?}");
}

/// The page that has claimed a link first dies before it pushes it, and is done again by one that
/// has met the link on another page meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_link_is_not_lost_with_the_first_that_claims_it() {
    let site = Site::new()
        .page("/", ["/x"])
        .page("/b", ["/x"])
        .page("/x", [])
        .start();
    let seeds = [site.url("/"), site.url("/b")];
    let (place, crawling, index, _folder) = begin_crawl(&seeds, None).await;
    let messages = place.receive().await;
    let link = Claim::page(Url::parse(&site.url("/x")).unwrap(), 1);
    let killed = place.pages(&crawling);
    let claimed = killed.claim(&task(&crawling, &seeds[0]), vec![link]).await;
    assert_eq!(claimed.unwrap().tasks.len(), 1);
    let worker = place.worker(&index);
    for path in ["/b", "/"] {
        let mut message = Message::parse(&messages[0].body).unwrap();
        message.tasks.retain(|task| task.url.path() == path);
        assert_eq!(message.tasks.len(), 1);
        let batch = [ReceivedMessage {
            body: message.encode(),
            ..messages[0].clone()
        }];
        let report = worker.batch(received(&batch), plenty()).await;
        assert_eq!(report.failed, []);
    }
    let pushed = place.next_messages().await;
    let message = Message::parse(&pushed[0].body).unwrap();
    assert_eq!((pushed.len(), message.tasks.len()), (1, 1));
    assert_eq!(message.tasks[0].url.path(), "/x");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_is_not_ours_fails_with_a_reason_and_harms_no_other() {
    let begun = Begun::new(3, None, Duration::ZERO).await;
    let mut batch = received(&begun.place.receive().await);
    for body in ["", "{\"Records\":[]}", "{\"canter\":9}"] {
        batch.insert(
            0,
            Received {
                id: format!("not {body}"),
                body: body.into(),
                receives: 3,
            },
        );
    }
    let report = begun.worker().batch(batch, plenty()).await;
    let whys: Vec<&str> = report
        .failed
        .iter()
        .map(|failed| failed.why.as_str())
        .collect();
    assert_eq!(whys.len(), 3, "{whys:?}");
    assert!(whys[0].contains("version 9"), "{whys:?}");
    assert!(
        whys[1..].iter().all(|why| why.contains("not canter's")),
        "{whys:?}"
    );
    begun.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_message_that_comes_too_early_waits_for_the_rest_of_its_delay() {
    let begun = Begun::new(3, None, Duration::ZERO).await;
    let mut messages = begun.place.receive().await;
    queue::delete(&begun.place.cloud, &messages).await.unwrap();
    let mut message = Message::parse(&messages[0].body).unwrap();
    message.delivery.due = Some(begun.place.clock.now() + Duration::from_secs(4));
    messages[0].body = message.encode();
    let worker = begun.worker();
    let report = worker.batch(received(&messages), plenty()).await;
    assert_eq!(report.failed, []);
    assert_eq!(begun.visits(), BTreeMap::new());
    let depth = queue::depth(&begun.place.cloud).await.unwrap();
    assert_eq!((depth.visible, depth.delayed), (0, 1));
    begun.drain(&worker).await;
    begun.assert_whole().await;
}

/// Its neighbours come to their end, and in the end it stands alone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_poison_page_takes_no_neighbour_along() {
    let begun = Begun::new(12, None, Duration::ZERO).await;
    let poison = begun.site.url("/07");
    let fragile = Arc::new(Shelf {
        poison: Some(Url::parse(&poison).unwrap()),
        ..Shelf::new(Arc::clone(&begun.index))
    });
    let worker = begun.place.worker_over(begun.place.cloud.clone(), &fragile);
    let messages = begun.place.receive().await;
    let report = worker.batch(received(&messages), plenty()).await;
    assert_eq!(report.failed.len(), 1);
    assert!(report.failed[0].why.contains("/07"), "{:?}", report.failed);
    let healthy: BTreeSet<String> = begun
        .paths()
        .into_iter()
        .filter(|path| path != "/07")
        .collect();
    assert_eq!(indexed(&begun.index, begun.id()).await, healthy);

    let report = worker.batch(again(&messages), plenty()).await;
    assert_eq!(report.failed, [], "each is in a message of its own now");
    queue::delete(&begun.place.cloud, &messages).await.unwrap();
    let alone = begun.place.receive().await;
    assert_eq!(alone.len(), 12);
    let report = worker.batch(received(&alone), plenty()).await;
    let [failed] = report.failed.as_slice() else {
        panic!("{:?}", report.failed);
    };
    let body = &alone
        .iter()
        .find(|message| message.id == failed.id)
        .unwrap()
        .body;
    let message = Message::parse(body).unwrap();
    assert_eq!(message.tasks.len(), 1);
    assert_eq!(message.tasks[0].url.path(), "/07");
    let mut neighbours = begun.visits().into_iter().filter(|(path, _)| path != "/07");
    assert!(neighbours.all(|(_, times)| times == 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_function_that_is_killed_loses_nothing() {
    let begun = Begun::new(30, Some(20.0), Duration::from_millis(100)).await;
    let messages = begun.place.receive().await;
    let (doomed, batch) = (begun.worker(), received(&messages));
    let killed = tokio::spawn(async move { doomed.batch(batch, plenty()).await });
    while begun.visits().len() < 10 {
        sleep(Duration::from_millis(5)).await;
    }
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    sleep(Duration::from_millis(300)).await;
    assert!(begun.visits().len() < 20, "{}", begun.visits().len());

    let worker = begun.worker();
    let report = worker.batch(again(&messages), plenty()).await;
    assert_eq!(report.failed, []);
    queue::delete(&begun.place.cloud, &messages).await.unwrap();
    begun.drain(&worker).await;
    begun.assert_whole().await;
    // What was not durable in the index yet is fetched once more.
    assert!(
        begun.visits().values().all(|times| *times <= 2),
        "{:?}",
        begun.visits()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn what_is_not_begun_in_time_is_sent_on() {
    let begun = Begun::new(30, Some(5.0), Duration::ZERO).await;
    let messages = begun.place.receive().await;
    let worker = begun.worker();
    let report = worker
        .batch(received(&messages), within(Duration::from_secs(2)))
        .await;
    let begun_in_time = begun.visits().len();
    assert!((2..15).contains(&begun_in_time), "{begun_in_time}");
    assert_eq!(report.failed, []);
    assert_eq!(report.sent_on as usize + begun_in_time, 30);
    queue::delete(&begun.place.cloud, &messages).await.unwrap();
    let depth = queue::depth(&begun.place.cloud).await.unwrap();
    let tasks = report.sent_on.div_ceil(23);
    assert!(depth.visible + depth.delayed >= tasks, "{depth:?}");
    begun.drain(&worker).await;
    begun.assert_whole().await;
    assert!(begun.visits().values().all(|times| *times == 1));
}

/// A wait costs no receive: the messages are new ones.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn who_would_wait_for_long_is_sent_back() {
    let begun = Begun::new(3, Some(10.0), Duration::ZERO).await;
    let messages = begun.place.receive().await;
    let held = domain(&task(&begun.crawling, &begun.site.url("/")).url);
    let until = begun.place.clock.now() + Duration::from_secs(6);
    let paces = CloudPaces::new(begun.place.cloud.clone());
    paces.hold(held.as_str(), until).await.unwrap();
    let worker = begun.worker();
    let began = Instant::now();
    let report = worker.batch(received(&messages), plenty()).await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!((report.failed, report.sent_on), (vec![], 3));
    assert_eq!(begun.site.log().all().len(), 0);
    queue::delete(&begun.place.cloud, &messages).await.unwrap();
    let messages = begun.place.next_messages().await;
    assert!(begun.place.clock.now() >= until, "once is enough");
    assert!(messages.iter().all(|message| message.receives == 1));
    let report = worker.batch(received(&messages), plenty()).await;
    assert_eq!((report.failed, report.sent_on), (vec![], 0));
    begun.assert_whole().await;
}
