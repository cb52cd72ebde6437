//! Pages as they were read.

use crate::archived_page::{ArchivedPage, PageLinks};
use crate::failure::Failure;

/// Where the archive holds a version of a page. Only the archive that gave it can read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub String);

/// What [`Archive::retain`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retained {
    /// The places whose pages were moved, each with its new place. The old places hold their pages
    /// until the next call.
    pub moved: Vec<(Place, Place)>,
    /// The places that hold nothing.
    pub missing: Vec<Place>,
}

/// Every page of a site as it was read: what the index is made of. It keeps whatever was put into
/// it until [`Archive::retain`] or [`Archive::forget`].
pub trait Archive: Send + Sync {
    /// Stores a version of a page. Resolves when it is durable.
    fn put(&self, page: ArchivedPage) -> impl Future<Output = Result<Place, Failure>> + Send;

    /// Reads pages without their links, in the order of their places; `None` for a place that holds
    /// nothing.
    fn get(
        &self,
        site: &str,
        places: &[Place],
    ) -> impl Future<Output = Result<Vec<Option<ArchivedPage>>, Failure>> + Send;

    /// Reads the links of pages, as [`Archive::get`] reads the pages.
    fn links(
        &self,
        site: &str,
        places: &[Place],
    ) -> impl Future<Output = Result<Vec<Option<PageLinks>>, Failure>> + Send;

    /// Frees what a site no longer needs: everything but `places`. May be called only while nothing
    /// is put for the site.
    fn retain(
        &self,
        site: &str,
        places: Vec<Place>,
    ) -> impl Future<Output = Result<Retained, Failure>> + Send;

    /// Removes all pages of a site.
    fn forget(&self, site: &str) -> impl Future<Output = Result<(), Failure>> + Send;
}
