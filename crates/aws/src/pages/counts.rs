//! Counting the rows of a crawl.

use canter_core::failure::Failure;
use canter_core::outcomes::Counts;

use super::pass::OF_CRAWL;
use super::{CloudSite, row};
use crate::item::{Item, text_of};

impl CloudSite {
    /// Counts the crawl's rows by outcome, in a pass over all rows of the site.
    ///
    /// # Errors
    ///
    /// The failure of a read.
    pub async fn counts(&self) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let mut pass = self.pass("#o, #x", OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            rows.iter().for_each(|row| count(&mut counts, row));
        }
        Ok(counts)
    }
}

/// Counts one more row.
pub(super) fn count(counts: &mut Counts, row: &Item) {
    let outcome = text_of(row, row::OUTCOME);
    let detail = text_of(row, row::DETAIL).filter(|_| outcome == Some("skipped"));
    counts.add(outcome, detail);
}
