//! What becomes of writes when the server is busy, slow, full or gone, and when the network loses
//! its answers: nothing lost, nothing twice, and a sentence for a person.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::{Catalog, Index, Refused};
use canter_elastic::{ElasticIndex, Settings};
use canter_tests::contract::index::document;
use canter_tests::faults::{Asked, Reply, Turn};
use canter_tests::{Faults, OwnIndex};
use serde_json::{Value, json};

const SITE: &str = "example.org";

/// An index behind a proxy. One request may take a second, trying may take two.
struct Place {
    index: ElasticIndex,
    faults: Faults,
    name: String,
    own: OwnIndex,
}

impl Place {
    async fn new() -> Self {
        let own = OwnIndex::new();
        let faults = Faults::before(own.server());
        let settings = Settings::new(&own.by_way_of(&faults.url()), None).unwrap();
        let settings = settings.patience(Duration::from_secs(2));
        Place {
            index: ElasticIndex::open(&settings).await.unwrap(),
            faults,
            name: settings.index().to_owned(),
            own,
        }
    }

    /// Something becomes of the first so many bulks.
    fn first_bulks(&self, most: usize, turn: impl Fn(&Asked) -> Turn + Send + Sync + 'static) {
        let count = AtomicUsize::new(0);
        self.faults.rule(move |asked| {
            let is_meant = is_bulk(asked) && count.fetch_add(1, Ordering::SeqCst) < most;
            if is_meant { turn(asked) } else { Turn::Pass }
        });
    }

    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        let (put, flushed) = tokio::join!(biased; self.index.put(documents), self.index.flush());
        // Both are told of a failure.
        assert_eq!(put.as_ref().err(), flushed.as_ref().err());
        put
    }

    async fn delete(&self, document: &Document) -> Result<(), Failure> {
        let deleted = self.index.delete(vec![document.id()]);
        let (deleted, flushed) = tokio::join!(biased; deleted, self.index.flush());
        deleted.and(flushed)
    }

    /// Bodies of the bulks that came.
    fn bulks(&self) -> Vec<Asked> {
        let seen = self.faults.seen().into_iter().map(|seen| seen.asked);
        seen.filter(is_bulk).collect()
    }

    fn version(&self, document: &Document) -> Option<u64> {
        let path = format!("/{}/_doc/{}", self.name, document.id());
        self.own.ask("GET", &path, "").1["_version"].as_u64()
    }

    /// Every page is there once.
    async fn holds(&self, documents: &[Document]) {
        let mut ids: Vec<_> = documents.iter().map(Document::id).collect();
        ids.sort();
        assert_eq!(self.index.ids(SITE).await.unwrap(), ids);
        assert_eq!(self.index.count(SITE).await, Ok(ids.len() as u64));
        for document in documents {
            assert_eq!(self.version(document), Some(document.version));
        }
    }
}

fn is_bulk(asked: &Asked) -> bool {
    asked.path.contains("/_bulk")
}

fn pages(count: usize) -> Vec<Document> {
    (0..count)
        .map(|n| document(&format!("/{n}"), 7, "ponies"))
        .collect()
}

/// The server gets only the puts that `keep` says (by their place), and the others fail with this
/// status and error.
fn failing(asked: &Asked, keep: fn(usize) -> bool, status: u16, error: &Value) -> Turn {
    let text = asked.text();
    let lines: Vec<&str> = text.lines().collect();
    let mut body = String::new();
    let count = lines.len() / 2;
    for (place, lines) in lines.chunks(2).enumerate() {
        if keep(place) {
            body.push_str(&format!("{}\n{}\n", lines[0], lines[1]));
        }
    }
    let error = error.clone();
    let answer = move |reply: Reply| {
        let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let mut done = told["items"].as_array().cloned().unwrap_or_default();
        done.reverse();
        let items: Vec<Value> = (0..count)
            .map(|place| match keep(place) {
                true => done.pop().unwrap(),
                false => json!({"index": {"status": status, "error": error}}),
            })
            .collect();
        Reply::json(200, json!({"errors": true, "items": items}).to_string())
    };
    Turn::Change {
        body: body.into_bytes(),
        answer: Box::new(answer),
    }
}

fn rejected() -> Value {
    json!({"type": "es_rejected_execution_exception", "reason": "queue is full"})
}

#[track_caller]
fn says(failure: &Failure, parts: &[&str]) {
    let sentence = failure.to_string();
    for part in parts {
        assert!(sentence.contains(part), "{part:?} is not in: {sentence}");
    }
}

#[tokio::test]
async fn half_of_a_bulk_comes_later() {
    let place = Place::new().await;
    place.first_bulks(2, |asked| failing(asked, |n| n % 2 == 0, 429, &rejected()));
    let pages = pages(8);
    assert_eq!(place.put(pages.clone()).await, Ok(vec![]));
    place.holds(&pages).await;
    let sent: Vec<usize> = place
        .bulks()
        .iter()
        .map(|it| it.text().lines().count() / 2)
        .collect();
    assert_eq!(sent, [8, 4, 2], "only what failed is sent again");
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up() {
    let place = Place::new().await;
    place.first_bulks(usize::MAX, |asked| {
        failing(asked, |n| n == 0, 429, &rejected())
    });
    let (first, second) = (document("/a", 1, "x"), document("/b", 1, "x"));
    let (first, second, flushed) = tokio::join!(
        biased;
        place.index.put(vec![first]),
        place.index.put(vec![second]),
        place.index.flush(),
    );
    // The first of each bulk is taken: of one page each, both are.
    assert_eq!((first, second, flushed), (Ok(vec![]), Ok(vec![]), Ok(())));
    place.first_bulks(usize::MAX, |asked| {
        failing(asked, |_| false, 429, &rejected())
    });
    let failure = place.put(pages(2)).await.unwrap_err();
    assert!(matches!(failure, Failure::Transient(_)));
    let expected = [
        "takes nothing more for now (429",
        "queue is full",
        "nothing is lost",
    ];
    says(&failure, &expected);
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_loses_nothing() {
    let place = Place::new().await;
    place.first_bulks(3, |_| {
        Turn::Answer(Reply::of(503, "text/html", "restarting"))
    });
    let pages = pages(3);
    assert_eq!(place.put(pages.clone()).await, Ok(vec![]));
    place.holds(&pages).await;
    assert_eq!(place.bulks().len(), 4);
    place.first_bulks(usize::MAX, |_| Turn::CutBefore);
    let failure = place.put(pages).await.unwrap_err();
    assert!(matches!(failure, Failure::Transient(_)));
    says(
        &failure,
        &[
            "the connection to Elasticsearch at http://127.0.0.1",
            "nothing is lost",
        ],
    );
}

/// The server did it, and nobody was told.
#[tokio::test]
async fn a_lost_answer_does_nothing_twice() {
    let place = Place::new().await;
    place.first_bulks(2, |_| Turn::CutAfter);
    let pages = pages(3);
    assert_eq!(place.put(pages.clone()).await, Ok(vec![]));
    place.holds(&pages).await;
    place.first_bulks(1, |_| Turn::CutAfter);
    assert_eq!(place.delete(&pages[0]).await, Ok(()));
    place.holds(&pages[1..]).await;
}

#[tokio::test]
async fn a_slow_server_is_asked_again() {
    let place = Place::new().await;
    place.first_bulks(1, |_| Turn::Late(Duration::from_millis(1500)));
    let pages = pages(3);
    assert_eq!(place.put(pages.clone()).await, Ok(vec![]));
    place.holds(&pages).await;
    place.first_bulks(usize::MAX, |_| Turn::Late(Duration::from_secs(3)));
    let failure = place.put(pages).await.unwrap_err();
    assert!(matches!(failure, Failure::Transient(_)));
    says(&failure, &["does not answer within 1 s", "nothing is lost"]);
}

#[tokio::test]
async fn a_bulk_that_is_too_large_is_halved() {
    let place = Place::new().await;
    // A page takes about a thousand bytes here.
    place
        .faults
        .rule(|asked| match is_bulk(asked) && asked.body.len() > 4000 {
            true => Turn::Answer(Reply::of(413, "text/html", "too large")),
            false => Turn::Pass,
        });
    let mut pages = pages(20);
    pages[7].page.text = "neigh ".repeat(1000);
    pages[7].page.sections.clear();
    let refused = place.put(pages.clone()).await.unwrap();
    let giant = pages.remove(7);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].id, giant.id());
    let why = &refused[0].why;
    assert!(why.contains("more than the server takes (413)"), "{why}");
    place.holds(&pages).await;
    let before = place.bulks().len();
    assert_eq!(place.put(pages[..2].to_vec()).await, Ok(vec![]));
    assert_eq!(place.bulks().len(), before + 1);
}

/// Elasticsearch itself refuses a word of 40 KB where a name belongs.
#[tokio::test]
async fn a_page_that_is_refused_leaves_the_others_alone() {
    let place = Place::new().await;
    let mut pages = pages(4);
    pages[2].site = "x".repeat(40_000);
    let refused = place.put(pages.clone()).await.unwrap();
    let bad = pages.remove(2);
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].id, bad.id());
    let why = &refused[0].why;
    assert!(why.contains("immense term in field=\"site\""), "{why}");
    assert!(why.chars().count() < 300, "{why}");
    place.holds(&pages).await;
}

#[tokio::test]
async fn a_key_that_is_withdrawn_ends_the_writing() {
    let place = Place::new().await;
    place.first_bulks(usize::MAX, |_| {
        Turn::Answer(Reply::json(
            401,
            r#"{"error":{"type":"security_exception"}}"#,
        ))
    });
    let failure = place.put(pages(2)).await.unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)));
    says(&failure, &["wants an API key", "CANTER_INDEX_API_KEY"]);
    assert_eq!(place.bulks().len(), 1, "no try helps");
}

/// The block that the server sets when its disk is nearly full, and one that a person sets.
#[tokio::test]
async fn a_read_only_index_is_told() {
    let place = Place::new().await;
    let path = format!("/{}/_settings", place.name);
    let block = |name: &str, on: &str| {
        let body = format!(r#"{{"index.blocks.{name}":{on}}}"#);
        assert_eq!(place.own.ask("PUT", &path, &body).0, 200);
    };
    block("read_only_allow_delete", "true");
    let failure = place.put(pages(2)).await.unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)));
    let expected = [
        "keeps the index",
        &place.name,
        "read-only",
        "disk is nearly full",
    ];
    says(&failure, &expected);
    assert!(place.bulks().len() > 2, "it may pass");
    block("read_only_allow_delete", "null");
    block("write", "true");
    let failure = place.put(pages(2)).await.unwrap_err();
    says(
        &failure,
        &["may not be written", "index write (api)", "nothing is lost"],
    );
    block("write", "null");
    assert_eq!(place.put(pages(2)).await, Ok(vec![]));
    place.holds(&pages(2)).await;
}

#[tokio::test]
async fn an_index_that_vanished_is_told_and_not_made_anew() {
    let place = Place::new().await;
    assert_eq!(place.put(pages(2)).await, Ok(vec![]));
    place.own.ask("DELETE", &format!("/{}", place.name), "");
    place
        .own
        .ask("DELETE", &format!("/_index_template/{}", place.name), "");
    let failure = place.put(pages(2)).await.unwrap_err();
    assert!(matches!(failure, Failure::Permanent(_)));
    says(
        &failure,
        &[&place.name, "is gone", "run `canter crawl` again"],
    );
    says(&place.index.count(SITE).await.unwrap_err(), &["is gone"]);
    says(
        &place.index.get(pages(1)[0].id()).await.unwrap_err(),
        &["is gone"],
    );
    assert_eq!(place.own.ask("GET", &format!("/{}", place.name), "").0, 404);
}

/// A delete whose put failed at first must not be overtaken by it.
#[tokio::test]
async fn a_put_that_comes_later_stays_before_its_delete() {
    let place = Place::new().await;
    place.faults.rule({
        let count = AtomicUsize::new(0);
        move |asked| {
            if !is_bulk(asked) || count.fetch_add(1, Ordering::SeqCst) > 0 {
                return Turn::Pass;
            }
            // The put stays away, the delete behind it is done.
            let text = asked.text();
            let delete = text.lines().last().unwrap();
            Turn::Change {
                body: format!("{delete}\n").into_bytes(),
                answer: Box::new(|reply| {
                    let told: Value = serde_json::from_slice(&reply.body).unwrap();
                    let put = json!({"index": {"status": 429, "error": rejected()}});
                    let items = json!({"items": [put, told["items"][0]]});
                    Reply::json(200, items.to_string())
                }),
            }
        }
    });
    let page = document("/a", 1, "ponies");
    let (put, deleted, flushed) = tokio::join!(
        biased;
        place.index.put(vec![page.clone()]),
        place.index.delete(vec![page.id()]),
        place.index.flush(),
    );
    assert_eq!((put, deleted, flushed), (Ok(vec![]), Ok(()), Ok(())));
    assert_eq!(place.index.get(page.id()).await, Ok(None));
}

/// A delete that the network held back takes nothing out that was put since.
#[tokio::test]
async fn a_delete_that_comes_again_spares_what_is_newer() {
    let place = Place::new().await;
    let page = document("/a", 5, "ponies");
    assert_eq!(place.put(vec![page.clone()]).await, Ok(vec![]));
    assert_eq!(place.delete(&page).await, Ok(()));
    let delete = place.bulks().pop().unwrap();
    let newer = document("/a", 6, "horses");
    assert_eq!(place.put(vec![newer.clone()]).await, Ok(vec![]));
    let (status, _) = place.own.ask("POST", &delete.path, &delete.text());
    assert_eq!(status, 200);
    place.holds(&[newer]).await;
}

/// Nor does an older copy come back that was on its way when the newer one was deleted.
#[tokio::test]
async fn what_is_deleted_does_not_come_back_late() {
    let place = Place::new().await;
    let page = document("/a", 5, "ponies");
    assert_eq!(place.put(vec![page.clone()]).await, Ok(vec![]));
    assert_eq!(place.delete(&page).await, Ok(()));
    for late in [4, 5] {
        let late = document("/a", late, "ponies");
        assert_eq!(place.put(vec![late]).await, Ok(vec![]));
    }
    assert_eq!(place.index.get(page.id()).await, Ok(None));
}

/// More than fits into one bulk, from many callers, all at once.
#[tokio::test]
async fn many_callers_share_bulks() {
    let place = Place::new().await;
    let pages = pages(1200);
    let puts = pages.chunks(10).map(|some| place.index.put(some.to_vec()));
    let mut puts: Vec<_> = puts.map(Box::pin).collect();
    // Each is begun before the first is awaited.
    for put in &mut puts {
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(put.as_mut().poll(cx)))
                .await
                .is_pending()
        );
    }
    place.index.flush().await.unwrap();
    for put in puts {
        assert_eq!(put.await, Ok(vec![]));
    }
    let bulks = place.bulks().len();
    assert!((3..12).contains(&bulks), "{bulks}");
    place.holds(&pages).await;
}
