//! The world of one step in the cloud.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canter_aws::queue::CloudFrontier;
use canter_aws::{CloudRobots, CloudSite};
use canter_core::document::Document;
use canter_core::domain::domain;
use canter_core::failure::Failure;
use canter_core::ports::{
    FetchError, Fetcher, Frontier, IndexReader, IndexWriter, Refused, Request, Response,
};
use canter_core::rulebook::Rulebook;
use canter_core::scope::Scope;
use canter_core::seen::Seen;
use canter_core::site::Site;
use canter_core::task::{Task, UrlKey};
use canter_core::time::Moment;
use canter_core::world::World;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::gates::Gates;
use crate::lane::Work;
use crate::tally::{CountedGate, Tally};
use crate::worker::{Crawl, Worker};

/// A crawl in the hands of one step. It holds the step's place among those that fetch or read, and
/// gives it up when it has links to push or a page to index: waiting for others to share a message
/// or a bulk blocks nobody.
pub(crate) struct StepWorld<F, I> {
    worker: Arc<Worker<F, I>>,
    crawl: Arc<Crawl<F>>,
    pages: CloudSite,
    gates: Arc<Gates>,
    frontier: StepFrontier,
    index: StepIndex<I>,
}

/// A step's place among those under way.
type Place = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

pub(crate) struct StepFrontier {
    frontier: CloudFrontier,
    tally: Arc<Tally>,
    place: Place,
}

pub(crate) struct StepIndex<I> {
    index: Arc<I>,
    place: Place,
}

fn give_up(place: &Place) {
    place.lock().unwrap_or_else(PoisonError::into_inner).take();
}

impl<F, I> StepWorld<F, I> {
    pub(crate) fn new(
        worker: &Arc<Worker<F, I>>,
        work: &Work<F>,
        gates: &Arc<Gates>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        let crawl = &work.crawl;
        let pages = crawl.pages.in_run(work.run);
        let place: Place = Arc::new(Mutex::new(Some(place)));
        StepWorld {
            worker: Arc::clone(worker),
            crawl: Arc::clone(crawl),
            gates: Arc::clone(gates),
            frontier: StepFrontier {
                frontier: worker.frontier(&pages),
                tally: Arc::clone(&crawl.tally),
                place: Arc::clone(&place),
            },
            index: StepIndex {
                index: Arc::clone(&worker.index),
                place,
            },
            pages,
        }
    }
}

impl<F: Fetcher, I: IndexReader + IndexWriter> World for StepWorld<F, I> {
    type Pages = CloudSite;
    type Frontier = StepFrontier;
    type Index = StepIndex<I>;
    type Reader = I;
    type Robots = CloudRobots;

    fn site(&self) -> &Site {
        &self.crawl.site
    }

    fn pages(&self) -> &CloudSite {
        &self.pages
    }

    fn frontier(&self) -> &StepFrontier {
        &self.frontier
    }

    fn index(&self) -> &StepIndex<I> {
        &self.index
    }

    fn reader(&self) -> &I {
        &self.worker.index
    }

    fn robots(&self) -> &CloudRobots {
        &self.worker.robots
    }

    fn seen(&self) -> &Seen {
        &self.crawl.seen
    }

    fn sitemaps(&self) -> &async_lock::Semaphore {
        &self.worker.sitemaps
    }

    fn rulebook(&self) -> &Rulebook {
        &self.worker.rulebook
    }

    fn now(&self) -> Moment {
        self.worker.time.now()
    }

    fn jitter(&self) -> f64 {
        fastrand::f64()
    }

    fn scope(&self) -> Arc<Scope> {
        self.crawl.scope()
    }

    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let domain = self.gates.of_url(&request.url, self.crawl.rate);
        let _place = domain.flight.acquire().await;
        let gate = Arc::new(CountedGate {
            gate: domain.gate,
            tally: Arc::clone(&self.crawl.tally),
        });
        let response = self.crawl.fetcher.fetch(request, gate).await?;
        self.crawl.tally.received(response.bytes);
        Ok(response)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let _core = self.worker.readers.acquire().await;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Failure::permanent)
    }

    async fn hold(&self, url: &Url, span: Duration) -> Result<(), Failure> {
        let gate = self.gates.of_url(url, self.crawl.rate).gate;
        gate.hold(self.now() + span).await
    }

    fn slow(&self, url: &Url, delay: Duration) {
        let gate = self.gates.of_url(url, self.crawl.rate).gate;
        self.gates.rates.slow(domain(url).as_str(), delay);
        gate.slow(delay);
    }

    async fn move_scope(&self, scope: Scope) -> Result<(), Failure> {
        self.worker.move_scope(&self.crawl, scope).await
    }
}

impl Frontier for StepFrontier {
    async fn push(&self, tasks: Vec<Task>, delay: Duration) -> Result<(), Failure> {
        give_up(&self.place);
        let new = tasks.iter().filter(|task| task.attempts == 0).count();
        self.frontier.push(tasks, delay).await?;
        if delay.is_zero() {
            self.tally.found(new as u64);
        }
        Ok(())
    }
}

impl<I: IndexWriter> IndexWriter for StepIndex<I> {
    async fn put(&self, documents: Vec<Document>) -> Result<Vec<Refused>, Failure> {
        give_up(&self.place);
        let put = self.index.put(documents).await;
        if let Err(failure) = &put {
            // The name by which an alarm counts these: see the metric filter of the template.
            tracing::error!(event = "index_failure", %failure, "pages are not in the index");
        }
        put
    }

    async fn delete(&self, ids: Vec<UrlKey>) -> Result<(), Failure> {
        give_up(&self.place);
        self.index.delete(ids).await
    }

    async fn flush(&self) -> Result<(), Failure> {
        self.index.flush().await
    }
}
