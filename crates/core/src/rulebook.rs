//! robots.txt of every authority that a crawl meets: fetched once for all tasks, kept for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_lock::Mutex as AsyncMutex;
use url::Url;

use crate::domain::authority;
use crate::failure::Failure;
use crate::ports::{FetchError, Loaded, Request, Robots};
use crate::robots::{MAX_AGE, MAX_BYTES, Step, Verdict, judge, location, unreachable};
use crate::site::PRODUCT;
use crate::step::{LONGEST_HOLD, MAX_HOLD};
use crate::task::Skip;
use crate::time::Moment;
use crate::world::World;

/// A host whose robots.txt could not be had is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Whether a URL may be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Granted,
    /// It may not: a rule disallows it, or its host is at a private address.
    Denied(Skip),
    /// Not known yet, for this reason: try later.
    Later(String),
    /// Another worker is fetching the robots.txt.
    Busy,
    /// The site wants to be left alone for so long before its robots.txt is read.
    Pause(Duration),
    /// The crawl is being stopped.
    Stopped,
}

/// The verdicts that this process knows. One task at a time asks for an authority; the others
/// wait for its answer.
#[derive(Debug, Default)]
pub struct Rulebook {
    entries: Mutex<HashMap<String, Arc<AsyncMutex<Option<Entry>>>>>,
}

#[derive(Debug)]
struct Entry {
    verdict: Verdict,
    until: Moment,
}

impl Rulebook {
    /// The sitemaps that the robots.txt of a URL's authority names, if it is known by
    /// [`Rulebook::permission`].
    pub async fn sitemaps(&self, url: &Url) -> Vec<Url> {
        let entry = self.entry(&authority(url));
        let entry = entry.lock().await;
        match entry.as_ref().map(|entry| &entry.verdict) {
            Some(Verdict::Rules(rules)) => rules.sitemaps().collect(),
            _ => Vec::new(),
        }
    }

    fn entry(&self, authority: &str) -> Arc<AsyncMutex<Option<Entry>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(authority.to_owned()).or_default())
    }

    /// Looks a URL up, fetching the robots.txt of its authority if it must.
    pub async fn permission<W: World>(&self, world: &W, url: &Url) -> Result<Permission, Failure> {
        let authority = authority(url);
        let entry = self.entry(&authority);
        let mut entry = entry.lock().await;
        if entry
            .as_ref()
            .is_none_or(|entry| entry.until <= world.now())
        {
            match obtain(world, &authority, url).await? {
                Obtained::Entry(fresh) => *entry = Some(fresh),
                Obtained::Busy => return Ok(Permission::Busy),
                Obtained::Private => return Ok(Permission::Denied(Skip::PrivateAddress)),
                Obtained::Stopped => return Ok(Permission::Stopped),
            }
        }
        Ok(match entry.as_ref().map(|entry| &entry.verdict) {
            Some(Verdict::Rules(rules)) if !rules.allows(url) => Permission::Denied(Skip::Robots),
            Some(Verdict::Rules(_) | Verdict::AllowAll) => Permission::Granted,
            Some(Verdict::DisallowAll { why }) => Permission::Later(why.clone()),
            Some(Verdict::Retry { after: Some(span) }) if *span > MAX_HOLD => {
                Permission::Pause(*span)
            }
            Some(Verdict::Retry { .. }) | None => {
                Permission::Later("the site asks to wait before its robots.txt is read".into())
            }
        })
    }
}

/// What asking for a verdict came to.
enum Obtained {
    Entry(Entry),
    Busy,
    /// Nothing may be sent to the site: it is at a private address.
    Private,
    Stopped,
}

/// The verdict from the store, or from the site.
async fn obtain<W: World>(world: &W, authority: &str, url: &Url) -> Result<Obtained, Failure> {
    let now = world.now();
    let loaded = world.robots().load(authority, now - MAX_AGE, now).await?;
    let entry = match loaded {
        Loaded::Known(verdict, fetched_at) => Entry {
            verdict,
            until: fetched_at + MAX_AGE,
        },
        Loaded::Busy => return Ok(Obtained::Busy),
        Loaded::Fetch => {
            let verdict = match ask(world, url).await? {
                Ok(verdict) => verdict,
                Err(error) => {
                    world.robots().release(authority).await?;
                    return Ok(match error {
                        FetchError::PrivateAddress(_) => Obtained::Private,
                        _ => Obtained::Stopped,
                    });
                }
            };
            let now = world.now();
            let final_word = matches!(verdict, Verdict::Rules(_) | Verdict::AllowAll);
            if final_word {
                world.robots().save(authority, &verdict, now).await?;
            } else {
                // No word for all: whoever asks next may have better luck, at the domain's pace.
                world.robots().release(authority).await?;
            }
            Entry {
                until: now + if final_word { MAX_AGE } else { ASK_AGAIN },
                verdict,
            }
        }
    };
    if let Verdict::Rules(rules) = &entry.verdict
        && let Some(delay) = rules.crawl_delay()
    {
        world.slow(url, delay);
    }
    Ok(Obtained::Entry(entry))
}

/// Fetches the file, following its redirects, each hop in a slot. The error is one that says
/// nothing about the file: the crawl is being stopped, or the host is at a private address.
async fn ask<W: World>(world: &W, url: &Url) -> Result<Result<Verdict, FetchError>, Failure> {
    let Some(mut at) = location(url) else {
        return Ok(Ok(Verdict::AllowAll));
    };
    let mut hops = 0;
    loop {
        let request = Request {
            url: at.clone(),
            headers: world.site().headers_for(&at),
            max_bytes: MAX_BYTES,
            timeout: world.site().limits.timeout,
            wants_body: |head| (200..300).contains(&head.status),
        };
        let answer = match world.fetch(request).await {
            Ok(answer) => answer,
            Err(FetchError::Closed) => return Ok(Err(FetchError::Closed)),
            Err(error @ FetchError::PrivateAddress(_)) if hops == 0 => return Ok(Err(error)),
            Err(error) => return Ok(Ok(unreachable(&error))),
        };
        match judge(&at, hops, &answer.head, &answer.body, PRODUCT, world.now()) {
            Step::Follow(to) => {
                at = to;
                hops += 1;
            }
            Step::Done(verdict) => {
                if let Verdict::Retry { after } = verdict {
                    world
                        .hold(&at, after.unwrap_or(ASK_AGAIN).min(LONGEST_HOLD))
                        .await?;
                }
                return Ok(Ok(verdict));
            }
        }
    }
}
