//! An archive that shows new pages at once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use canter_aws::CloudArchive;
use canter_core::archived_page::{ArchivedPage, PageLinks};
use canter_core::document::Write;
use canter_core::failure::Failure;
use canter_core::inlinks::Inlinks;
use canter_core::ports::{Archive, IndexWriter, Place, Retained};

/// The archive of a stack. In the first crawl of a site it also puts new pages
/// into the index, so that searches find them while the crawl goes on. The row of the page tells so by the
/// write that ends its task ([`canter_aws::CloudSite::showing`]), and what the index does not take
/// is left to the publishing at the end.
pub(crate) struct EarlyArchive<I> {
    archive: CloudArchive,
    index: Arc<I>,
    first_crawls: Mutex<HashSet<String>>,
}

impl<I> EarlyArchive<I> {
    pub(crate) fn new(archive: CloudArchive, index: Arc<I>) -> Self {
        EarlyArchive {
            archive,
            index,
            first_crawls: Mutex::default(),
        }
    }

    /// Returns the archive alone.
    pub(crate) fn archive(&self) -> &CloudArchive {
        &self.archive
    }

    /// Returns the index.
    pub(crate) fn index(&self) -> &Arc<I> {
        &self.index
    }

    /// Notes whether the crawl of a site is its first, and shows its pages.
    pub(crate) fn note(&self, site: &str, first: bool) {
        let crawls = self.first_crawls.lock();
        let mut crawls = crawls.unwrap_or_else(PoisonError::into_inner);
        match first {
            true => crawls.insert(site.to_owned()),
            false => crawls.remove(site),
        };
    }

    async fn archived(&self, page: ArchivedPage) -> Result<Place, Failure> {
        let place = self.archive.put(page).await;
        place.inspect_err(|failure| {
            // An alarm counts these events by this name: see the metric filter of the template.
            tracing::error!(event = "archive_failure", %failure, "a page is not archived");
        })
    }

    fn is_first(&self, site: &str) -> bool {
        let crawls = self.first_crawls.lock();
        let crawls = crawls.unwrap_or_else(PoisonError::into_inner);
        crawls.contains(site)
    }
}

impl<I: IndexWriter> Archive for EarlyArchive<I> {
    async fn put(&self, page: ArchivedPage) -> Result<Place, Failure> {
        if !self.is_first(&page.site) {
            return self.archived(page).await;
        }
        let (version, pass) = (page.version, 0);
        let write = Write { version, pass }.number();
        let document = page.clone().document(write, Inlinks::default());
        let shown = self.index.put(vec![document]);
        let (place, shown) = tokio::join!(self.archived(page), shown);
        if let Err(failure) = shown {
            // An alarm counts these events by this name: see the metric filter of the template.
            tracing::error!(event = "index_failure", %failure, "pages are not in the index");
            return Err(failure);
        }
        place
    }

    async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        self.archive.get(site, places).await
    }

    async fn links(&self, site: &str, places: &[Place]) -> Result<Vec<Option<PageLinks>>, Failure> {
        self.archive.links(site, places).await
    }

    async fn retain(&self, site: &str, places: Vec<Place>) -> Result<Retained, Failure> {
        self.archive.retain(site, places).await
    }

    async fn forget(&self, site: &str) -> Result<(), Failure> {
        self.archive.forget(site).await
    }
}
