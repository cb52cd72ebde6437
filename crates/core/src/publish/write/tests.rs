//! Writes end, in whatever order the index takes them.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::poll_fn;
use url::Url;

use super::*;
use crate::archived_page::{ArchivedPage, PageLinks};
use crate::fingerprint::Fingerprint;
use crate::ports::{Place, Retained};
use crate::publish::Rows;
use crate::time::Moment;

#[test]
fn a_write_is_later_than_the_one_before_it() {
    assert_eq!(next(3, None), 3 * 1024);
    assert_eq!(next(3, Some(2 * 1024 + 7)), 3 * 1024);
    assert_eq!(next(3, Some(3 * 1024)), 3 * 1024 + 1);
    // An index that another state was published to.
    assert_eq!(next(3, Some(9 * 1024)), 9 * 1024 + 1);
}

/// Pages, an archive that holds all of them, and an index that takes one write at a time.
#[derive(Default)]
struct Narrow {
    marked: AtomicUsize,
    /// Who uses the index or waits for it, first come first served.
    queue: Mutex<VecDeque<(usize, Option<Waker>)>>,
    number: AtomicUsize,
}

impl Narrow {
    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<(usize, Option<Waker>)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn, and then for some polls more.
    async fn turn(&self, mut polls: usize) {
        let own = self.number.fetch_add(1, Ordering::Relaxed);
        self.queue().push_back((own, None));
        poll_fn(|context| {
            let mut queue = self.queue();
            if queue.front().is_some_and(|(first, _)| *first == own) {
                return Poll::Ready(());
            }
            let place = queue.iter_mut().find(|(number, _)| *number == own);
            place.unwrap().1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        poll_fn(|context| match polls {
            0 => Poll::Ready(()),
            _ => {
                polls -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
        let mut queue = self.queue();
        queue.pop_front();
        if let Some((_, Some(next))) = queue.front_mut() {
            next.wake_by_ref();
        }
    }
}

impl IndexWriter for Narrow {
    async fn has_room(&self) {}

    async fn put(&self, _: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        self.turn(3).await;
        Ok(Vec::new())
    }

    async fn delete(&self, _: &str, _: Vec<UrlKey>) -> Result<(), Failure> {
        Ok(())
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.turn(0).await;
        Ok(())
    }
}

impl Archive for Narrow {
    async fn put(&self, _: ArchivedPage) -> Result<Place, Failure> {
        Err(Failure::permanent("it is full"))
    }

    async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        let page = |place: &Place| ArchivedPage {
            site: site.to_owned(),
            url: url(&place.0),
            fetched_at: Moment(0),
            version: 1,
            hash: UrlKey([0; 16]),
            etag: None,
            last_modified: None,
            page: canter_page::Page::default(),
        };
        Ok(places.iter().map(|place| Some(page(place))).collect())
    }

    async fn links(&self, _: &str, _: &[Place]) -> Result<Vec<Option<PageLinks>>, Failure> {
        Ok(Vec::new())
    }

    async fn retain(&self, _: &str, _: Vec<Place>) -> Result<Retained, Failure> {
        Err(Failure::permanent("it keeps everything"))
    }

    async fn forget(&self, _: &str) -> Result<(), Failure> {
        Ok(())
    }
}

impl PublishedPages for Narrow {
    async fn rows(&self, _: Rows) -> Result<Vec<PageRow>, Failure> {
        Ok(Vec::new())
    }

    async fn redirects(&self) -> Result<HashMap<UrlKey, UrlKey>, Failure> {
        Ok(HashMap::new())
    }

    async fn mark(&self, marks: Vec<(UrlKey, Mark)>) -> Result<(), Failure> {
        self.marked.fetch_add(marks.len(), Ordering::Relaxed);
        Ok(())
    }

    async fn forget_older(&self) -> Result<u64, Failure> {
        Ok(0)
    }
}

fn url(path: &str) -> Url {
    Url::parse("https://a.test/").unwrap().join(path).unwrap()
}

/// A flush waits behind the writes, and they go on while it waits.
#[test]
fn writes_that_wait_for_the_index_come_to_their_end() {
    let narrow = Narrow::default();
    let pages = 3 * PAGES + 5;
    let mut writing = Box::pin(async {
        let mut writer = Writer::new("a.test", &narrow, &narrow, &narrow);
        for number in 0..pages {
            let path = format!("/{number}");
            let kept = Kept {
                fingerprint: Fingerprint::of(1, UrlKey([0; 16]), "", ""),
                place: Place(path.clone()),
            };
            let row = PageRow {
                url: url(&path),
                newest: Some(kept.clone()),
                published: None,
                canonical: None,
                signal: None,
                absence: None,
            };
            writer.write(&row, &kept, None, None).await?;
        }
        writer.end().await
    });
    let mut context = Context::from_waker(Waker::noop());
    let ended = (0..1_000).any(|_| match Pin::as_mut(&mut writing).poll(&mut context) {
        Poll::Ready(ended) => ended.is_ok(),
        Poll::Pending => false,
    });
    assert!(ended);
    assert_eq!(narrow.marked.load(Ordering::Relaxed), pages);
}
