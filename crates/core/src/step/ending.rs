//! The ends of a task, and its further attempts.

use std::time::Duration;

use url::Url;

use crate::back_off::back_off;
use crate::document::document_id;
use crate::failure::Failure;
use crate::limits::{MAX_HOLD, MAX_HOLD_WAIT, MAX_MISSES, PATIENT_ATTEMPTS};
use crate::ports::{Exchange, Finish, Frontier, IndexWriter, Known, Pages};
use crate::task::{Outcome, Skip, Task};
use crate::world::World;

use super::StepResult;

/// Ends a task that found no page. The page's copy leaves the index when the page is certainly
/// gone.
pub(super) async fn gone<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    let status = exchange.map_or(404, |exchange| exchange.status);
    let misses = known.misses + 1;
    let for_good = status == 410 || misses >= MAX_MISSES;
    let known = if for_good {
        remove(world, task, &known).await?;
        Known::default()
    } else {
        Known { misses, ..known }
    };
    finish(world, task, known, Outcome::Gone { status }, exchange).await
}

pub(super) async fn skip<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    reason: Skip,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    remove(world, task, &known).await?;
    finish(world, task, Known::default(), reason.into(), exchange).await
}

/// Ends the task of a redirect that is not followed.
pub(super) async fn skip_redirect<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    reason: Skip,
    to: Url,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    remove(world, task, &known).await?;
    let to = Some(to);
    let outcome = Outcome::Skipped { reason, to };
    finish(world, task, Known::default(), outcome, exchange).await
}

/// Ends a task that failed. The page's copy stays in the index, since an outage is no reason to
/// forget a page.
pub(super) async fn fail<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    why: String,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    finish(world, task, known, Outcome::Failed { why }, exchange).await
}

/// Schedules another attempt, or ends the task after the last one. `hold` is `Some` if the site
/// asked for patience, and contains the time if the site named one.
pub(super) async fn again<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    why: String,
    hold: Option<Option<Duration>>,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    let allowed = match hold {
        Some(_) => PATIENT_ATTEMPTS,
        None => world.site().limits.attempts,
    };
    if task.attempts + 1 >= allowed {
        let why = format!("{why} (tried {allowed} times)");
        return fail(world, task, known, why, exchange).await;
    }
    let delay = back_off(task.attempts, world.jitter());
    match hold {
        None => push_again(world, task, why, delay).await,
        Some(wanted) => {
            let span = wanted.unwrap_or(delay);
            world.hold(&task.url, span.min(MAX_HOLD)).await?;
            push_again(world, task, why.clone(), span.min(MAX_HOLD_WAIT)).await?;
            if span > MAX_HOLD_WAIT {
                return Ok(paused(span, &why));
            }
            Ok(StepResult::Again(why))
        }
    }
}

pub(super) fn paused(span: Duration, why: &str) -> StepResult {
    let minutes = span.as_secs() / 60;
    StepResult::Paused(format!(
        "the site asks for a pause of {minutes} minutes ({why})"
    ))
}

pub(super) async fn push_again<W: World>(
    world: &W,
    task: &Task,
    why: String,
    delay: Duration,
) -> Result<StepResult, Failure> {
    let task = Task {
        attempts: task.attempts + 1,
        ..task.clone()
    };
    world.frontier().push(vec![task], delay).await?;
    Ok(StepResult::Again(why))
}

/// Deletes the page's copy from the index, if there is one.
pub(super) async fn remove<W: World>(world: &W, task: &Task, known: &Known) -> Result<(), Failure> {
    if known.indexed.is_none() {
        return Ok(());
    }
    let id = document_id(&task.site, &task.url);
    world.index().delete(vec![id]).await
}

pub(super) async fn finish<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    outcome: Outcome,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    let finish = Finish {
        outcome,
        known,
        exchange,
    };
    end(world, task, finish).await
}

pub(super) async fn end<W: World>(
    world: &W,
    task: &Task,
    finish: Finish,
) -> Result<StepResult, Failure> {
    let outcome = finish.outcome.clone();
    world.pages().finish(task, finish).await?;
    Ok(StepResult::Finished(outcome))
}
