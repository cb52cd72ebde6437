//! A site has one crawl at a time, however many processes begin it.

use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use canter_aws::{Beginning, Counts, CrawlSpec, Progress, Rest, SILENCE, Sites};
use canter_core::failure::Failure;
use canter_core::pace::Rate;
use canter_core::ports::Headers;
use canter_core::scope::{Options, Scope};
use canter_core::site::{Limits, Site};
use canter_page::url::Limits as UrlLimits;
use canter_tests::contract::url;
use canter_tests::faults::{Faults, Reply, Turn};
use canter_tests::stack::Stack;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::client::{Item, items};
use crate::world::{Tables, TestClock};

fn spec(options: Options) -> CrawlSpec {
    let seeds = vec![url("/docs/")];
    CrawlSpec {
        site: Site {
            id: "example.org/docs".into(),
            scope: Scope::new(&seeds, options).unwrap(),
            seeds,
            sitemaps: vec![url("/docs/sitemap.xml")],
            limits: Limits {
                max_pages: Some(1_000),
                max_depth: None,
                max_page_bytes: 1 << 20,
                timeout: Duration::from_secs(30),
                attempts: 3,
                url: UrlLimits::default(),
            },
            headers: Headers(vec![("authorization".into(), "Basic abc".into())]),
            product: "canter".into(),
        },
        rate: Rate::new(10.0),
        user_agent: "canter/1 (+https://canter.example/)".into(),
        allow_private: true,
        max_loss: 10.0,
        every: None,
    }
}

fn wider() -> CrawlSpec {
    spec(Options {
        include: vec!["/blog/**".into()],
        ..Options::default()
    })
}

const SITE: &str = "example.org/docs";

async fn sites() -> (Sites, TestClock, Tables) {
    let tables = Tables::create().await;
    let clock = TestClock::at(1_000_000);
    (
        Sites::new(tables.cloud.clone(), clock.clock()),
        clock,
        tables,
    )
}

/// Ends a crawl whose tasks have all been in the frontier.
async fn end(sites: &Sites, crawl: u64) {
    assert_eq!(sites.note_filled(SITE, crawl).await, Ok(true));
    assert_eq!(sites.end(SITE, crawl, &Counts::default()).await, Ok(true));
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_worker_that_knows_the_id_knows_all() {
    let (sites, _, _tables) = sites().await;
    assert!(sites.load(SITE).await.unwrap().is_none());
    let asked = spec(Options::default());
    let (beginning, begun) = sites.begin(&asked, false).await.unwrap();
    assert_eq!((beginning, begun.crawl), (Beginning::First, 1_000_000));
    for loaded in [sites.load(SITE).await, sites.load_now(SITE).await] {
        let loaded = loaded.unwrap().unwrap();
        assert_eq!((loaded.crawl, loaded.filled), (1_000_000, false));
        assert_eq!((loaded.rest, loaded.ended_ms), (None, None));
        assert_eq!(loaded.scope, asked.site.scope);
        let (spec, site) = (&loaded.spec, &loaded.spec.site);
        assert_eq!(
            (&site.seeds, &site.sitemaps),
            (&asked.site.seeds, &asked.site.sitemaps)
        );
        assert_eq!(site.headers, asked.site.headers);
        assert_eq!(
            format!("{:?}", site.limits),
            format!("{:?}", asked.site.limits)
        );
        assert_eq!((spec.rate, spec.allow_private), (asked.rate, true));
        assert_eq!(spec.user_agent, asked.user_agent);
    }
}

/// Whoever answers searches may read the table of states, and must not be able to read what gives
/// access to private pages.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn headers_are_not_where_searches_may_read() {
    let (sites, clock, tables) = sites().await;
    let with = |value: &str| {
        let mut spec = spec(Options::default());
        spec.site.headers = Headers(vec![("authorization".into(), value.into())]);
        spec
    };
    let loaded = async || {
        sites
            .load_now(SITE)
            .await
            .unwrap()
            .unwrap()
            .spec
            .site
            .headers
    };
    let (_, begun) = sites.begin(&with("Basic abc"), false).await.unwrap();
    assert_eq!(loaded().await, with("Basic abc").site.headers);
    let [_, state] = items(&tables).await;
    assert!(state.iter().all(|item| !says(item, "Basic abc")));
    let public = sites.load_public(SITE).await.unwrap().unwrap();
    assert_eq!(public.spec.site.headers, Headers::default());

    // A crawl that does not begin leaves nothing, nor do those before one with other headers.
    sites.begin(&with("Basic not"), false).await.unwrap();
    assert_eq!(loaded().await, with("Basic abc").site.headers);
    end(&sites, begun.crawl).await;
    clock.forward(Duration::from_secs(1));
    sites.begin(&with("Basic xyz"), false).await.unwrap();
    assert_eq!(loaded().await, with("Basic xyz").site.headers);
    let [pages, _] = items(&tables).await;
    assert!(pages.len() == 1 && says(&pages[0], "Basic xyz"));
}

/// Workers may have read their name.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_same_headers_keep_their_name() {
    let (sites, clock, tables) = sites().await;
    let asked = spec(Options::default());
    let (_, begun) = sites.begin(&asked, false).await.unwrap();
    let [before, _] = items(&tables).await;
    end(&sites, begun.crawl).await;
    clock.forward(Duration::from_secs(1));
    sites.begin(&asked, false).await.unwrap();
    let [after, _] = items(&tables).await;
    assert_eq!((before.len(), &before), (1, &after));
}

/// Whether a value of an item holds a text, packed or not.
fn says(item: &Item, text: &str) -> bool {
    let has = |value: &AttributeValue| {
        let bytes = match value {
            AttributeValue::B(bytes) => bytes.as_ref(),
            AttributeValue::S(text) => text.as_bytes(),
            _ => return false,
        };
        let mut unpacked = String::new();
        // Fails for what is not packed.
        let _ = GzDecoder::new(bytes).read_to_string(&mut unpacked);
        unpacked.contains(text) || String::from_utf8_lossy(bytes).contains(text)
    };
    item.values().any(has)
}

/// What a crawl is begun over, and how.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn how_crawls_begin() {
    let (sites, clock, _tables) = sites().await;
    let same = spec(Options::default());
    let begin = async |spec: &CrawlSpec, change| {
        let (beginning, begun) = sites.begin(spec, change).await.unwrap();
        (beginning, begun.crawl)
    };
    let first = clock.now().millis();
    assert_eq!(begin(&same, false).await, (Beginning::First, first));
    assert_eq!(begin(&same, true).await, (Beginning::Running, first));
    assert_eq!(begin(&wider(), false).await, (Beginning::OtherScope, first));

    // A crawl that rests goes on, with what it was asked for now.
    let stopped = sites.rest(SITE, first, &Rest::Stopped).await;
    assert_eq!(stopped, Ok(true));
    let standing = sites.load_now(SITE).await.unwrap().unwrap();
    assert_eq!(standing.rest, Some(Rest::Stopped));
    assert_eq!(sites.note_filled(SITE, first).await, Ok(true));
    let slower = CrawlSpec {
        rate: Rate::new(1.0),
        ..same.clone()
    };
    assert_eq!(begin(&slower, false).await, (Beginning::Continued, first));
    let standing = sites.load_now(SITE).await.unwrap().unwrap();
    assert_eq!((standing.rest, standing.spec.rate), (None, Rate::new(1.0)));
    assert_eq!(
        (standing.filled, standing.beginning),
        (false, Beginning::First)
    );

    // One that gives no sign of life goes on as well; one that does is left alone.
    clock.forward(SILENCE - Duration::from_secs(1));
    assert_eq!(sites.note(SITE, first, Progress::default()).await, Ok(true));
    clock.forward(Duration::from_secs(2));
    assert_eq!(begin(&same, false).await, (Beginning::Running, first));
    clock.forward(SILENCE);
    assert_eq!(begin(&same, false).await, (Beginning::Continued, first));

    // One that ended is refreshed, and a late word of it changes nothing.
    end(&sites, first).await;
    assert_eq!(sites.rest(SITE, first, &Rest::Stopped).await, Ok(false));
    let second = clock.now().millis();
    assert_eq!(begin(&same, false).await, (Beginning::Refresh, second));
    assert_eq!(sites.end(SITE, first, &Counts::default()).await, Ok(false));
    assert_eq!(
        sites.note(SITE, first, Progress::default()).await,
        Ok(false)
    );

    // Another scope begins anew when that is asked for; no id comes twice.
    let changed = begin(&wider(), true).await;
    assert_eq!(changed, (Beginning::ChangedScope, second + 1));
    assert_eq!(
        begin(&wider(), false).await,
        (Beginning::Running, second + 1)
    );
}

/// A crawl that rests may go on, and one that was not filled has not begun.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn only_what_is_filled_and_goes_on_ends() {
    let (sites, _, _tables) = sites().await;
    let asked = spec(Options::default());
    let (_, begun) = sites.begin(&asked, false).await.unwrap();
    assert_eq!(
        sites.end(SITE, begun.crawl, &Counts::default()).await,
        Ok(false)
    );
    assert_eq!(sites.note_filled(SITE, begun.crawl).await, Ok(true));
    sites.rest(SITE, begun.crawl, &Rest::Stopped).await.unwrap();
    assert_eq!(
        sites.end(SITE, begun.crawl, &Counts::default()).await,
        Ok(false)
    );
    let standing = sites.load_now(SITE).await.unwrap().unwrap();
    let stands = (standing.ended_ms, standing.rest);
    assert_eq!(stands, (None, Some(Rest::Stopped)));
    // It goes on, and has to be filled once more.
    sites.begin(&asked, false).await.unwrap();
    assert_eq!(
        sites.end(SITE, begun.crawl, &Counts::default()).await,
        Ok(false)
    );
    end(&sites, begun.crawl).await;
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_moved_scope_and_progress_last_as_long_as_the_crawl() {
    let (sites, clock, _tables) = sites().await;
    let asked = spec(Options::default());
    let (_, begun) = sites.begin(&asked, false).await.unwrap();
    let www = url::Url::parse("https://www.example.org/docs/").unwrap();
    let moved = asked.site.scope.moved(&asked.site.seeds[0], &www).unwrap();
    assert_eq!(sites.move_scope(SITE, begun.crawl, &moved).await, Ok(true));
    let some = Progress {
        pages: 3,
        done: 5,
        failed: 1,
        ..Progress::default()
    };
    for _ in 0..2 {
        assert_eq!(sites.note(SITE, begun.crawl, some).await, Ok(true));
    }
    let twice = Progress {
        pages: 6,
        done: 10,
        failed: 2,
        ..Progress::default()
    };
    sites.rest(SITE, begun.crawl, &Rest::Stopped).await.unwrap();
    let (_, continued) = sites.begin(&asked, false).await.unwrap();
    assert_eq!((&continued.scope, continued.progress), (&moved, twice));
    end(&sites, begun.crawl).await;
    clock.forward(Duration::from_secs(1));
    let (beginning, next) = sites.begin(&asked, false).await.unwrap();
    assert_eq!(beginning, Beginning::Refresh);
    assert_eq!(
        (&next.scope, next.progress),
        (&asked.site.scope, Progress::default())
    );
    let stored = sites.load_now(SITE).await.unwrap().unwrap();
    assert_eq!((stored.scope, stored.progress), (next.scope, next.progress));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn several_that_begin_at_once_begin_one_crawl() {
    let (sites, clock, _tables) = sites().await;
    for expect in [Beginning::First, Beginning::Refresh] {
        let begins = (0..8).map(|_| {
            let sites = sites.clone();
            tokio::spawn(async move { sites.begin(&spec(Options::default()), false).await })
        });
        let mut begun = Vec::new();
        for begin in begins.collect::<Vec<_>>() {
            let (beginning, crawling) = begin.await.unwrap().unwrap();
            assert_eq!(crawling.crawl, clock.now().millis());
            begun.push(beginning);
        }
        let first = begun.iter().filter(|beginning| **beginning == expect);
        assert_eq!(first.count(), 1, "{begun:?}");
        let joined = begun
            .iter()
            .filter(|beginning| **beginning == Beginning::Running);
        assert_eq!(joined.count(), 7, "{begun:?}");
        end(&sites, clock.now().millis()).await;
        clock.forward(Duration::from_secs(1));
    }
}

/// Otherwise the crawl would stand still, since nobody else fills it.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_beginning_whose_answer_is_lost_is_ours() {
    let (_, clock, tables) = sites().await;
    let proxy = Faults::before(&Stack::find().dynamodb_endpoint);
    let sites = Sites::new(tables.through(proxy.url().to_string()).await, clock.clock());
    for expect in [Beginning::First, Beginning::Refresh] {
        let count = AtomicUsize::new(0);
        proxy.rule(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            1 => Turn::CutAfter,
            _ => Turn::Pass,
        });
        let (beginning, begun) = sites.begin(&spec(Options::default()), false).await.unwrap();
        assert_eq!(beginning, expect);
        end(&sites, begun.crawl).await;
        clock.forward(Duration::from_secs(1));
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn too_many_seeds_are_told() {
    let (sites, _, _tables) = sites().await;
    let seed = |_| {
        let letters = (0..64).map(|_| fastrand::alphanumeric());
        url(&format!("/{}", letters.collect::<String>()))
    };
    let mut asked = spec(Options::default());
    asked.site.seeds = (0..10_000).map(seed).collect();
    let failed = sites.begin(&asked, false).await.unwrap_err();
    assert!(matches!(failed, Failure::Permanent(_)), "{failed}");
    assert!(failed.to_string().contains("--site NAME"), "{failed}");
}

/// If it were taken for no crawl, its tasks would be dropped.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_another_version_wrote_is_a_failure() {
    let (_, clock, tables) = sites().await;
    let proxy = Faults::before(&Stack::find().dynamodb_endpoint);
    let sites = Sites::new(tables.through(proxy.url().to_string()).await, clock.clock());
    assert!(sites.load(SITE).await.unwrap().is_none());
    let asked = spec(Options::default());
    sites.begin(&asked, false).await.unwrap();
    for (name, value) in [
        ("plan", json!({"B": "AAAA"})),
        ("moved", json!({"B": "AAAA"})),
        ("rest", json!({"S": "{\"rest\":\"moonlit\"}"})),
    ] {
        proxy.rule(move |request| {
            let value = value.clone();
            Turn::Change {
                body: request.body.clone(),
                answer: Box::new(move |reply| {
                    let mut answer: Value = serde_json::from_slice(&reply.body).unwrap();
                    answer["Item"][name] = value;
                    Reply {
                        body: answer.to_string().into_bytes(),
                        ..reply
                    }
                }),
            }
        });
        let failures = [
            sites.load(SITE).await.unwrap_err(),
            sites.load_now(SITE).await.unwrap_err(),
            sites.begin(&asked, false).await.unwrap_err(),
        ];
        for failure in failures {
            let why = failure.to_string();
            assert!(why.contains("another version"), "{name}: {why}");
        }
    }
}
