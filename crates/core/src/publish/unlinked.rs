//! Pages that are missing, and stay only if another page links to them.

use std::collections::HashSet;

use crate::failure::Failure;
use crate::ports::{Archive, IndexReader, IndexWriter, Place};

use super::decide::{Target, Why, shown};
use super::row::{Kept, PageRow, PublishedPages};
use super::{Publishing, READ};

impl<P, A, I, T> Publishing<'_, P, A, I, T>
where
    P: PublishedPages,
    A: Archive,
    I: IndexReader + IndexWriter,
    T: Fn() -> bool + Send + Sync,
{
    /// Decides about the pages that stay only if another page links to them. Returns whether the
    /// time sufficed. If links are not counted, the pages stay.
    pub(super) async fn settle_unlinked(
        &self,
        rows: &[PageRow],
        targets: &mut [Target],
    ) -> Result<bool, Failure> {
        let asked = rows.iter().zip(&*targets);
        let asked = asked.filter(|(_, target)| **target == Target::SameIfLinked);
        let mut unlinked: HashSet<&str> = match self.how.links {
            true => asked.map(|(row, _)| row.url.as_str()).collect(),
            false => HashSet::new(),
        };
        let all = rows.iter().zip(&*targets);
        let pages: Vec<(&PageRow, &Kept)> = all
            .filter_map(|(row, target)| Some((row, shown(row, target)?)))
            .collect();
        for batch in pages.chunks(READ) {
            if unlinked.is_empty() {
                break;
            }
            if !(self.in_time)() {
                return Ok(false);
            }
            let places: Vec<Place> = batch.iter().map(|(_, kept)| kept.place.clone()).collect();
            let links = self.archive.links(self.site, &places).await?;
            for ((row, _), links) in batch.iter().zip(links) {
                let links = links.as_ref().and_then(|links| links.read().ok());
                let Some(links) = links else {
                    // Nobody knows what a page links to that the archive has lost.
                    unlinked.clear();
                    break;
                };
                for link in links {
                    if link.url != row.url.as_str() {
                        unlinked.remove(&*link.url);
                    }
                }
            }
        }
        for (row, target) in rows.iter().zip(targets) {
            if *target == Target::SameIfLinked {
                *target = match unlinked.contains(row.url.as_str()) {
                    true => Target::Out(Why::Gone),
                    false => Target::Same,
                };
            }
        }
        Ok(true)
    }
}
