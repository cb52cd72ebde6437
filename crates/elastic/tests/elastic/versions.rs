//! The versions hold the order of what is done to a page, whatever the network does to it: nothing
//! twice, nothing undone.

use std::sync::atomic::{AtomicUsize, Ordering};

use canter_core::document::Document;
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, IndexWriter};
use canter_tests::contract::index::{SITE, document};
use canter_tests::faults::{Reply, Turn};
use serde_json::{Value, json};

use crate::place::{Place, is_bulk, pages, rejected};

async fn delete(place: &Place, document: &Document) -> Result<(), Failure> {
    let deleted = place.index.delete(SITE, vec![document.id()]);
    let (deleted, flushed) = tokio::join!(biased; deleted, place.index.flush());
    deleted.and(flushed)
}

/// The server did it, and nobody was told.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_lost_answer_does_nothing_twice() {
    let place = Place::new().await;
    place.first_bulks(2, |_| Turn::CutAfter);
    let pages = pages(3);
    assert_eq!(place.put(pages.clone()).await, Ok(vec![]));
    place.holds(&pages).await;
    place.first_bulks(1, |_| Turn::CutAfter);
    assert_eq!(delete(&place, &pages[0]).await, Ok(()));
    place.holds(&pages[1..]).await;
}

/// A delete whose put failed at first must not be overtaken by it.
#[tokio::test]
#[ignore = "needs the servers of make test"]
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
        place.index.delete(SITE, vec![page.id()]),
        place.index.flush(),
    );
    assert_eq!((put, deleted, flushed), (Ok(vec![]), Ok(()), Ok(())));
    assert_eq!(place.index.get(SITE, page.id()).await, Ok(None));
}

/// A delete that the network held back takes nothing out that was put since.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_delete_that_comes_again_spares_what_is_newer() {
    let place = Place::new().await;
    let page = document("/a", 5, "ponies");
    assert_eq!(place.put(vec![page.clone()]).await, Ok(vec![]));
    assert_eq!(delete(&place, &page).await, Ok(()));
    let delete = place.bulks().pop().unwrap();
    let newer = document("/a", 6, "horses");
    assert_eq!(place.put(vec![newer.clone()]).await, Ok(vec![]));
    let (status, _) = place.own.ask("POST", &delete.path, &delete.text());
    assert_eq!(status, 200);
    place.holds(&[newer]).await;
}

/// Nor does an older copy come back that was on its way when the newer one was deleted.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn what_is_deleted_does_not_come_back_late() {
    let place = Place::new().await;
    let page = document("/a", 5, "ponies");
    assert_eq!(place.put(vec![page.clone()]).await, Ok(vec![]));
    assert_eq!(delete(&place, &page).await, Ok(()));
    for late in [4, 5] {
        let late = document("/a", late, "ponies");
        assert_eq!(place.put(vec![late]).await, Ok(vec![]));
    }
    assert_eq!(place.index.get(SITE, page.id()).await, Ok(None));
}

/// More than fits into one bulk, from many callers, all at once.
#[tokio::test]
#[ignore = "needs the servers of make test"]
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
