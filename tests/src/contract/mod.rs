//! The contracts of the ports. Each promise is a function over the port, and every adapter is
//! tested against it, the embedded ones and all others.

pub mod archive;
pub mod asked;
pub mod finding;
pub mod frontier;
pub mod index;
pub mod paces;
pub mod pages;
pub mod published;
pub mod robots;

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::fingerprint::Fingerprint;
use canter_core::ports::{Claim, Claimed, Exchange, Finish, Frontier, Known, Pages, Place};
use canter_core::publish::Kept;
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
    /// Returns a task of this crawl, with the fields of a seed.
    pub fn task(&self, path: &str) -> Task {
        Task {
            site: self.site.clone(),
            crawl: self.crawl,
            url: url(path),
            depth: 0,
            redirects: 0,
            attempts: 0,
            parent: None,
            kind: Kind::Page,
        }
    }

    /// Returns the crawl before this one.
    #[must_use]
    pub fn older(&self) -> Crawl {
        Crawl {
            crawl: self.crawl - 1,
            ..self.clone()
        }
    }

    /// Returns the crawl after this one.
    #[must_use]
    pub fn newer(&self) -> Crawl {
        Crawl {
            crawl: self.crawl + 1,
            ..self.clone()
        }
    }
}

/// A page store and a frontier, for adapters that implement them separately.
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

/// Returns a URL of the tests' site.
pub fn url(path: &str) -> Url {
    Url::parse("https://example.org/")
        .unwrap()
        .join(path)
        .unwrap()
}

/// Returns a claim of a link to a path, at depth one.
pub fn link(path: &str) -> Claim {
    Claim::page(url(path), 1)
}

/// Returns a version of a page with these bytes.
pub fn kept(version: u64, body: &str) -> Kept {
    let hash = UrlKey::hash(body.as_bytes());
    Kept {
        fingerprint: Fingerprint::of(version, hash, "Title", body),
        place: Place(format!("place of {body}")),
    }
}

/// Returns the end of a page whose first version has these bytes.
pub fn indexed(body: &str) -> Finish {
    Finish {
        outcome: Outcome::Indexed,
        known: Known {
            etag: Some(format!("\"{body}\"")),
            last_modified: None,
            newest: Some(kept(1_000, body)),
            canonical: Some(url("/canonical")),
            version: 1_000,
            absence: None,
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

/// Unwraps the result of a store, and fails the test if the store failed.
#[track_caller]
fn fine<T>(answer: Result<T, Failure>) -> T {
    answer.unwrap_or_else(|failure| panic!("the store failed: {failure}"))
}

/// Runs a macro over all promises of an index, by module. Each index turns them into tests in its
/// own way.
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
            large_writes_keep_their_order
            sites_are_apart
            writes_are_told_by_their_numbers
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
        $run! {
            asked:
            a_number_is_meant_exactly
            a_title_holds_the_words
            a_page_is_called_by_its_name
            a_question_is_answered_in_other_words
            windows_of_a_question_are_disjoint
        }
    };
}

/// Runs a macro over all promises of an archive.
#[macro_export]
macro_rules! promises_of_an_archive {
    ($run:ident) => {
        $run! {
            a_page_comes_back_whole
            what_is_not_there_is_none
            versions_are_kept_side_by_side
            a_put_can_be_repeated
            retain_keeps_what_is_named_and_nothing_else
            retain_tells_what_is_missing
            a_place_from_before_a_retain_still_holds_its_page
            sites_are_apart
            a_site_is_forgotten
            a_large_page_is_kept
            pages_can_be_put_at_the_same_time
            many_places_are_read_in_their_order
        }
    };
}

/// Runs a macro over all promises of a page store about publishing.
#[macro_export]
macro_rules! promises_of_published_pages {
    ($run:ident) => {
        $run! {
            published:
            a_finished_page_is_a_row
            a_row_tells_what_this_crawl_saw
            only_pages_of_this_crawl_that_answered_are_unpublished
            a_page_is_shown_and_its_crawl_changes_nothing_of_it
            a_newer_version_waits_beside_the_published_one
            a_page_that_is_out_is_fetched_whole
            an_outcome_is_amended
            moved_versions_have_new_places
            a_lost_version_is_fetched_whole
            a_doubted_version_is_asked_for_whole
            a_forgotten_url_is_new_again
            marks_of_unknown_urls_do_nothing
            redirects_are_those_of_this_crawl
            only_older_urls_without_a_page_are_forgotten
        }
    };
}
