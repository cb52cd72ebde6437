//! What every adapter of a port promises, each promise a function over the port: the embedded
//! adapters are held to it, and so is every other one.

pub mod finding;
pub mod frontier;
pub mod index;
pub mod paces;
pub mod pages;
pub mod robots;

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::ports::{Claim, Claimed, Exchange, Finish, Frontier, Known, Pages};
use canter_core::task::{Kind, Outcome, Task, UrlKey};
use canter_core::time::Moment;
use url::Url;

/// A crawl of a site that a store has begun.
#[derive(Debug, Clone)]
pub struct Crawl {
    /// Id of the site.
    pub site: String,
    /// Id of the crawl.
    pub crawl: u64,
}

impl Crawl {
    /// A task of this crawl, as a seed has it.
    pub fn task(&self, path: &str) -> Task {
        Task {
            site: self.site.clone(),
            crawl: self.crawl,
            url: url(path),
            depth: 0,
            hops: 0,
            attempts: 0,
            parent: None,
            kind: Kind::Page,
        }
    }

    /// The crawl before this one.
    #[must_use]
    pub fn older(&self) -> Crawl {
        Crawl {
            crawl: self.crawl - 1,
            ..self.clone()
        }
    }

    /// The crawl after this one.
    #[must_use]
    pub fn newer(&self) -> Crawl {
        Crawl {
            crawl: self.crawl + 1,
            ..self.clone()
        }
    }
}

/// A page store beside a frontier, where they are two things.
#[derive(Debug)]
pub struct Both<P, F> {
    /// The page store.
    pub pages: P,
    /// The frontier.
    pub frontier: F,
}

impl<P: Pages, F: Send + Sync> Pages for Both<P, F> {
    async fn begin(&self, task: &Task) -> Result<Option<Known>, Failure> {
        self.pages.begin(task).await
    }

    async fn claim(&self, parent: &Task, links: Vec<Claim>) -> Result<Claimed, Failure> {
        self.pages.claim(parent, links).await
    }

    async fn finish(&self, task: &Task, finish: Finish) -> Result<(), Failure> {
        self.pages.finish(task, finish).await
    }
}

impl<P: Send + Sync, F: Frontier> Frontier for Both<P, F> {
    async fn push(&self, tasks: Vec<Task>, delay: Duration) -> Result<(), Failure> {
        self.frontier.push(tasks, delay).await
    }
}

/// A URL of the tests' site.
pub fn url(path: &str) -> Url {
    Url::parse("https://example.org/")
        .unwrap()
        .join(path)
        .unwrap()
}

/// A link to a path, one deep.
pub fn link(path: &str) -> Claim {
    Claim::page(url(path), 1)
}

/// The end of a page that is now in the index with these bytes.
pub fn indexed(body: &str) -> Finish {
    Finish {
        outcome: Outcome::Indexed,
        known: Known {
            etag: Some(format!("\"{body}\"")),
            last_modified: None,
            indexed: Some(UrlKey::hash(body.as_bytes())),
            canonical: Some(url("/canonical")),
            misses: 0,
        },
        exchange: Some(Exchange {
            status: 200,
            started: Moment::from_millis(1_000),
            took: Duration::from_millis(20),
            bytes: body.len() as u64,
        }),
    }
}

fn paths(tasks: &[Task]) -> Vec<&str> {
    let mut paths: Vec<&str> = tasks.iter().map(|task| task.url.path()).collect();
    paths.sort_unstable();
    paths
}

/// Unwraps an answer of a store; its failure is the test's.
#[track_caller]
fn fine<T>(answer: Result<T, Failure>) -> T {
    answer.unwrap_or_else(|failure| panic!("the store failed: {failure}"))
}

/// Runs a macro over all that an index promises, by module: each index makes tests of it its own way.
#[macro_export]
macro_rules! promises_of_an_index {
    ($run:ident) => {
        $run! {
            index:
            a_page_is_found_and_comes_back
            a_newer_version_replaces
            an_older_version_loses
            a_put_can_be_repeated
            a_deleted_page_is_gone
            writes_keep_their_order
            sites_are_apart
            words_in_quotation_marks_stand_side_by_side
            what_others_say_counts
            a_list_gives_way
            a_misspelt_word_is_understood
            empty_writes_are_fine
        }
        $run! {
            finding:
            words_are_stemmed_by_their_language
            results_are_counted_by_what_they_can_be_filtered_by
            pages_that_are_nearly_the_same_are_one_result
            names_are_completed
            a_word_that_is_begun_is_completed
        }
    };
}
