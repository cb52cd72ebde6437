//! Starting and stopping crawls, for the command line and the schedule.

use std::sync::Arc;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::pace::{Pace, Tolerance};
use canter_core::publish::MAX_LOSS;

use crate::bill::Bill;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::pages::CloudSite;
use crate::queue::{CloudFrontier, Errand, Outbox, OutboxOptions, Sweep, Watch, tasks_per_message};
use crate::sites::{Beginning, CrawlSpec, Crawling, Progress, Rest, Sites, Turn};

/// Delay of the first look for a crawl's end, which gives the starter time to fill the crawl.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// Silence after which a crawl has lost its chain of sweeps. The longest pause between two sweeps is
/// a fraction of this.
const LOST: Duration = Duration::from_secs(10 * 60);
/// Interval at which the stack looks for sites that are due: see the template's `DueSchedule`.
pub const TICK: Duration = Duration::from_secs(3600);

/// Starts and stops the crawls of a stack.
#[derive(Clone)]
pub struct Steering {
    cloud: Cloud,
    clock: Clock,
    /// The sites of the stack.
    pub sites: Sites,
}

impl Steering {
    /// Sends nothing yet.
    pub fn new(cloud: Cloud, clock: Clock) -> Self {
        Steering {
            sites: Sites::new(cloud.clone(), Arc::clone(&clock)),
            cloud,
            clock,
        }
    }

    /// Begins a crawl, or continues or joins the one that is there, as [`Sites::begin`] says, and
    /// pushes its first tasks. A sweep will look for its end even if this process dies here. The
    /// requests go on the bill of `who`.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB or SQS. The call can be repeated.
    pub async fn start(
        &self,
        spec: &CrawlSpec,
        change_scope: bool,
        who: &str,
    ) -> Result<(Beginning, Crawling), Failure> {
        let (beginning, crawling) = self.sites.begin(spec, change_scope).await?;
        match beginning {
            Beginning::OtherScope => {}
            Beginning::Running => {
                let silence = (self.clock)().millis().saturating_sub(crawling.alive_ms);
                if crawling.sweeper.is_none() || u128::from(silence) > LOST.as_millis() {
                    self.look_for_end(&crawling).await?;
                }
            }
            Beginning::First
            | Beginning::Continued
            | Beginning::Refresh
            | Beginning::ChangedScope => {
                self.look_for_end(&crawling).await?;
                self.fill(&crawling).await?;
                let bill = Bill::of(who, self.cloud.meter.take());
                let crawl = (spec.site.id.as_str(), crawling.crawl);
                bill.add_to(&self.cloud, crawl, (self.clock)()).await?;
            }
        }
        Ok((beginning, crawling))
    }

    /// Asks the newest crawl of a site to rest: its tasks are dropped as they come up, and wait in
    /// the page store. Returns none for an unknown site, else the crawl as it was and whether this
    /// call made it rest.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB.
    pub async fn stop(&self, site: &str) -> Result<Option<(Crawling, bool)>, Failure> {
        let Some(crawling) = self.sites.load_now(site).await? else {
            return Ok(None);
        };
        let rests = crawling.goes_on()
            && self
                .sites
                .rest(site, crawling.crawl, &Rest::Stopped)
                .await?;
        Ok(Some((crawling, rests)))
    }

    /// Has the site published as its last crawl has seen it, without a check. Returns none for an
    /// unknown site, else its crawl and whether the errand was sent: a crawl that goes on publishes
    /// by itself at its end.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB or SQS.
    pub async fn publish(&self, site: &str) -> Result<Option<(Crawling, bool)>, Failure> {
        let errand = Errand::Publish {
            site: site.to_owned(),
            in_vain: 0,
        };
        self.send_unless_running(site, errand).await
    }

    /// Has the index of the site made anew from the archive. Returns what [`Steering::publish`]
    /// returns.
    ///
    /// # Errors
    ///
    /// The failure of DynamoDB or SQS.
    pub async fn reindex(&self, site: &str) -> Result<Option<(Crawling, bool)>, Failure> {
        let errand = Errand::Reindex {
            site: site.to_owned(),
            in_vain: 0,
        };
        self.send_unless_running(site, errand).await
    }

    async fn send_unless_running(
        &self,
        site: &str,
        errand: Errand,
    ) -> Result<Option<(Crawling, bool)>, Failure> {
        let Some(crawling) = self.sites.load_now(site).await? else {
            return Ok(None);
        };
        let runs = crawling.is_running((self.clock)().millis());
        if !runs {
            errand.send(&self.cloud, Duration::ZERO).await?;
        }
        Ok(Some((crawling, !runs)))
    }

    /// Starts a new crawl of every site without an interval of its own whose crawl has ended, and
    /// continues those that were cut off or are paused. Stopped crawls and those at a limit stay as
    /// they are. Returns the failures by site, since one site's failure must not hold up the others.
    ///
    /// # Errors
    ///
    /// The failure to list the sites.
    pub async fn refresh_all(&self, who: &str) -> Result<Vec<(String, Failure)>, Failure> {
        let without = |crawling: &Crawling| crawling.spec.every.is_none();
        self.refresh(without, who).await
    }

    /// Does the same for the sites whose own interval is over. Call it once a [`TICK`].
    ///
    /// # Errors
    ///
    /// The failure to list the sites.
    pub async fn refresh_due(&self, who: &str) -> Result<Vec<(String, Failure)>, Failure> {
        let now = (self.clock)();
        self.refresh(|crawling| crawling.is_due(now, TICK), who)
            .await
    }

    async fn refresh(
        &self,
        chosen: impl Fn(&Crawling) -> bool,
        who: &str,
    ) -> Result<Vec<(String, Failure)>, Failure> {
        let mut failed = Vec::new();
        for site in self.sites.all().await? {
            let crawling = match self.sites.load_now(&site).await {
                Ok(Some(crawling)) => crawling,
                Ok(None) => continue,
                Err(failure) => {
                    failed.push((site, failure));
                    continue;
                }
            };
            let stays = matches!(crawling.rest, Some(Rest::Stopped | Rest::Limit { .. }));
            if !chosen(&crawling) || stays && crawling.ended_ms.is_none() {
                continue;
            }
            // A person permitted a larger loss for one crawl only.
            let spec = CrawlSpec {
                max_loss: MAX_LOSS.min(crawling.spec.max_loss),
                ..crawling.spec
            };
            if let Err(failure) = self.start(&spec, false, who).await {
                failed.push((site, failure));
            }
        }
        Ok(failed)
    }

    /// Begins a new chain of sweeps.
    async fn look_for_end(&self, crawling: &Crawling) -> Result<(), Failure> {
        let (site, crawl) = (&crawling.spec.site.id, crawling.crawl);
        let Some(chain) = self.sites.new_sweeper(site, crawl).await? else {
            // The crawl has ended in the meantime.
            return Ok(());
        };
        let sweep = Errand::Sweep(Sweep {
            site: site.clone(),
            crawl,
            turn: Turn { chain, number: 1 },
            watch: Watch::default(),
        });
        sweep.send(&self.cloud, FIRST_LOOK).await
    }

    /// Pushes the tasks that a crawl begins or goes on with.
    async fn fill(&self, crawling: &Crawling) -> Result<(), Failure> {
        let (site, crawl) = (&crawling.spec.site.id, crawling.crawl);
        let pages = CloudSite::new(self.cloud.clone(), site, crawl, Arc::clone(&self.clock))
            .in_run(crawling.run);
        let pace = crawling
            .spec
            .rate
            .map(|rate| Pace::new(rate, Tolerance::SHARED));
        let most = tasks_per_message(pace.map_or(Duration::ZERO, |pace| pace.spacing));
        let options = OutboxOptions {
            clock: Arc::clone(&self.clock),
            most: Box::new(move |_| most),
        };
        let outbox = Outbox::open(&self.cloud, options);
        let frontier = CloudFrontier::new(pages.clone(), outbox, Arc::clone(&self.clock));
        let filled = pages.fill(crawling, &frontier.noted()).await?;
        self.sites.note_filled(site, crawl).await?;
        let progress = Progress {
            found: filled,
            ..Progress::default()
        };
        self.sites.note(site, crawl, progress).await.map(drop)
    }
}
