//! How another process asks a crawl to stop: by a file in the data folder, one for each site. The
//! crawl looks for it about once a second; only its own process writes the store.

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
    /// Permanent when the folder cannot be written.
    pub fn ask_to_stop(&self, site: &str) -> Result<(), Failure> {
        let file = self.request(site);
        fs::write(&file, site).map_err(|error| {
            Failure::permanent(format!("{} cannot be written: {error}", file.display()))
        })
    }

    /// Whether somebody asks for it.
    pub fn is_asked_to_stop(&self, site: &str) -> bool {
        self.request(site).exists()
    }

    /// Takes a request back, or away once it is granted.
    pub fn end_stopping(&self, site: &str) {
        // None is there as a rule. One that stays is taken away by the next crawl.
        let _ = fs::remove_file(self.request(site));
    }

    /// Takes all requests away: those that lie there before a crawl begins were meant for another.
    ///
    /// # Errors
    ///
    /// Permanent when the folder cannot be written.
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

    /// A site's name may hold what a file's cannot.
    fn request(&self, site: &str) -> PathBuf {
        let key = UrlKey::hash(site.as_bytes());
        self.path().join(format!("{PREFIX}{key}"))
    }
}
