//! The archive, in a bucket of a test's own in the S3 of the running stack. It is held to the
//! contract of its port.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use canter_aws::{Clock, Cloud, CloudArchive, Endpoints, Names, create_bucket, delete_bucket};
use canter_core::archived_page::{ArchivedPage, PageLinks};
use canter_core::failure::Failure;
use canter_core::ports::{Archive, Place, Retained};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_page::read_html;
use canter_tests::contract::archive as contract;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use url::Url;

use crate::world::endpoints;

static BUCKETS: AtomicU64 = AtomicU64::new(0);

const SITE: &str = "example.org";

/// An archive in a bucket, which goes with the test. Its clock is an hour ahead, so that no object
/// is young.
struct Archived {
    archive: CloudArchive,
    cloud: Cloud,
    names: Names,
}

impl Archived {
    async fn create() -> Self {
        let number = BUCKETS.fetch_add(1, Ordering::Relaxed);
        let names = names(&format!("archive-{}-{number}-{:x}", process::id(), now().0));
        let cloud = Cloud::connect_local(names.clone(), endpoints()).await;
        create_bucket(&cloud).await.unwrap();
        Archived {
            archive: CloudArchive::open(&cloud, ahead(Duration::from_secs(3_600))),
            cloud,
            names,
        }
    }

    /// Puts pages at the same time. Returns their places.
    async fn put_all(&self, pages: &[ArchivedPage]) -> Vec<Place> {
        let puts = pages.iter().cloned().enumerate().map(|(number, page)| {
            let archive = self.archive.clone();
            async move { (number, archive.put(page).await.unwrap()) }
        });
        let mut places = JoinSet::from_iter(puts).join_all().await;
        places.sort_unstable();
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// The pages at places, by the archive itself.
    async fn pages(&self, places: &[Place]) -> Vec<Option<ArchivedPage>> {
        self.archive.get(SITE, places).await.unwrap()
    }

    /// Number of requests for an operation so far.
    fn requests(&self, operation: &str) -> u64 {
        let lines = self.cloud.meter.lines();
        let line = lines.get(&("S3".to_owned(), operation.to_owned()));
        line.map_or(0, |line| line.sent as u64)
    }
}

impl Deref for Archived {
    type Target = CloudArchive;

    fn deref(&self) -> &CloudArchive {
        &self.archive
    }
}

impl Drop for Archived {
    fn drop(&mut self) {
        let names = self.names.clone();
        let deletes = std::thread::spawn(|| {
            let delete = async {
                let cloud = Cloud::connect_local(names, endpoints()).await;
                delete_bucket(&cloud).await
            };
            Runtime::new().map(|runtime| runtime.block_on(delete))
        });
        // A bucket that stays behind harms nobody.
        let _ = deletes.join();
    }
}

fn names(bucket: &str) -> Names {
    let nothing = || "nothing but the bucket is asked".to_owned();
    Names {
        pages: nothing(),
        state: nothing(),
        bucket: bucket.into(),
        queue: nothing(),
        errands: nothing(),
        dead_letters: nothing(),
    }
}

fn now() -> Moment {
    Moment(u64::try_from(UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap())
}

fn ahead(span: Duration) -> Clock {
    Arc::new(move || now() + span)
}

fn page(number: usize, text: &str) -> ArchivedPage {
    let url = Url::parse(&format!("https://example.org/{number}")).unwrap();
    let html = format!("<title>{number}</title><p>{text} <a href=/next>next</a>");
    ArchivedPage {
        site: SITE.into(),
        fetched_at: Moment::from_millis(1_000),
        version: 1,
        hash: UrlKey::hash(html.as_bytes()),
        etag: None,
        last_modified: None,
        page: read_html(&html, &url),
        url,
    }
}

fn some_pages(count: usize) -> Vec<ArchivedPage> {
    (0..count).map(|number| page(number, "text")).collect()
}

/// What the archive gives of pages: everything but their links.
fn found(pages: &[ArchivedPage]) -> Vec<Option<ArchivedPage>> {
    let mut pages = pages.to_vec();
    pages.iter_mut().for_each(|page| page.page.links.clear());
    pages.into_iter().map(Some).collect()
}

/// The archive for who puts one page after the other: none waits for company.
struct OneByOne<'a>(&'a CloudArchive);

impl Archive for OneByOne<'_> {
    async fn put(&self, page: ArchivedPage) -> Result<Place, Failure> {
        let flush = async { self.0.flush() };
        tokio::join!(biased; self.0.put(page), flush).0
    }

    async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        self.0.get(site, places).await
    }

    async fn links(&self, site: &str, places: &[Place]) -> Result<Vec<Option<PageLinks>>, Failure> {
        self.0.links(site, places).await
    }

    async fn retain(&self, site: &str, places: Vec<Place>) -> Result<Retained, Failure> {
        self.0.retain(site, places).await
    }

    async fn forget(&self, site: &str) -> Result<(), Failure> {
        self.0.forget(site).await
    }
}

macro_rules! held_to {
    ($($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let archive = Archived::create().await;
            contract::$name(&OneByOne(&archive)).await;
        })+
    };
}

canter_tests::promises_of_an_archive!(held_to);

/// The objects that places are in.
fn objects(places: &[Place]) -> BTreeSet<&str> {
    let object = |place: &'_ Place| place.0.find('.').unwrap();
    places.iter().map(|it| &it.0[..object(it)]).collect()
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn pages_that_are_put_at_the_same_time_share_objects() {
    let archive = Archived::create().await;
    let pages = some_pages(260);
    let places = archive.put_all(&pages).await;
    assert_eq!(objects(&places).len(), 2);
    assert_eq!(archive.requests("PutObject"), 2);

    let mut asked = places.clone();
    asked.reverse();
    let mut expected = found(&pages);
    expected.reverse();
    // Twice the same, and one of another archive.
    asked.extend([places[7].clone(), Place("7".into())]);
    expected.extend(found(&pages[7..8]));
    expected.push(None);
    assert_eq!(archive.pages(&asked).await, expected);
    assert_eq!(archive.requests("GetObject"), 2);
}

/// As when the links of all pages are counted, and then the pages are written into an index.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn who_reads_all_links_reads_each_object_once() {
    let archive = Archived::create().await;
    let pages = some_pages(260);
    let places = archive.put_all(&pages).await;
    for (places, pages) in places.chunks(2).zip(pages.chunks(2)) {
        let links = archive.links(SITE, places).await.unwrap();
        for (links, page) in links.into_iter().map(Option::unwrap).zip(pages) {
            assert_eq!(links.text(), page.page.text);
            assert_eq!(links.read().unwrap()[0].url, "https://example.org/next");
        }
    }
    assert_eq!(archive.requests("GetObject"), 2);
    assert_eq!(archive.pages(&places).await, found(&pages));
    assert_eq!(archive.requests("GetObject"), 2);
    // What is freed is not in memory either.
    archive.retain(SITE, Vec::new()).await.unwrap();
    assert_eq!(archive.pages(&places[..1]).await, [None]);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_flushed_waits_for_nobody() {
    let archive = Archived::create().await;
    let flushed = OneByOne(&archive);
    let (one, other) = tokio::join!(
        biased;
        flushed.put(page(1, "text")),
        flushed.put(page(2, "text"))
    );
    let alone = archive.put_all(&[page(3, "text")]).await;
    let places = [&[one.unwrap(), other.unwrap()], &alone[..]].concat();
    assert_eq!(objects(&places).len(), 3);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn large_pages_do_not_share_an_object() {
    let archive = Archived::create().await;
    let mut letters = fastrand::Rng::with_seed(7);
    let mut text = || -> String { (0..4_000_000).map(|_| letters.alphanumeric()).collect() };
    let pages: Vec<ArchivedPage> = (0..3).map(|number| page(number, &text())).collect();
    let places = archive.put_all(&pages).await;
    assert_eq!(objects(&places).len(), 3);
    assert_eq!(archive.pages(&places).await, found(&pages));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn sites_share_nothing() {
    let archive = Archived::create().await;
    let other = ArchivedPage {
        site: "other.org".into(),
        ..page(0, "text")
    };
    let places = archive.put_all(&[page(0, "text"), other.clone()]).await;
    assert_eq!(objects(&places).len(), 2);
    assert_eq!(archive.pages(&places[1..]).await, [None]);

    archive.retain(SITE, Vec::new()).await.unwrap();
    assert_eq!(archive.pages(&places[..1]).await, [None]);
    let there = archive.get("other.org", &places[1..]).await.unwrap();
    assert_eq!(there, found(&[other]));

    archive.forget("other.org").await.unwrap();
    let gone = archive.get("other.org", &places[1..]).await.unwrap();
    assert_eq!(gone, [None]);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn pages_of_a_mostly_unused_object_move() {
    let archive = Archived::create().await;
    let pages = some_pages(10);
    let places = archive.put_all(&pages).await;
    // Twice the same, as for a page whose newest version is published.
    let used = [&places[2..4], &places[2..4]].concat();

    let moved = archive.retain(SITE, used).await.unwrap();
    let (old, new): (Vec<Place>, Vec<Place>) = moved.moved.into_iter().unzip();
    let in_order: BTreeSet<&Place> = old.iter().collect();
    assert_eq!(in_order, places[2..4].iter().collect());
    assert_eq!(objects(&new).len(), 1);
    let expected = archive.pages(&old).await;
    assert!(expected.iter().all(Option::is_some));
    assert_eq!(archive.pages(&new).await, expected);

    // The second time nothing moves, and the old object is unused.
    let nothing = Retained::default();
    assert_eq!(archive.retain(SITE, new.clone()).await.unwrap(), nothing);
    assert_eq!(archive.pages(&new).await, expected);
    assert_eq!(archive.pages(&old).await, [None, None]);
    assert_eq!(archive.requests("PutObject"), 2);
}

/// As when a function died before it had noted the new places.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_move_can_be_repeated() {
    let archive = Archived::create().await;
    let pages = some_pages(10);
    let places = archive.put_all(&pages).await;
    let retain = || archive.retain(SITE, places[2..4].to_vec());
    let first = retain().await.unwrap();
    let mut again = retain().await.unwrap();
    assert_eq!(again, first);
    again.moved.sort_unstable();
    let new: Vec<Place> = again.moved.into_iter().map(|(_, new)| new).collect();
    assert!(archive.pages(&new).await.iter().all(Option::is_some));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_used_stays_where_it_is() {
    let archive = Archived::create().await;
    let pages = some_pages(4);
    let places = archive.put_all(&pages).await;
    let used = places[..3].to_vec();
    let nothing = Retained::default();
    assert_eq!(archive.retain(SITE, used).await.unwrap(), nothing);
    assert_eq!(archive.pages(&places).await, found(&pages));
    assert_eq!(archive.requests("PutObject"), 1);
}

/// A function that crawls may put pages that the one that publishes does not know of.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_was_put_a_short_while_ago_stays() {
    let archive = Archived::create().await;
    let pages = some_pages(10);
    let places = archive.put_all(&pages).await;
    let punctual = CloudArchive::open(&archive.cloud, ahead(Duration::ZERO));
    assert_eq!(
        punctual.retain(SITE, places[..1].to_vec()).await.unwrap(),
        Retained::default()
    );
    punctual.retain(SITE, Vec::new()).await.unwrap();
    assert_eq!(archive.pages(&places).await, found(&pages));
}

/// More objects than one list or one deletion takes.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_site_of_many_objects_is_forgotten() {
    let archive = Archived::create().await;
    let mut places = Vec::new();
    for pages in some_pages(1_001).chunks(100) {
        let apart = pages.iter().cloned().map(|page| {
            let archive = archive.archive.clone();
            async move { OneByOne(&archive).put(page).await.unwrap() }
        });
        places.extend(JoinSet::from_iter(apart).join_all().await);
    }
    assert!(objects(&places).len() > 1_000);
    let ends = [places[0].clone(), places[1_000].clone()];
    assert!(archive.pages(&ends).await.iter().all(Option::is_some));
    archive.forget(SITE).await.unwrap();
    assert!(archive.pages(&places).await.iter().all(Option::is_none));
    assert_eq!(archive.requests("DeleteObjects"), 2);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_wrong_is_said_of_the_bucket() {
    let cloud = Cloud::connect_local(names("no-such-bucket"), endpoints()).await;
    let archive = CloudArchive::open(&cloud, ahead(Duration::ZERO));
    let place = Place(format!("{}.0.1", UrlKey::hash(b"")));
    let failures = [
        archive.put(page(0, "text")).await.unwrap_err(),
        archive.get(SITE, &[place]).await.unwrap_err(),
        archive.retain(SITE, Vec::new()).await.unwrap_err(),
        archive.forget(SITE).await.unwrap_err(),
    ];
    for failure in failures {
        assert!(matches!(failure, Failure::Permanent(_)), "{failure}");
        let sentence = failure.to_string();
        assert!(
            sentence.starts_with("the bucket no-such-bucket does not exist"),
            "{sentence}"
        );
    }
    let nowhere = Endpoints {
        s3: "http://127.0.0.1:1".into(),
        ..endpoints()
    };
    let cloud = Cloud::connect_local(names("any-bucket"), nowhere).await;
    let failure = CloudArchive::open(&cloud, ahead(Duration::ZERO))
        .put(page(0, "text"))
        .await
        .unwrap_err();
    assert!(matches!(failure, Failure::Transient(_)), "{failure}");
    assert!(
        failure
            .to_string()
            .contains("the bucket any-bucket cannot be reached")
    );
}

/// The archive is held to the contract of the port.
mod promised {
    use canter_tests::contract::archive;

    use super::Archived;

    macro_rules! an_archive {
        ($($name:ident)+) => {
            $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
                let archived = Archived::create().await;
                archive::$name(&archived.archive).await;
            })+
        };
    }

    canter_tests::promises_of_an_archive!(an_archive);
}
