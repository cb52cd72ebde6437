//! What becomes of writes when the server is busy, slow, full, read-only or gone: nothing lost, and
//! a sentence for a person.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_tests::contract::index::document;
use canter_tests::faults::{Asked, Reply, Turn};
use serde_json::{Value, json};

use crate::place::{Place, SITE, is_bulk, pages, rejected};

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

#[track_caller]
fn says(failure: &Failure, parts: &[&str]) {
    let sentence = failure.to_string();
    for part in parts {
        assert!(sentence.contains(part), "{part:?} is not in: {sentence}");
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
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
#[ignore = "needs the servers of make test"]
async fn a_server_that_takes_nothing_is_given_up() {
    let place = Place::hurried().await;
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
#[ignore = "needs the servers of make test"]
async fn a_server_that_is_away_for_a_while_loses_nothing() {
    let place = Place::hurried().await;
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

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_slow_server_is_asked_again() {
    let place = Place::hurried().await;
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
#[ignore = "needs the servers of make test"]
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
#[ignore = "needs the servers of make test"]
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
#[ignore = "needs the servers of make test"]
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
#[ignore = "needs the servers of make test"]
async fn a_read_only_index_is_told() {
    let place = Place::with_patience(Duration::from_secs(10)).await;
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
#[ignore = "needs the servers of make test"]
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
        &place.index.get(SITE, pages(1)[0].id()).await.unwrap_err(),
        &["is gone"],
    );
    assert_eq!(place.own.ask("GET", &format!("/{}", place.name), "").0, 404);
}
