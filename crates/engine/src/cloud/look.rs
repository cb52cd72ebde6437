//! The end of a crawl in the cloud. It is looked for repeatedly, by a caller that keeps the state
//! of the last look.

use std::sync::Arc;
use std::time::Duration;

use canter_aws::queue::{Watch, depth};
use canter_aws::{Beginning, Counts, Crawling, Rest, Swept, Turn};
use canter_core::failure::Failure;
use canter_core::ports::{Fetcher, IndexReader, IndexWriter};
use canter_core::publish::{Done, When};
use canter_core::time::Moment;

use super::publishing::how;
use super::worker::Worker;

/// Number of looks in which publishing wrote nothing before its time was over, after which the links
/// of the site are not counted any more.
pub(super) const IN_VAIN: u32 = 3;

/// The intervals at which the end of a crawl is looked for. A look is a request to the queue, and a
/// read and a write of the site; a sweep is a pass over all rows of the site.
#[derive(Debug, Clone, Copy)]
pub struct Looks {
    /// Time between two looks at the queue.
    pub between: Duration,
    /// Minimum time between two sweeps. The second sweep sees every row written before the first.
    pub apart: Duration,
    /// Maximum time between two sweeps while a task is not due yet and the queue looks empty, since
    /// its emptiness may be wrong.
    pub lag: Duration,
    /// Time without a finished task after which a crawl may be over although the queue is in use,
    /// since the queue holds the tasks of all sites.
    pub quiet: Duration,
    /// Maximum time that one look spends on publishing. The next look continues it.
    pub pass: Duration,
    /// Time between two publishings of a refresh that goes on.
    pub portion: Duration,
    /// Time until a first crawl is published that goes on; from then on it is when the crawl is twice
    /// as old.
    pub first: Duration,
}

impl Default for Looks {
    /// Returns intervals that suit SQS and DynamoDB: the queue's counts lag by up to a minute.
    fn default() -> Self {
        Looks {
            between: Duration::from_secs(1),
            apart: Duration::from_secs(5),
            lag: Duration::from_secs(60),
            quiet: Duration::from_secs(60),
            pass: Duration::from_secs(30),
            portion: Duration::from_secs(3600),
            first: Duration::from_secs(60),
        }
    }
}

impl Looks {
    /// Returns the intervals for a crawl of this age. They grow with the age, since a moment
    /// matters less in a long crawl.
    pub fn at_age(age: Duration) -> Self {
        let between = (age / 10).clamp(Duration::from_secs(2), Duration::from_secs(60));
        Looks {
            between,
            ..Looks::default()
        }
    }
}

/// The result of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The caller may stop looking.
    Over(Ending),
    /// The look has to be repeated after this time.
    Again(Duration),
}

/// The reason to stop looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The crawl has ended, with these counts.
    Ended(Counts),
    /// Another process has ended the crawl.
    EndedElsewhere,
    /// The crawl rests; its open tasks are kept for the run that continues it.
    Resting(Rest),
    /// The crawl is no longer the newest one of its site, or another process looks for its end.
    Superseded,
}

impl<F, I> Worker<F, I>
where
    F: Fetcher + 'static,
    I: IndexReader + IndexWriter + 'static,
{
    /// Looks for the end of a crawl once: sweeps when the queue looks empty, and publishes and ends
    /// the crawl when two sweeps in a row have seen no open task. Fills a crawl whose filler died,
    /// and publishes what is new in a crawl that rests. Leaves a crawl that is no longer the newest
    /// one as it is. `turn` is the look's place in a chain of errands, if it belongs to one.
    ///
    /// While the queue is in use, no task is pushed, since a task that waits in the queue for long
    /// looks lost. A crawl without progress is counted all the same, so that the end of one site
    /// does not wait for the other sites.
    ///
    /// # Errors
    ///
    /// Returns the errors of the stores and of the index. The look has to be repeated then.
    pub async fn look(
        self: &Arc<Self>,
        (site, crawl): (&str, u64),
        turn: Option<Turn>,
        watch: &mut Watch,
        looks: Looks,
    ) -> Result<Look, Failure> {
        let crawling = match self.standing(site, crawl).await? {
            Standing::Goes(crawling) => crawling,
            Standing::Rests(crawling, rest) => {
                // People search the site meanwhile.
                let part = self.publish_part(&crawling, When::Resting, watch, looks);
                return Ok(match part.await? {
                    true => Look::Again(Duration::ZERO),
                    false => Look::Over(Ending::Resting(rest)),
                });
            }
            Standing::Over(ending) => return Ok(Look::Over(ending)),
        };
        let now = self.time.now();
        let ours = match turn {
            Some(turn) => self.sites.take_turn(site, crawl, turn).await?,
            None => self.sites.note_alive(site, crawl).await?,
        };
        if !ours {
            return Ok(Look::Over(Ending::Superseded));
        }
        if watch.parts > 0 {
            return self.end(&crawling, watch, looks).await;
        }
        if watch.done != crawling.progress.done || watch.since_ms == 0 {
            (watch.done, watch.since_ms) = (crawling.progress.done, now.millis());
        }
        let (since, next) = (
            Moment::from_millis(watch.since_ms),
            Moment::from_millis(watch.next_ms),
        );
        if let Some(next) = self.portion(&crawling, watch, looks).await? {
            return Ok(next);
        }
        let in_use = !depth(&self.cloud).await?.is_empty();
        if in_use && since.until(now) < looks.quiet {
            // The tasks that are being worked on may leave no open task.
            watch.before = None;
            watch.next_ms = watch.next_ms.min((now + looks.between).millis());
            return Ok(Look::Again(looks.between));
        }
        let pages = self.pages(site, crawl).in_run(crawling.run);
        let frontier = self.frontier(&pages).noted();
        if !crawling.filled {
            // Before the crawl is filled, the rows of the last crawl look like leftovers.
            pages.fill(&crawling, &frontier).await?;
            self.sites.note_filled(site, crawl).await?;
            watch.before = None;
            return Ok(Look::Again(Duration::ZERO));
        }
        if now < next {
            return Ok(Look::Again(now.until(next).min(looks.between)));
        }
        let swept = if in_use {
            let counts = pages.counts().await?;
            Swept {
                counts,
                ..Swept::default()
            }
        } else {
            pages.sweep(&frontier).await?
        };
        let over = watch.before.as_ref().is_some_and(|it| swept.is_the_end(it));
        if over && self.goes_on(site, crawl).await? {
            return self.end(&crawling, watch, looks).await;
        }
        // Open tasks count as lost at that time, and not before.
        let lost = swept.next.map(|next| self.time.now().until(next));
        let wait = lost.map_or(looks.apart, |lost| lost.min(looks.lag).max(looks.apart));
        let wait = if in_use {
            wait.max(looks.between)
        } else {
            wait
        };
        watch.next_ms = (self.time.now() + wait).millis();
        watch.before = Some(swept.counts);
        Ok(Look::Again(wait.min(looks.between)))
    }

    /// Publishes what a crawl has seen so far, from time to time, unless each of its pages is shown
    /// as it comes. Returns the next look if it is to follow at once.
    async fn portion(
        &self,
        crawling: &Crawling,
        watch: &mut Watch,
        looks: Looks,
    ) -> Result<Option<Look>, Failure> {
        let now = self.time.now();
        let first = crawling.beginning == Beginning::First;
        // All rows are read each time. A first crawl that doubles its age reads them twice in all.
        let apart = match first {
            true => Moment::from_millis(crawling.crawl)
                .until(now)
                .max(looks.first),
            false => looks.portion,
        };
        if watch.portion_ms == 0 {
            watch.portion_ms = (now + apart).millis();
        }
        let is_due = now.millis() >= watch.portion_ms && crawling.filled;
        if !is_due || first && self.page_by_page || crawling.held.is_some() {
            return Ok(None);
        }
        let how = how(crawling, When::Portion, true);
        let (done, written) = self.publish(crawling, how, looks.pass).await?;
        if matches!(done, Done::Part(_)) && written {
            return Ok(Some(Look::Again(Duration::ZERO)));
        }
        // The end of the crawl looks again at what was held, and goes on with what took too long.
        watch.portion_ms = (self.time.now() + apart).millis();
        Ok(None)
    }

    /// Returns whether the crawl still goes on: it has not come to rest, and no newer crawl has
    /// begun. A sweep takes time, and a page that leaves the index after it does not come back by
    /// itself.
    async fn goes_on(&self, site: &str, crawl: u64) -> Result<bool, Failure> {
        let standing = self.standing(site, crawl).await?;
        Ok(matches!(standing, Standing::Goes(crawling) if crawling.filled))
    }

    /// Publishes the crawl, as far as the time allows, and ends it then.
    async fn end(
        &self,
        crawling: &Crawling,
        watch: &mut Watch,
        looks: Looks,
    ) -> Result<Look, Failure> {
        let (site, crawl) = (crawling.spec.site.id.as_str(), crawling.crawl);
        let part = self.publish_part(crawling, When::Ended, watch, looks);
        if part.await? {
            watch.parts += 1;
            return Ok(Look::Again(Duration::ZERO));
        }
        let counts = self.pages(site, crawl).counts().await?;
        let ended = self.sites.end(site, crawl, &counts).await?;
        if !ended {
            // The crawl came to rest, or a newer one began; the next look tells which.
            watch.parts = 0;
            return Ok(Look::Again(looks.between));
        }
        Ok(Look::Over(Ending::Ended(counts)))
    }

    /// Publishes the crawl, as far as the time allows, and returns whether there is more of it.
    /// Links are read before the first page is written. When that takes all of the time again and
    /// again, the pages are shown without their links.
    async fn publish_part(
        &self,
        crawling: &Crawling,
        when: When,
        watch: &mut Watch,
        looks: Looks,
    ) -> Result<bool, Failure> {
        let links = watch.in_vain < IN_VAIN;
        let how = how(crawling, when, links);
        let (done, written) = self.publish(crawling, how, looks.pass).await?;
        let part = matches!(done, Done::Part(_));
        watch.in_vain += u32::from(part && !written);
        if links && watch.in_vain == IN_VAIN {
            tracing::warn!(
                site = crawling.spec.site.id,
                "the links of the site are not counted, since its pages are not read in the time \
                 of the function: deploy with a longer FunctionTimeout"
            );
        }
        Ok(part)
    }

    async fn standing(&self, site: &str, crawl: u64) -> Result<Standing, Failure> {
        let found = self.sites.load_now(site).await?;
        let Some(found) = found.filter(|found| found.crawl == crawl) else {
            return Ok(Standing::Over(Ending::Superseded));
        };
        if found.ended_ms.is_some() {
            return Ok(Standing::Over(Ending::EndedElsewhere));
        }
        Ok(match found.rest.clone() {
            Some(rest) => Standing::Rests(Box::new(found), rest),
            None => Standing::Goes(Box::new(found)),
        })
    }
}

/// The current state of a crawl.
enum Standing {
    Goes(Box<Crawling>),
    Rests(Box<Crawling>, Rest),
    Over(Ending),
}
