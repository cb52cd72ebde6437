//! The page store and the robots.txt policies are held to the contracts of their ports, on the
//! real DynamoDB of a running stack.

use canter_aws::{CloudRobots, CloudSite};

use canter_tests::contract::{Both, Crawl, pages, published, robots};

use crate::world::{Pushed, Tables, TestClock, site};

async fn both() -> (Both<CloudSite, Pushed>, Crawl, Tables) {
    let tables = Tables::create().await;
    let (pages, crawl) = site(&tables, &TestClock::at(1_000_000));
    let frontier = Pushed::default();
    (Both { pages, frontier }, crawl, tables)
}

macro_rules! held_to {
    (pages: $($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let (both, crawl, _tables) = both().await;
            pages::$name(&both, &crawl).await;
        })+
    };
    (published: $($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let (both, crawl, _tables) = both().await;
            published::$name(&both.pages, &crawl).await;
        })+
    };
    (robots: $($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let tables = Tables::create().await;
            robots::$name(&CloudRobots::new(tables.cloud.clone())).await;
        })+
    };
}

held_to! { pages:
    one_link_has_one_parent
    a_claim_becomes_a_task
    a_parent_that_died_claims_again
    what_nobody_has_pushed_is_not_settled
    a_finished_page_is_not_claimed
    the_first_end_stays
    a_newer_crawl_claims_anew
    an_older_crawl_does_nothing
    a_skipped_claim_ends_at_once
    another_parent_overrules_a_provisional_skip
    doubled_links_are_one
    every_outcome_is_kept
}

canter_tests::promises_of_published_pages!(held_to);

held_to! { robots:
    a_policy_comes_back
    an_old_policy_is_none
    a_policy_of_the_future_is_none
    a_policy_is_replaced
    one_worker_fetches
    who_gives_up_lets_another
}
