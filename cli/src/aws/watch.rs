//! Watches crawls in a stack until they end, with one read per crawl and second.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use canter_aws::Crawling;
use canter_core::failure::Failure;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::course::Course;
use super::deployed::Deployed;
use crate::crawl::frame::{Frame, Source};
use crate::crawl::show::{Limits, Show, Shown};

/// Time between two looks at a crawl. More looks would cost more and show the same.
const LOOK: Duration = Duration::from_secs(1);

/// How the watch of a crawl ended.
pub enum End {
    /// The crawl ended, or was stopped, paused or limited.
    Rests(Box<Crawling>),
    /// Another crawl of the site took its place.
    Superseded,
}

/// Watches and shows all of these crawls until they end or `enough` resolves. None for each crawl
/// that still goes on.
pub async fn watch(
    deployed: &Deployed,
    crawls: &[Crawling],
    json: bool,
    enough: impl Future<Output = ()>,
) -> Result<Vec<Option<End>>> {
    let began = Instant::now();
    let mut shown = Vec::new();
    let mut looks = JoinSet::new();
    for (number, crawling) in crawls.iter().enumerate() {
        let latest = Latest::default();
        shown.push(Shown {
            id: crawling.spec.site.id.clone(),
            source: latest.clone(),
            limits: Limits {
                rate: crawling.spec.rate,
                pages: crawling.spec.site.limits.max_pages,
                time: None,
                began,
            },
        });
        let look = Look {
            sites: deployed.sites().clone(),
            site: crawling.spec.site.id.clone(),
            crawl: crawling.crawl,
            clock: Arc::clone(&deployed.clock),
            function: deployed.stack.fetch_function.clone(),
            began,
            latest,
        };
        looks.spawn(async move { (number, look.until_the_end().await) });
    }
    // A signal ends the watch, not the crawls.
    let (_nobody, stopped) = watch::channel(false);
    let show = Show::start(json, shown, stopped);
    let ends = gather(looks, crawls.len(), enough).await;
    show.end().await;
    ends
}

/// Waits until all crawls ended, one look failed, or `enough` resolved.
async fn gather(
    mut looks: JoinSet<(usize, Result<End, Failure>)>,
    crawls: usize,
    enough: impl Future<Output = ()>,
) -> Result<Vec<Option<End>>> {
    let mut ends: Vec<Option<End>> = (0..crawls).map(|_| None).collect();
    let mut enough = pin!(enough);
    loop {
        tokio::select! {
            ended = looks.join_next() => {
                let Some(ended) = ended else {
                    return Ok(ends);
                };
                let (number, end) = ended.context("the watch broke off")?;
                ends[number] = Some(end?);
            }
            () = &mut enough => return Ok(ends),
        }
    }
}

/// The newest frame of a crawl. The look writes it and the display reads it, each at its own
/// interval.
#[derive(Clone, Default)]
struct Latest(Arc<Mutex<Frame>>);

impl Latest {
    fn change(&self, change: impl FnOnce(&mut Frame)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Source for Latest {
    async fn frame(&mut self) -> Frame {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Looks at one crawl.
struct Look {
    sites: canter_aws::Sites,
    site: String,
    crawl: u64,
    clock: canter_aws::Clock,
    function: Option<String>,
    began: Instant,
    latest: Latest,
}

impl Look {
    async fn until_the_end(self) -> Result<End, Failure> {
        let mut course = Course::default();
        loop {
            match self.sites.load_now(&self.site).await {
                Ok(found) => {
                    let Some(crawling) = found.filter(|found| found.crawl == self.crawl) else {
                        return Ok(End::Superseded);
                    };
                    let (at, now) = (self.began.elapsed(), (self.clock)().millis());
                    let frame = course.frame(&crawling, at, now, self.function.as_deref());
                    self.latest.change(|latest| *latest = frame);
                    if crawling.ended_ms.is_some() || crawling.rest.is_some() {
                        return Ok(End::Rests(Box::new(crawling)));
                    }
                }
                // The crawl continues unwatched, and the next look may succeed.
                Err(Failure::Transient(why)) => self.latest.change(|latest| {
                    latest.cloud_trouble = Some(format!("out of sight, it goes on: {why}"));
                }),
                Err(failure) => return Err(failure),
            }
            sleep(LOOK).await;
        }
    }
}
