//! Stop requests, by which another process asks a crawl to stop. A request is a file in the data
//! folder, one for each site. The crawl checks for it about once a second, since only the crawl's
//! own process writes the store.

use std::fs;
use std::path::PathBuf;

use canter_core::failure::Failure;
use canter_core::task::UrlKey;

use crate::folder::Folder;

const PREFIX: &str = "stop-";

impl Folder {
    /// Asks the crawl of a site to stop.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the folder cannot be written.
    pub fn ask_to_stop(&self, site: &str) -> Result<(), Failure> {
        let file = self.request(site);
        fs::write(&file, site).map_err(|error| {
            Failure::permanent(format!("{} cannot be written: {error}", file.display()))
        })
    }

    /// Returns whether a process asks the crawl of a site to stop.
    pub fn is_asked_to_stop(&self, site: &str) -> bool {
        self.request(site).exists()
    }

    /// Removes a stop request, whether it is withdrawn or granted.
    pub fn end_stopping(&self, site: &str) {
        // Usually there is none. If one cannot be removed, the next crawl removes it.
        let _ = fs::remove_file(self.request(site));
    }

    /// Removes all stop requests. A request from before the start of a crawl was meant for an
    /// earlier crawl.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the folder cannot be written.
    pub fn clear_stops(&self) -> Result<(), Failure> {
        let cannot = |error: std::io::Error| {
            Failure::permanent(format!(
                "the data folder {} cannot be written: {error}",
                self.path().display()
            ))
        };
        for entry in fs::read_dir(self.path()).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                fs::remove_file(entry.path()).map_err(cannot)?;
            }
        }
        Ok(())
    }

    /// Returns the path of a site's request, with a hash since a site's name may hold characters
    /// that a file's name cannot.
    fn request(&self, site: &str) -> PathBuf {
        let key = UrlKey::hash(site.as_bytes());
        self.path().join(format!("{PREFIX}{key}"))
    }
}
