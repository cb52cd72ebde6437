//! From the filling of a crawl to its end: what is pushed, what is swept, what is forgotten.

use std::sync::Mutex;
use std::time::Duration;

use canter_aws::{Beginning, CloudSite, Counts, CrawlSpec, Crawling, GRACE, LOSSES, Sites};
use canter_core::failure::Failure;
use canter_core::ports::{Claim, Finish, Frontier, Headers, Known, Pages};
use canter_core::publish::{Mark, PublishedPages, Rows};
use canter_core::scope::{Options, Scope};
use canter_core::site::{Limits, Site};
use canter_core::task::{Kind, Outcome, Skip, Task, UrlKey};
use canter_page::url::Limits as UrlLimits;
use canter_tests::contract::{Crawl, indexed, link, url};

use crate::world::{Pushed, Tables, TestClock};

const SITE: &str = "example.org";

/// A site with its crawls, on tables of its own.
struct Stage {
    sites: Sites,
    clock: TestClock,
    pushed: Pushed,
    tables: Tables,
}

/// One crawl of it.
struct Act {
    pages: CloudSite,
    crawling: Crawling,
    crawl: Crawl,
}

impl Stage {
    async fn set() -> Self {
        let tables = Tables::create().await;
        let clock = TestClock::at(1_000_000);
        Stage {
            sites: Sites::new(tables.cloud.clone(), clock.clock()),
            clock,
            pushed: Pushed::default(),
            tables,
        }
    }

    /// Begins a crawl and ends the one before.
    async fn begin(&self, options: Options) -> Act {
        if let Some(before) = self.sites.load_now(SITE).await.unwrap() {
            self.sites.note_filled(SITE, before.crawl).await.unwrap();
            assert!(
                self.sites
                    .end(SITE, before.crawl, &Counts::default())
                    .await
                    .unwrap()
            );
        }
        self.clock.forward(Duration::from_secs(3_600));
        let (_, crawling) = self.sites.begin(&spec(options), true).await.unwrap();
        let cloud = self.tables.cloud.clone();
        let pages = CloudSite::new(cloud, SITE, crawling.crawl, self.clock.clock());
        let crawl = Crawl {
            site: SITE.into(),
            crawl: crawling.crawl,
        };
        Act {
            pages,
            crawling,
            crawl,
        }
    }

    /// Fills the frontier; the paths that were pushed.
    async fn fill(&self, act: &Act) -> Vec<String> {
        let fill = may_move(act.pages.fill(&act.crawling, &self.pushed));
        let filled = fill.await.unwrap();
        let paths = self.paths();
        assert_eq!(filled, paths.len() as u64);
        paths
    }

    fn paths(&self) -> Vec<String> {
        let tasks = self.pushed.take();
        tasks
            .iter()
            .map(|task| task.url.path().to_owned())
            .collect()
    }
}

impl Act {
    /// Claims a page as a link of the seed, and ends it.
    async fn page(&self, path: &str, outcome: Outcome, known: Known) {
        let parent = self.crawl.task("/seed");
        self.pages.claim(&parent, vec![link(path)]).await.unwrap();
        self.end(path, outcome, known).await;
    }

    async fn end(&self, path: &str, outcome: Outcome, known: Known) {
        let finish = Finish {
            outcome,
            known,
            ..indexed("x")
        };
        let task = self.crawl.task(path);
        self.pages.finish(&task, finish).await.unwrap();
    }

    async fn indexed(&self, path: &str, body: &str, canonical: Option<&str>) {
        let known = Known {
            canonical: canonical.map(url),
            ..indexed(body).known
        };
        self.page(path, Outcome::Indexed, known).await;
    }
}

/// A worker may go on with it on any of its threads.
fn may_move<F: Future + Send>(future: F) -> F {
    future
}

fn spec(options: Options) -> CrawlSpec {
    let seeds = vec![url("/seed")];
    let options = Options {
        include: match options.include.is_empty() {
            true => vec!["/**".into()],
            false => options.include,
        },
        ..options
    };
    CrawlSpec {
        site: Site {
            id: SITE.into(),
            scope: Scope::new(&seeds, options).unwrap(),
            seeds,
            sitemaps: vec![url("/sitemap.xml")],
            limits: Limits {
                max_pages: None,
                max_depth: None,
                max_page_bytes: 1 << 20,
                timeout: Duration::from_secs(30),
                attempts: 3,
                url: UrlLimits::default(),
            },
            headers: Headers::default(),
            product: "canter".into(),
        },
        rate: None,
        user_agent: "canter".into(),
        allow_private: false,
        max_loss: 10.0,
        every: None,
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_lost_task_is_pushed_until_it_is_given_up() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    let claim = Claim {
        depth: 4,
        redirects: 2,
        kind: Kind::Sitemap,
        ..link("/poison")
    };
    let links = vec![claim, link("/fine")];
    let tasks = act
        .pages
        .claim(&act.crawl.task("/a"), links)
        .await
        .unwrap()
        .tasks;
    act.end("/fine", Outcome::Indexed, Known::default()).await;
    let due = stage.clock.now() + GRACE;
    stage.clock.forward(GRACE - Duration::from_secs(1));
    let early = may_move(act.pages.sweep(&stage.pushed)).await.unwrap();
    assert_eq!((early.pushed, early.given_up), (0, 0));
    assert_eq!((early.counts.waiting, early.next), (1, Some(due)));

    let poison = tasks
        .iter()
        .find(|task| task.url.path() == "/poison")
        .unwrap();
    for losses in 1..LOSSES {
        stage.clock.forward(GRACE);
        // Two at once: one of them takes it.
        let sweeps = tokio::join!(
            act.pages.sweep(&stage.pushed),
            act.pages.sweep(&stage.pushed)
        );
        let (one, other) = (sweeps.0.unwrap(), sweeps.1.unwrap());
        assert_eq!(one.pushed + other.pushed, 1, "{one:?} {other:?}");
        let again = Task {
            attempts: losses,
            ..poison.clone()
        };
        assert_eq!(stage.pushed.take(), [again]);
    }
    stage.clock.forward(GRACE);
    let last = act.pages.sweep(&stage.pushed).await.unwrap();
    assert_eq!((last.pushed, last.given_up, last.next), (0, 1, None));
    assert_eq!(act.pages.begin(poison).await, Ok(None));
    let after = act.pages.sweep(&stage.pushed).await.unwrap();
    assert_eq!((after.counts.failed, after.counts.waiting), (1, 0));
    assert!(!after.is_the_end(&last.counts) && after.is_the_end(&after.counts));
}

/// A frontier that takes one push, and fails from then on.
#[derive(Default)]
struct Failing(Mutex<Option<usize>>);

impl Frontier for Failing {
    async fn push(&self, tasks: Vec<Task>, _: Duration) -> Result<(), Failure> {
        let mut first = self.0.lock().unwrap();
        if first.is_some() {
            return Err(Failure::transient("on purpose"));
        }
        *first = Some(tasks.len());
        Ok(())
    }
}

/// A sweep that breaks off has cost only the tasks that it marked one of their lives.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_sweep_that_breaks_off_costs_few_lives() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    let links = (0..1_001).map(|n| link(&format!("/{n}"))).collect();
    let parent = act.crawl.task("/a");
    act.pages.claim(&parent, links).await.unwrap();
    stage.clock.forward(GRACE);
    let failing = Failing::default();
    assert!(act.pages.sweep(&failing).await.is_err());
    assert_eq!(failing.0.into_inner().unwrap(), Some(500));
    let swept = act.pages.sweep(&stage.pushed).await.unwrap();
    assert_eq!((swept.pushed, swept.counts.waiting), (1, 1_001));
}

/// An attempt is not lost before it was due and the grace has passed; what has ended is no attempt.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn an_attempt_that_waits_is_not_lost() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    let parent = act.crawl.task("/a");
    let tasks = act
        .pages
        .claim(&parent, vec![link("/1")])
        .await
        .unwrap()
        .tasks;
    let tried = Task {
        attempts: 2,
        ..tasks[0].clone()
    };
    let due = stage.clock.now() + Duration::from_secs(3_600);
    assert_eq!(act.pages.note_attempt(&tried, due).await, Ok(true));
    stage
        .clock
        .forward(Duration::from_secs(3_600) + GRACE - Duration::from_secs(1));
    let swept = act.pages.sweep(&stage.pushed).await.unwrap();
    assert_eq!((swept.pushed, swept.next), (0, Some(due + GRACE)));
    stage.clock.forward(Duration::from_secs(1));
    act.pages.sweep(&stage.pushed).await.unwrap();
    let lost = Task {
        attempts: 3,
        ..tried.clone()
    };
    assert_eq!(stage.pushed.take(), [lost]);
    act.end("/1", Outcome::Indexed, Known::default()).await;
    assert_eq!(act.pages.note_attempt(&tried, due).await, Ok(false));
    let of_older = Task { crawl: 5, ..tried };
    assert_eq!(act.pages.note_attempt(&of_older, due).await, Ok(false));
}

/// A page that is claimed during a sweep is in the counts of the next one.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_end_is_seen_twice() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    act.indexed("/1", "1", None).await;
    let first = act.pages.sweep(&stage.pushed).await.unwrap();
    act.indexed("/2", "2", None).await;
    let second = act.pages.sweep(&stage.pushed).await.unwrap();
    assert!(!second.is_the_end(&first.counts));
    let third = act.pages.sweep(&stage.pushed).await.unwrap();
    assert!(third.is_the_end(&second.counts));
    assert_eq!(act.pages.counts().await, Ok(third.counts));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn rows_are_counted_by_outcome() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    let none = Known::default;
    act.indexed("/1", "1", None).await;
    act.page("/2", Outcome::Unchanged, none()).await;
    act.page("/3", Outcome::Redirected { to: url("/1") }, none())
        .await;
    act.page("/4", Outcome::Gone { status: 404 }, none()).await;
    act.page("/5", Skip::Noindex.into(), none()).await;
    let stays = Outcome::Skipped {
        reason: Skip::LeavesSite,
        to: Some(url("/elsewhere")),
    };
    act.page("/6", stays, none()).await;
    act.page("/7", Outcome::Failed { why: "so".into() }, none())
        .await;
    act.pages
        .claim(&act.crawl.task("/a"), vec![link("/8")])
        .await
        .unwrap();
    let counts = act.pages.counts().await.unwrap();
    assert_eq!((counts.pages, counts.indexed, counts.unchanged), (3, 1, 1));
    assert_eq!((counts.redirected, counts.gone, counts.failed), (1, 1, 1));
    assert_eq!((counts.skipped, counts.waiting), (2, 1));
    let reasons: Vec<_> = counts.skipped_by.into_iter().collect();
    assert_eq!(
        reasons,
        [("leaves_site".to_owned(), 1), ("noindex".to_owned(), 1)]
    );
}

/// Rows beyond one answer of 1 MB are seen as well.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_shard_of_several_pages_is_seen_whole() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    let long = |n: usize| link(&format!("/{n}/{}", "x".repeat(60_000)));
    let links = (0..)
        .map(long)
        .filter(|link| UrlKey::of(&link.url).0[0] >> 4 == 7);
    let links: Vec<Claim> = links.take(40).collect();
    let claimed = act
        .pages
        .claim(&act.crawl.task("/a"), links)
        .await
        .unwrap()
        .tasks;
    assert_eq!(claimed.len(), 40);
    assert_eq!(act.pages.counts().await.unwrap().waiting, 40);
    stage.clock.forward(GRACE);
    assert_eq!(act.pages.sweep(&stage.pushed).await.unwrap().pushed, 40);
    let requests = stage.tables.requests("Query");
    assert!(requests > 32, "{requests}");
}

/// The first crawl begins with its seeds. A second filling, after the first died, pushes them and what
/// was claimed since, and nothing that has ended.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_filling_that_was_cut_off_is_repeated() {
    let stage = Stage::set().await;
    let act = stage.begin(Options::default()).await;
    assert_eq!(stage.fill(&act).await, ["/seed", "/sitemap.xml"]);
    assert_eq!(stage.fill(&act).await, ["/seed", "/sitemap.xml"]);
    let parent = act.crawl.task("/seed");
    act.pages
        .claim(&parent, vec![link("/1"), link("/2")])
        .await
        .unwrap();
    act.end("/1", Outcome::Indexed, Known::default()).await;
    assert_eq!(stage.fill(&act).await, ["/2", "/seed", "/sitemap.xml"]);
    act.end("/seed", Outcome::Indexed, Known::default()).await;
    assert_eq!(stage.fill(&act).await, ["/2", "/sitemap.xml"]);
}

/// A refresh looks at every URL that was fetched, with what is known of it, and gives it to no
/// parent a second time.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_refresh_begins_with_what_is_known() {
    let stage = Stage::set().await;
    let old = stage.begin(Options::default()).await;
    stage.fill(&old).await;
    old.indexed("/page", "body", None).await;
    old.page("/gone", Outcome::Gone { status: 404 }, Known::default())
        .await;
    let parent = old.crawl.task("/page");
    let deep = Claim {
        skip: Some(Skip::TooDeep),
        ..link("/deep")
    };
    old.pages
        .claim(&parent, vec![deep, link("/claimed")])
        .await
        .unwrap();
    old.end("/seed", Outcome::Indexed, Known::default()).await;
    let listed = Outcome::Listed {
        urls: 1,
        left_out: 0,
        whole: true,
    };
    old.end("/sitemap.xml", listed, Known::default()).await;

    let new = stage.begin(Options::default()).await;
    assert_eq!(new.crawling.beginning, Beginning::Refresh);
    let expect = ["/gone", "/page", "/seed", "/sitemap.xml"];
    assert_eq!(stage.fill(&new).await, expect);
    let task = new.crawl.task("/page");
    let known = new.pages.begin(&task).await.unwrap().unwrap();
    assert_eq!(known.newest, indexed("body").known.newest);
    for path in ["/seed", "/other"] {
        let again = new
            .pages
            .claim(&new.crawl.task(path), vec![link("/page")])
            .await;
        assert_eq!(again.unwrap().tasks, [], "{path}");
    }
    let claimed = new
        .pages
        .claim(&task, vec![link("/claimed")])
        .await
        .unwrap()
        .tasks;
    assert_eq!(claimed.len(), 1);
    // A filling that died in the middle goes on.
    assert_eq!(stage.fill(&new).await.len(), 5);
}

/// A scope that grew narrower leaves pages behind: those that never had a page go at the end of the
/// crawl, and publishing decides about the others.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn urls_without_a_page_are_forgotten() {
    let stage = Stage::set().await;
    let old = stage.begin(Options::default()).await;
    stage.fill(&old).await;
    old.indexed("/docs/1", "1", None).await;
    old.indexed("/blog/1", "2", None).await;
    old.page("/blog/2", Outcome::Gone { status: 404 }, Known::default())
        .await;
    old.end("/seed", Outcome::Indexed, Known::default()).await;
    old.end("/sitemap.xml", Skip::Robots.into(), Known::default())
        .await;
    let narrow = Options {
        include: vec!["/docs/**".into()],
        ..Options::default()
    };
    let new = stage.begin(narrow).await;
    assert_eq!(new.crawling.beginning, Beginning::ChangedScope);
    assert_eq!(stage.fill(&new).await, ["/docs/1", "/seed", "/sitemap.xml"]);
    assert_eq!(may_move(new.pages.forget_older()).await, Ok(1));
    assert_eq!(new.pages.forget_older().await, Ok(0));
    let rows = new.pages.rows(Rows::All).await.unwrap();
    let mut rows: Vec<_> = rows
        .iter()
        .map(|row| (row.url.path(), row.signal))
        .collect();
    rows.sort_by_key(|(path, _)| *path);
    assert_eq!(rows, [("/blog/1", None), ("/docs/1", None)]);
    let forgotten = (UrlKey::of(&url("/blog/1")), Mark::Forgotten);
    new.pages.mark(vec![forgotten]).await.unwrap();
    assert_eq!(new.pages.rows(Rows::All).await.unwrap().len(), 1);
}
