//! The frontier: the rows in the waiting state, ordered by the time at which they are due.

use std::sync::atomic::Ordering;
use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::Frontier;
use canter_core::publish::{Changes, Done};
use canter_core::rest::Rest;
use canter_core::solo::{Popped, SoloCrawl};
use canter_core::task::{Task, UrlKey};
use canter_core::time::Moment;
use rusqlite::{Connection, OptionalExtension, Row, params};
use url::Url;

use super::crawls::SiteStore;
use super::schema::kind;
use super::schema::state::{CLAIMED, TAKEN, WAITING};

impl Frontier for SiteStore {
    async fn push(&self, tasks: Vec<Task>, delay: Duration) -> Result<(), Failure> {
        let (site, due) = (self.site, (self.clock)() + delay);
        self.store
            .run(move |connection| {
                let mut push = connection.prepare_cached(
                    "UPDATE url SET state = ?1, due_ms = ?2, attempts = ?3
                     WHERE site = ?4 AND key = ?5 AND crawl = ?6 AND state < 3",
                )?;
                for task in &tasks {
                    let key = UrlKey::of(&task.url).0;
                    push.execute(params![
                        WAITING,
                        due.millis() as i64,
                        task.attempts,
                        site,
                        key,
                        task.crawl as i64
                    ])?;
                }
                Ok(())
            })
            .await?;
        self.pushed.notify_one();
        Ok(())
    }
}

impl SoloCrawl for SiteStore {
    async fn pop(&self, count: usize) -> Result<Popped, Failure> {
        let (site, name, crawl) = (self.site, self.name.clone(), self.crawl);
        let now = (self.clock)().millis() as i64;
        self.store
            .run(move |connection| {
                let tasks = due(connection, site, now, count, &name, crawl)?;
                if !tasks.is_empty() {
                    take(connection, site, &tasks)?;
                    return Ok(Popped::Tasks(tasks));
                }
                let next = connection
                    .prepare_cached(
                        "SELECT due_ms FROM url INDEXED BY frontier WHERE site = ? AND state = 1
                         ORDER BY due_ms LIMIT 1",
                    )?
                    .query_row([site], |row| row.get::<_, i64>(0))
                    .optional()?;
                Ok(next.map_or(Popped::Empty, |due| {
                    Popped::Wait(Moment::from_millis(due.max(0) as u64))
                }))
            })
            .await
    }

    async fn sweep(&self) -> Result<usize, Failure> {
        let (site, crawl) = (self.site, self.crawl as i64);
        self.store
            .run(move |connection| {
                connection
                    .prepare_cached(
                        "UPDATE url SET state = ?, due_ms = 0
                         WHERE site = ? AND crawl = ? AND state IN (?, ?)",
                    )?
                    .execute(params![WAITING, site, crawl, CLAIMED, TAKEN])
            })
            .await
    }

    fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn pushed(&self) {
        self.pushed.notified().await;
    }

    async fn changes(&self) -> Result<Changes, Failure> {
        self.noted_changes().await
    }

    async fn record_published(&self, done: Done) -> Result<Done, Failure> {
        let before = self.noted_changes().await?;
        Ok(match done {
            Done::Published(changes) => {
                let all = before.and(*changes);
                self.note_changes(&all).await?;
                self.note_held(None).await?;
                Done::Published(Box::new(all))
            }
            Done::Part(changes) => {
                let all = before.and(*changes);
                self.note_changes(&all).await?;
                Done::Part(Box::new(all))
            }
            Done::Held(held) => {
                self.note_held(Some(&held)).await?;
                Done::Held(held)
            }
        })
    }

    async fn record_end(&self) -> Result<(), Failure> {
        self.end().await
    }

    async fn record_rest(&self, rest: &Rest) -> Result<(), Failure> {
        self.note_rest(&rest.clone().into()).await
    }
}

fn due(
    connection: &Connection,
    site: i64,
    now: i64,
    count: usize,
    name: &str,
    crawl: u64,
) -> rusqlite::Result<Vec<Task>> {
    connection
        .prepare_cached(
            "SELECT url, depth, hops, attempts, parent, kind FROM url INDEXED BY frontier
             WHERE site = ? AND state = 1 AND due_ms <= ? ORDER BY due_ms, depth LIMIT ?",
        )?
        .query_map(params![site, now, count as i64], |row| {
            task(row, name, crawl)
        })?
        .collect()
}

fn take(connection: &Connection, site: i64, tasks: &[Task]) -> rusqlite::Result<()> {
    let mut take =
        connection.prepare_cached("UPDATE url SET state = ? WHERE site = ? AND key = ?")?;
    for task in tasks {
        take.execute(params![TAKEN, site, UrlKey::of(&task.url).0])?;
    }
    Ok(())
}

fn task(row: &Row<'_>, site: &str, crawl: u64) -> rusqlite::Result<Task> {
    let parent: Option<String> = row.get(4)?;
    Ok(Task {
        site: site.to_owned(),
        crawl,
        url: super::pages::url(row.get(0)?)?,
        depth: row.get(1)?,
        redirects: row.get(2)?,
        attempts: row.get(3)?,
        parent: parent.and_then(|parent| Url::parse(&parent).ok()),
        kind: kind::named(row.get(5)?),
    })
}
