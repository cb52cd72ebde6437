//! Whether robots.txt lets a URL be fetched. The file of each authority is fetched once for all
//! tasks and kept for a day.

use std::time::Duration;

use url::Url;

use crate::exchange::{FetchError, Request};
use crate::failure::Failure;
use crate::limits::{MAX_HOLD, MAX_HOLD_WAIT};
use crate::ports::{Loaded, Robots};
use crate::robots::{Hop, MAX_AGE, MAX_BYTES, RobotsPolicy, judge, location, unreachable};
use crate::robots_cache::Cached;
use crate::task::Skip;
use crate::world::World;

/// Wait before a robots.txt is asked for again that could not be fetched.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Whether a URL may be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permission {
    /// It may be fetched.
    Granted,
    /// It may not: a rule disallows it, or its host has a private address.
    Denied(Skip),
    /// It is not known yet: try later.
    Later(Unknown),
    /// Another worker is fetching the robots.txt.
    Busy,
    /// The site asks to be left alone for this time before its robots.txt is read.
    Pause(Duration),
    /// The crawl is being stopped.
    Stopped,
}

/// Why it is not known whether a URL may be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// The reason, for a person.
    pub(crate) why: String,
    /// Whether the robots.txt was asked for now. Else another task has asked a moment ago.
    pub(crate) asked: bool,
    /// `Some` if the site asked for patience; contains the time if it named one.
    pub(crate) hold: Option<Option<Duration>>,
}

/// Looks a URL up, and fetches the robots.txt of its authority if necessary.
pub(crate) async fn permission<W: World>(world: &W, url: &Url) -> Result<Permission, Failure> {
    let key = world.site().policy_key(url);
    let cached = world.robots_cache().cached(&key);
    let mut cached = cached.lock().await;
    let asked = cached
        .as_ref()
        .is_none_or(|cached| cached.until <= world.now());
    if asked {
        match obtain(world, &key, url).await? {
            Obtained::Policy(fresh) => *cached = Some(fresh),
            Obtained::Busy => return Ok(Permission::Busy),
            Obtained::Private => return Ok(Permission::Denied(Skip::PrivateAddress)),
            Obtained::Stopped => return Ok(Permission::Stopped),
        }
    }
    Ok(match cached.as_ref().map(|cached| &cached.policy) {
        Some(RobotsPolicy::Rules(rules)) if !rules.allows(url) => Permission::Denied(Skip::Robots),
        Some(RobotsPolicy::Rules(_) | RobotsPolicy::AllowAll) => Permission::Granted,
        Some(RobotsPolicy::DisallowAll { why }) => Permission::Later(Unknown {
            why: why.clone(),
            asked,
            hold: None,
        }),
        Some(RobotsPolicy::Retry { after: Some(span) }) if *span > MAX_HOLD_WAIT => {
            Permission::Pause(*span)
        }
        Some(RobotsPolicy::Retry { after }) => later(asked, *after),
        None => later(asked, None),
    })
}

fn later(asked: bool, after: Option<Duration>) -> Permission {
    Permission::Later(Unknown {
        why: "the site asks to wait before its robots.txt is read".into(),
        asked,
        hold: Some(after),
    })
}

/// The result of looking for a policy.
enum Obtained {
    Policy(Cached),
    Busy,
    /// The site has a private address, so nothing may be sent to it.
    Private,
    Stopped,
}

/// Gets the policy from the store, or from the site.
async fn obtain<W: World>(world: &W, key: &str, url: &Url) -> Result<Obtained, Failure> {
    let now = world.now();
    let loaded = world.robots().load(key, now - MAX_AGE, now).await?;
    let cached = match loaded {
        Loaded::Policy(policy, fetched_at) => Cached {
            policy,
            until: fetched_at + MAX_AGE,
        },
        Loaded::Busy => return Ok(Obtained::Busy),
        Loaded::Fetch => {
            let policy = match ask(world, url).await? {
                Ok(policy) => policy,
                Err(error) => {
                    world.robots().release(key).await?;
                    return Ok(match error {
                        FetchError::PrivateAddress(_) => Obtained::Private,
                        _ => Obtained::Stopped,
                    });
                }
            };
            let now = world.now();
            let is_final = matches!(policy, RobotsPolicy::Rules(_) | RobotsPolicy::AllowAll);
            if is_final {
                world.robots().save(key, &policy, now).await?;
            } else {
                // A failure is not shared: the next worker may have better luck, at the domain's
                // pace.
                world.robots().release(key).await?;
            }
            Cached {
                until: now + if is_final { MAX_AGE } else { ASK_AGAIN },
                policy,
            }
        }
    };
    if let RobotsPolicy::Rules(rules) = &cached.policy
        && let Some(delay) = rules.crawl_delay()
    {
        world.slow(url, delay);
    }
    Ok(Obtained::Policy(cached))
}

/// Fetches the file and follows its redirects, each in a slot. The inner error says nothing about
/// the file: the crawl is being stopped, or the host has a private address.
async fn ask<W: World>(world: &W, url: &Url) -> Result<Result<RobotsPolicy, FetchError>, Failure> {
    let Some(mut at) = location(url) else {
        return Ok(Ok(RobotsPolicy::AllowAll));
    };
    let mut redirects = 0;
    loop {
        let request = Request {
            url: at.clone(),
            headers: world.site().headers_for(&at),
            max_bytes: MAX_BYTES,
            timeout: world.site().limits.timeout,
            wants_body: |head| (200..300).contains(&head.status),
        };
        let response = match world.fetch(request).await {
            Ok(response) => response,
            Err(FetchError::Closed) => return Ok(Err(FetchError::Closed)),
            Err(error @ FetchError::PrivateAddress(_)) if redirects == 0 => return Ok(Err(error)),
            Err(error) => return Ok(Ok(unreachable(&error))),
        };
        match judge(
            &at,
            redirects,
            &response.head,
            &response.body,
            &world.site().product,
            world.now(),
        ) {
            Hop::Follow(to) => {
                at = to;
                redirects += 1;
            }
            Hop::Done(policy) => {
                if let RobotsPolicy::Retry { after } = policy {
                    world
                        .hold(&at, after.unwrap_or(ASK_AGAIN).min(MAX_HOLD))
                        .await?;
                }
                return Ok(Ok(policy));
            }
        }
    }
}
