//! The frontier: a pushed task is given out once, when it is due. Adapters differ in how they give
//! out tasks, so the tests receive a function that takes all open tasks that are due now.

use std::time::Duration;

use canter_core::ports::{Frontier, Pages};
use canter_core::task::Task;

use super::{Crawl, fine, indexed, link, paths};

/// A pushed task is given out once, with all its fields.
pub async fn a_pushed_task_is_given_out_once<S: Pages + Frontier>(
    store: &S,
    crawl: &Crawl,
    due: impl AsyncFn() -> Vec<Task>,
) {
    let tasks = claimed(store, crawl).await;
    assert_eq!(due().await, [], "what is only claimed is not given out");
    fine(store.push(tasks.clone(), Duration::ZERO).await);
    let mut given = due().await;
    given.sort_by(|one, other| one.url.cmp(&other.url));
    assert_eq!(given, tasks);
    assert_eq!(due().await, []);
}

/// A task that was pushed twice is not given out again once it has ended.
pub async fn pushing_twice_does_no_harm<S: Pages + Frontier>(
    store: &S,
    crawl: &Crawl,
    due: impl AsyncFn() -> Vec<Task>,
) {
    let tasks = claimed(store, crawl).await;
    fine(store.push(tasks.clone(), Duration::ZERO).await);
    fine(store.push(tasks.clone(), Duration::ZERO).await);
    let given = due().await;
    assert!(tasks.iter().all(|task| given.contains(task)), "{given:?}");
    for task in &given {
        fine(store.finish(task, indexed("1")).await);
    }
    assert_eq!(due().await, []);
}

/// A task waits until its delay has passed; pushing it again changes the delay.
pub async fn a_delay_is_kept<S: Pages + Frontier>(
    store: &S,
    crawl: &Crawl,
    due: impl AsyncFn() -> Vec<Task>,
) {
    let tasks = claimed(store, crawl).await;
    fine(store.push(tasks.clone(), Duration::from_secs(3600)).await);
    assert_eq!(due().await, []);
    fine(store.push(tasks[..1].to_vec(), Duration::ZERO).await);
    assert_eq!(paths(&due().await), ["/1"]);
}

/// A failed task comes back with its attempts counted.
pub async fn attempts_are_kept<S: Pages + Frontier>(
    store: &S,
    crawl: &Crawl,
    due: impl AsyncFn() -> Vec<Task>,
) {
    let tasks = claimed(store, crawl).await;
    fine(store.push(tasks[..1].to_vec(), Duration::ZERO).await);
    let mut given = due().await;
    given[0].attempts += 1;
    fine(store.push(given.clone(), Duration::ZERO).await);
    assert_eq!(due().await, given);
}

/// A task that has ended is not given out again, even if it is pushed.
pub async fn what_has_ended_is_not_given_out<S: Pages + Frontier>(
    store: &S,
    crawl: &Crawl,
    due: impl AsyncFn() -> Vec<Task>,
) {
    let tasks = claimed(store, crawl).await;
    fine(store.finish(&tasks[0], indexed("1")).await);
    fine(store.push(tasks, Duration::ZERO).await);
    assert_eq!(paths(&due().await), ["/2"]);
}

async fn claimed<S: Pages>(store: &S, crawl: &Crawl) -> Vec<Task> {
    let links = vec![link("/1"), link("/2")];
    let mut tasks = fine(store.claim(&crawl.task("/"), links).await).tasks;
    tasks.sort_by(|one, other| one.url.cmp(&other.url));
    assert_eq!(paths(&tasks), ["/1", "/2"]);
    tasks
}
