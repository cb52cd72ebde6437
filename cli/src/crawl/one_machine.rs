//! What a crawl on one machine is made of.

use canter_core::failure::Failure;
use canter_core::scope::Scope;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::store::{SiteStore, Store};
use canter_engine::{Crawl, Stores};
use canter_http::HttpFetcher;

/// The stores of one machine.
pub struct OneMachine;

impl Stores for OneMachine {
    type Pages = SiteStore;
    type Frontier = SiteStore;
    type Archive = SqliteArchive;
    type Robots = Store;
    type Paces = Store;
    type Fetcher = HttpFetcher;

    const PUSH_WAITS: bool = false;

    async fn keep_scope(&self, crawl: &Crawl<Self>, scope: &Scope) -> Result<(), Failure> {
        crawl.pages.move_scope(scope).await
    }
}
