//! The ends of a task, and its further attempts.

use std::time::Duration;

use url::Url;

use crate::absence::{Absence, Signal};
use crate::back_off::back_off;
use crate::failure::Failure;
use crate::limits::{MAX_HOLD, MAX_HOLD_WAIT, PATIENT_ATTEMPTS};
use crate::ports::{Exchange, Finish, Frontier, Known, Pages};
use crate::task::{Outcome, Skip, Task};
use crate::world::World;

use super::StepResult;

/// Ends a task that found no page.
pub(super) async fn gone<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    let status = exchange.map_or(404, |exchange| exchange.status);
    finish(world, task, known, Outcome::Gone { status }, exchange).await
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
    let to = Some(to);
    let outcome = Outcome::Skipped { reason, to };
    finish(world, task, known, outcome, exchange).await
}

/// Ends a task that failed.
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

/// Ends a task. What earlier crawls know of the page stays known, whatever this one saw.
pub(super) async fn finish<W: World>(
    world: &W,
    task: &Task,
    known: Known,
    outcome: Outcome,
    exchange: Option<Exchange>,
) -> Result<StepResult, Failure> {
    let status = exchange.map(|exchange| exchange.status);
    let signal = Signal::of(&outcome, status);
    let finish = Finish {
        outcome: outcome.clone(),
        known: Known {
            absence: Absence::after(known.absence, signal, world.now()),
            ..known
        },
        exchange,
    };
    world.pages().finish(task, finish).await?;
    Ok(StepResult::Finished(outcome))
}
