//! What is told of the crawls of a stack, against the real tables and the real index.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::gateway::{fill, get, settings};
use crate::world::{Tables, TestClock};
use canter_api::{Crawl, State, Status};
use canter_aws::{Cloud, Counts, CrawlSpec, Progress, Rest, SILENCE, Sites};
use canter_core::failure::Failure;
use canter_core::pace::Rate;
use canter_core::ports::Headers;
use canter_core::scope::{Options, Scope};
use canter_core::site::{Limits, Site};
use canter_core::time::Moment;
use canter_elastic::{ElasticReader, LazyIndex};
use canter_page::url::Limits as UrlLimits;
use canter_search::CloudStatus;
use canter_tests::contract::index::document;
use canter_tests::contract::url;
use canter_tests::faults::{Faults, Reply, Turn};
use canter_tests::{OwnIndex, Stack};

/// When the first crawl of a test begins, Unix ms.
const BEGAN: u64 = 1_795_341_600_000;

fn spec(site: &str) -> CrawlSpec {
    let seeds = vec![url("/")];
    CrawlSpec {
        site: Site {
            id: site.into(),
            scope: Scope::new(&seeds, Options::default()).unwrap(),
            seeds,
            sitemaps: Vec::new(),
            limits: Limits {
                max_pages: None,
                max_depth: None,
                max_page_bytes: 1 << 20,
                timeout: Duration::from_secs(30),
                attempts: 3,
                url: UrlLimits::default(),
            },
            headers: Headers(Vec::new()),
            product: "canter".into(),
        },
        rate: Rate::new(2.5),
        user_agent: "canter/1".into(),
        allow_private: false,
        max_loss: 10.0,
        every: None,
    }
}

/// A stack without crawls, and an index of which there is nothing yet.
struct Place {
    tables: Tables,
    sites: Sites,
    clock: TestClock,
    own: OwnIndex,
}

impl Place {
    async fn new() -> Self {
        let tables = Tables::create().await;
        let clock = TestClock::at(BEGAN);
        Place {
            sites: Sites::new(tables.cloud.clone(), clock.clock()),
            tables,
            clock,
            own: OwnIndex::new(),
        }
    }

    fn status(&self) -> impl Status + 'static {
        self.status_over(&self.tables.cloud)
    }

    fn status_over(&self, cloud: &Cloud) -> impl Status + 'static {
        let sites = Sites::new(cloud.clone(), self.clock.clock());
        let connect = move || std::future::ready(sites.clone());
        CloudStatus::new(connect, Arc::new(self.index()), self.clock.clock())
    }

    fn index(&self) -> LazyIndex<impl Fn() -> Opening + Send + Sync + 'static, ElasticReader> {
        let settings = settings(&self.own);
        LazyIndex::new(move || -> Opening {
            let settings = settings.clone();
            Box::pin(async move { ElasticReader::open(&settings).await })
        })
    }

    async fn begin(&self, site: &str) -> u64 {
        self.sites.begin(&spec(site), false).await.unwrap().1.crawl
    }

    /// Past the time for which a report is kept.
    fn later(&self) {
        self.clock.forward(Duration::from_secs(10));
    }
}

type Opening =
    std::pin::Pin<Box<dyn Future<Output = Result<ElasticReader, Failure>> + Send + 'static>>;

fn states(crawls: &[Crawl]) -> Vec<(&str, State)> {
    crawls
        .iter()
        .map(|crawl| (crawl.site.as_str(), crawl.state))
        .collect()
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_crawl_is_told_whole() {
    let place = Place::new().await;
    let status = place.status();
    assert_eq!(status.status().await.unwrap().crawls, []);
    let crawl = place.begin("example.org").await;
    fill(&place.own, vec![document("/a", 7, "ponies")]).await;
    place.later();
    let progress = Progress {
        pages: 5,
        done: 9,
        failed: 2,
        found: 30,
        ..Progress::default()
    };
    let noted = place.sites.note("example.org", crawl, progress).await;
    assert_eq!(noted, Ok(true));
    let mut expected = Crawl {
        site: "example.org".into(),
        state: State::Running,
        searchable: 1,
        pages: 5,
        waiting: 21,
        failed: 2,
        rps_limit: Some(2.5),
        held: None,
        started_at: Moment::from_millis(BEGAN),
        updated_at: Moment::from_millis(BEGAN + 10_000),
    };
    assert_eq!(status.status().await.unwrap().crawls, [expected.clone()]);
    place.later();
    let counts = Counts {
        pages: 6,
        failed: 1,
        ..Counts::default()
    };
    place.sites.note_filled("example.org", crawl).await.unwrap();
    let ended = place.sites.end("example.org", crawl, &counts).await;
    assert_eq!(ended, Ok(true));
    expected.state = State::Complete;
    (expected.pages, expected.waiting, expected.failed) = (6, 0, 1);
    expected.updated_at = Moment::from_millis(BEGAN + 20_000);
    assert_eq!(status.status().await.unwrap().crawls, [expected]);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn states_of_crawls() {
    let place = Place::new().await;
    let why = || "503".to_owned();
    let option = || "--max-pages".to_owned();
    let rows = [
        ("limited", Some(Rest::Limit { option: option() })),
        ("paused", Some(Rest::Paused { why: why() })),
        ("running", None),
        ("stopped", Some(Rest::Stopped)),
    ];
    for (site, rest) in &rows {
        let crawl = place.begin(site).await;
        if let Some(rest) = rest {
            place.sites.rest(site, crawl, rest).await.unwrap();
        }
    }
    let status = place.status();
    let report = status.status().await.unwrap();
    let expected = [
        ("limited", State::Incomplete),
        ("paused", State::Paused),
        ("running", State::Running),
        ("stopped", State::Incomplete),
    ];
    assert_eq!(states(&report.crawls), expected);
    // Nothing was heard of it since.
    place.clock.forward(SILENCE);
    let report = status.status().await.unwrap();
    assert_eq!(
        states(&report.crawls)[2],
        ("running", State::Incomplete),
        "{report:?}"
    );
}

/// A report is kept for ten seconds, whoever asks.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_report_is_kept_for_a_while() {
    let place = Place::new().await;
    place.begin("a").await;
    let status = place.status();
    let before = place.tables.requests("GetItem");
    let told = tokio::join!(status.status(), status.status());
    assert_eq!(told.0, told.1);
    let first = place.tables.requests("GetItem") - before;
    assert_eq!(first, 2, "one for the names, one for the site");
    place.begin("b").await;
    let before = place.tables.requests("GetItem");
    assert_eq!(status.status().await.unwrap().crawls.len(), 1);
    assert_eq!(place.tables.requests("GetItem"), before);
    place.later();
    assert_eq!(status.status().await.unwrap().crawls.len(), 2);
}

/// The record of one site cannot be read for a while, then that of all of them: what was known of
/// it stays, and the others are told.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_site_that_fails_hides_no_other() {
    let place = Place::new().await;
    for site in ["a", "b", "c"] {
        place.begin(site).await;
    }
    let door = Faults::before(&Stack::find().dynamodb_endpoint);
    let cloud = place.tables.through(door.url().into()).await;
    let refuse = |what: &'static str| {
        move |asked: &canter_tests::faults::Asked| {
            let refusal = r#"{"__type":"com.amazon.coral.validate#ValidationException"}"#;
            match asked.text().contains(what) {
                true => Turn::Answer(Reply::of(400, "application/x-amz-json-1.0", refusal)),
                false => Turn::Pass,
            }
        }
    };
    door.rule(refuse("site#b"));
    let status = place.status_over(&cloud);
    let sites = |crawls: &[Crawl]| -> String {
        let sites = crawls.iter().map(|crawl| crawl.site.as_str());
        sites.collect()
    };
    assert_eq!(sites(&status.status().await.unwrap().crawls), "ac");
    door.rule(|_| Turn::Pass);
    place.later();
    assert_eq!(sites(&status.status().await.unwrap().crawls), "abc");
    door.rule(refuse("site#b"));
    place.later();
    assert_eq!(sites(&status.status().await.unwrap().crawls), "abc");
    door.rule(refuse("sites#all"));
    place.later();
    assert!(status.status().await.is_err());
    door.rule(refuse("site#b"));
    assert_eq!(sites(&status.status().await.unwrap().crawls), "abc");
}

/// Tables that do not answer hold up neither the page nor whoever asks for the crawls.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn tables_that_do_not_answer_are_not_waited_for() {
    let place = Place::new().await;
    place.begin("a").await;
    let door = Faults::before(&Stack::find().dynamodb_endpoint);
    let cloud = place.tables.through(door.url().into()).await;
    let status = Arc::new(place.status_over(&cloud));
    let router = canter_api::router(Arc::new(place.index()), status);
    for (late, known) in [("sites#all", 503), ("site#a", 200)] {
        door.rule(move |asked| match asked.text().contains(late) {
            true => Turn::Late(Duration::from_secs(20)),
            false => Turn::Pass,
        });
        let asked = Instant::now();
        assert_eq!(get(&router, "/").await.status, 200, "{late}");
        let status = get(&router, "/api/v1/status").await.status;
        assert_eq!(status, known, "{late}");
        assert!(asked.elapsed() < Duration::from_secs(10), "{late}");
    }
}

/// Neither a search nor the page needs the tables.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_search_does_without_the_tables() {
    let place = Place::new().await;
    fill(&place.own, vec![document("/a", 7, "ponies")]).await;
    let connect = || async { panic!("a search asks no table") };
    let index = Arc::new(place.index());
    let status: CloudStatus<_, _> =
        CloudStatus::new(connect, Arc::clone(&index), place.clock.clock());
    let router = canter_api::router(index, Arc::new(status));
    for url in ["/api/v1/search?q=ponies", "/?q=ponies", "/style.css"] {
        assert_eq!(get(&router, url).await.status, 200, "{url}");
    }
}

/// Pages that are gone from the index are none to search, and no trouble of the report's.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_index_that_is_not_there_counts_nothing() {
    let place = Place::new().await;
    place.begin("example.org").await;
    let router = canter_api::router(Arc::new(place.index()), Arc::new(place.status()));
    let answer = get(&router, "/api/v1/status").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["crawls"][0]["searchable"], 0);
    let page = get(&router, "/").await;
    assert!(
        page.body.contains("as soon as they are read"),
        "{}",
        page.body
    );
}
