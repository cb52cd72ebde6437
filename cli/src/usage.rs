//! Mistakes on the command line that clap cannot see: exit status 2.

use std::error::Error;
use std::fmt;

use canter_core::failure::Failure;
use canter_embedded::folder::Folder;
use canter_embedded::store::report;

use crate::status::imported;

/// A mistake, in one sentence.
#[derive(Debug)]
pub struct UsageError(String);

impl UsageError {
    /// A mistake described by a text or by an error.
    pub fn new(what: impl fmt::Display) -> Self {
        UsageError(what.to_string())
    }

    /// A site that the folder does not know.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn unknown_site(site: &str, folder: &Folder) -> Result<Self, Failure> {
        let sites = report(folder)?;
        let imported = imported(folder, &sites)?;
        let crawled = sites.into_iter().map(|site| site.site);
        let names = crawled.chain(imported.into_iter().map(|(site, _)| site));
        Ok(UsageError::new(format!(
            "there are no pages of a site {site:?}; known sites: {}",
            names.collect::<Vec<_>>().join(", ")
        )))
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for UsageError {}
