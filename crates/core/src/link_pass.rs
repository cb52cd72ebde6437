//! The link pass: at the end of a crawl, it writes the link score of each page, and the anchor
//! texts of other pages' links to it, into the index ([`crate::inlinks`]). It rewrites only the
//! pages for which these have changed. An interrupted pass therefore continues where it stopped,
//! and a pass over an unchanged site writes nothing.

use futures_util::future::{join, join_all};

use crate::document::Document;
use crate::failure::Failure;
use crate::inlink_collector::InlinkCollector;
use crate::inlinks::{Counted, Inlinks};
use crate::ports::{IndexReader, IndexWriter};
use crate::task::UrlKey;

/// Number of pages in one part of a site. A part keeps the anchor texts of the links to its pages
/// in memory.
const PART: u64 = 20_000;
/// Maximum number of pages read at the same time.
const READ: usize = 256;
/// Maximum number of pages written at the same time, and maximum number of bytes of their texts. A
/// write has to be durable before the next one starts, and that takes time however small the write
/// is.
const WRITTEN: usize = 4_096;
const WRITTEN_BYTES: usize = 8 << 20;

/// Returns the best number of parts for a pass over a site of this size.
pub fn parts(pages: u64) -> u32 {
    u32::try_from(pages.div_ceil(PART).max(1)).unwrap_or(u32::MAX)
}

/// The progress of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// Every page of the part is up to date.
    Whole,
    /// Some pages were written; the others are left to the next pass over the part.
    Some,
    /// The time was too short to read the site; nothing was written.
    Nothing,
}

/// Brings one part of a site up to date. The pass reads all pages of the site once. It then writes
/// pages as long as `in_time` returns true, and some pages in any case.
///
/// # Errors
///
/// Returns the errors of the index. Pages written before the error stay, and they are correct.
pub async fn link_pass(
    index: &(impl IndexReader + IndexWriter),
    site: &str,
    (part, parts): (u32, u32),
    in_time: impl Fn() -> bool + Send + Sync,
) -> Result<Passed, Failure> {
    let mut collector = InlinkCollector::new(part, parts);
    let read = index.export(site, |page| {
        collector.add(&page);
        match in_time() {
            true => Ok(()),
            false => Err(Failure::transient("the time is over")),
        }
    });
    match read.await {
        Err(_) if !in_time() => return Ok(Passed::Nothing),
        read => read?,
    }
    let mut changed = collector.changed();
    while !changed.is_empty() {
        let documents = next(index, &mut changed, &in_time).await?;
        let (put, flushed) = join(index.put(documents), index.flush()).await;
        put.and(flushed)?;
        if !in_time() && !changed.is_empty() {
            return Ok(Passed::Some);
        }
    }
    Ok(Passed::Whole)
}

/// Takes pages for one write off the list, reads them from the index and adds their new link
/// scores and anchor texts.
async fn next(
    index: &impl IndexReader,
    changed: &mut Vec<(UrlKey, Counted, Inlinks)>,
    in_time: impl Fn() -> bool,
) -> Result<Vec<Document>, Failure> {
    let (mut documents, mut bytes) = (Vec::new(), 0);
    loop {
        let batch = changed.split_off(changed.len().saturating_sub(READ));
        let pages = join_all(batch.iter().map(|(id, ..)| index.get(*id))).await;
        for (page, (_, counted, inlinks)) in pages.into_iter().zip(batch) {
            // A page that was replaced or deleted meanwhile is no longer the page that was counted.
            if let Some(page) = page?.filter(|page| page.inlinks == counted) {
                bytes += page.text.len();
                documents.push(page.again(inlinks));
            }
        }
        let full = documents.len() + READ > WRITTEN || bytes > WRITTEN_BYTES;
        if full || changed.is_empty() || !in_time() {
            return Ok(documents);
        }
    }
}
