//! The archive in S3: pages that are put at about the same time share an object, since a request
//! costs more than years of a page's storage.
//!
//! The key of an object is a hash of the site, `/`, and a hash of the object's content. An object
//! never changes, and a put that is repeated writes the same object again.

mod bucket;
mod kept_objects;
mod piece;
mod reading;
mod retention;
mod sending;

use canter_core::archived_page::{ArchivedPage, PageLinks};
use canter_core::failure::Failure;
use canter_core::ports::{Archive, Place, Retained};
use canter_core::task::UrlKey;

use crate::clock::Clock;
use crate::cloud::Cloud;
pub use bucket::{create_bucket, delete_bucket};

pub(crate) use bucket::Bucket;
use sending::Sender;

/// Maximum size of an object with more than one page, in bytes.
const OBJECT_BYTES: usize = 4 << 20;

/// The archive of a stack. Clones are handles to the same archive, and their pages share objects.
#[derive(Clone)]
pub struct CloudArchive {
    bucket: Bucket,
    sender: Sender,
    clock: Clock,
}

impl CloudArchive {
    /// Opens the archive. Must be called within a runtime. Sends nothing yet.
    pub fn open(cloud: &Cloud, clock: Clock) -> Self {
        let bucket = Bucket::of(cloud);
        CloudArchive {
            sender: Sender::start(bucket.clone()),
            bucket,
            clock,
        }
    }

    /// Stores the pages that wait for others at once, since no more are coming.
    pub fn flush(&self) {
        self.sender.flush();
    }
}

impl Archive for CloudArchive {
    async fn put(&self, page: ArchivedPage) -> Result<Place, Failure> {
        let bytes = page.to_bytes()?;
        self.sender.store(prefix(&page.site), bytes).await
    }

    async fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> Result<Vec<Option<ArchivedPage>>, Failure> {
        reading::read(
            &self.bucket,
            &prefix(site),
            places,
            ArchivedPage::from_bytes,
        )
        .await
    }

    async fn links(&self, site: &str, places: &[Place]) -> Result<Vec<Option<PageLinks>>, Failure> {
        // Who reads the links of several pages reads those of all, and often the pages next, in the
        // order of their ids. An unchanged page's links are read alone.
        if places.len() > 1 {
            reading::keep(&self.bucket, &prefix(site), places).await?;
        }
        reading::read(&self.bucket, &prefix(site), places, PageLinks::from_bytes).await
    }

    async fn retain(&self, site: &str, places: Vec<Place>) -> Result<Retained, Failure> {
        let prefix = prefix(site);
        let retained = retention::retain(&self.bucket, &prefix, &places, (self.clock)()).await;
        self.bucket.release(&prefix);
        retained
    }

    async fn forget(&self, site: &str) -> Result<(), Failure> {
        let prefix = prefix(site);
        self.bucket.release(&prefix);
        let objects = self.bucket.list(&prefix).await?;
        let keys = objects.into_iter().map(|object| object.key);
        self.bucket.delete(keys.collect()).await
    }
}

/// Returns the start of all keys of a site. Names of sites can be longer than a key.
pub(crate) fn prefix(site: &str) -> String {
    format!("{}/", UrlKey::hash(site.as_bytes()))
}
