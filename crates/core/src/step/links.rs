//! Hands the links of a page on to the frontier.

use std::collections::HashSet;
use std::time::Duration;

use foldhash::fast::RandomState;
use url::Url;

use crate::failure::Failure;
use crate::ports::{Claim, Claimed, Frontier, Pages};
use crate::task::{Skip, Task, UrlKey};
use crate::world::World;
use canter_page::url::trap;

/// Maximum number of claims made at once, which keeps the transactions of a store short.
const BATCH: usize = 1_000;

/// Returns claims of the targets that may become tasks: the targets that are in scope and were not
/// handed on before, each once. Traps and targets that lie too deep are marked to be skipped, as
/// are all targets of a page whose content is repeated.
pub(super) fn claims<'a, W: World>(
    world: &W,
    task: &Task,
    is_repeated: bool,
    targets: impl Iterator<Item = &'a Url>,
) -> Vec<Claim> {
    let limits = &world.site().limits;
    let scope = world.scope();
    let depth = task.depth + 1;
    let too_deep = limits.max_depth.is_some_and(|most| depth > most);
    let too_deep = too_deep.then_some(Skip::TooDeep);
    let skip = too_deep.or(is_repeated.then_some(Skip::TrapRepeats));
    let mut met: HashSet<&Url, RandomState> = HashSet::default();
    let targets = targets.filter(|url| met.insert(url) && scope.contains(url));
    // Most targets are known already, and known targets are not even copied.
    let unknown = world
        .seen()
        .unknown(targets.collect(), |url| UrlKey::of(url));
    unknown
        .into_iter()
        .map(|url| Claim {
            skip: trap(url, &limits.url).map(Skip::from).or(skip).or_else(|| {
                let combines = world.traps().combines(url);
                combines.then_some(Skip::TrapCombinations)
            }),
            ..Claim::page(url.clone(), depth)
        })
        .collect()
}

/// Makes the claims and pushes the tasks whose claims were won. Only then are the URLs remembered
/// as seen. A URL that another parent has claimed is not remembered, since that parent may die
/// before it pushes the task.
pub(super) async fn hand_on<W: World>(
    world: &W,
    task: &Task,
    claims: impl IntoIterator<Item = Claim>,
) -> Result<(), Failure> {
    let mut claims = claims.into_iter().peekable();
    while claims.peek().is_some() {
        let batch = claims.by_ref().take(BATCH).collect();
        hand_on_batch(world, task, batch).await?;
    }
    Ok(())
}

async fn hand_on_batch<W: World>(
    world: &W,
    task: &Task,
    claims: Vec<Claim>,
) -> Result<(), Failure> {
    let key = |claim: &Claim| UrlKey::of(&claim.url);
    let claims = world.seen().unknown(claims, key);
    if claims.is_empty() {
        return Ok(());
    }
    let Claimed { tasks, settled } = world.pages().claim(task, claims).await?;
    let pushed: Vec<UrlKey> = tasks.iter().map(|task| UrlKey::of(&task.url)).collect();
    if !tasks.is_empty() {
        world.frontier().push(tasks, Duration::ZERO).await?;
    }
    world.seen().remember(pushed.into_iter().chain(settled));
    Ok(())
}
