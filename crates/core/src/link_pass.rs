//! The link pass: when a crawl has ended, the index is told of every page what the others say about
//! it ([`crate::inbound`]). Only pages of which that has changed are written again, so that a pass
//! that was cut off goes on where it was, and one over a site that is as it was writes nothing.

use futures_util::future::{join, join_all};

use crate::document::Document;
use crate::failure::Failure;
use crate::gathering::Gathering;
use crate::inbound::{Counted, Inbound};
use crate::ports::{IndexReader, IndexWriter};
use crate::task::UrlKey;

/// Pages that one part keeps in memory with all that is said of them.
const PART: u64 = 20_000;
/// Pages that are read at the same time.
const READ: usize = 256;
/// Pages that are written at the same time, and bytes of their texts: a write is durable before the
/// next one, which takes a while however small it is.
const WRITTEN: usize = 4_096;
const WRITTEN_BYTES: usize = 8 << 20;

/// Returns the number of parts in which a site of this size is best passed over.
pub fn parts(pages: u64) -> u32 {
    u32::try_from(pages.div_ceil(PART).max(1)).unwrap_or(u32::MAX)
}

/// How far a pass came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// Every page of the part is up to date.
    Whole,
    /// Pages were written, and others are left to the next pass over the part.
    Some,
    /// The time was not enough to read the site; nothing was written.
    Nothing,
}

/// Brings one of a site's parts up to date. Reads all pages of the site once, and then writes, as
/// long as `in_time` says so and some pages in any case.
///
/// # Errors
///
/// Those of the index. What was written until then stays, and is right.
pub async fn link_pass(
    index: &(impl IndexReader + IndexWriter),
    site: &str,
    (part, parts): (u32, u32),
    in_time: impl Fn() -> bool + Send + Sync,
) -> Result<Passed, Failure> {
    let mut gathering = Gathering::new(part, parts);
    let read = index.export(site, |page| {
        gathering.add(&page);
        match in_time() {
            true => Ok(()),
            false => Err(Failure::transient("the time is over")),
        }
    });
    match read.await {
        Err(_) if !in_time() => return Ok(Passed::Nothing),
        read => read?,
    }
    let mut changed = gathering.changed();
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

/// Takes pages for one write off a list, as the index has them, with what is said of them.
async fn next(
    index: &impl IndexReader,
    changed: &mut Vec<(UrlKey, Counted, Inbound)>,
    in_time: impl Fn() -> bool,
) -> Result<Vec<Document>, Failure> {
    let (mut documents, mut bytes) = (Vec::new(), 0);
    loop {
        let batch = changed.split_off(changed.len().saturating_sub(READ));
        let pages = join_all(batch.iter().map(|(id, ..)| index.get(*id))).await;
        for (page, (_, counted, inbound)) in pages.into_iter().zip(batch) {
            // One that was put or taken out meanwhile is no longer the one that was counted.
            if let Some(page) = page?.filter(|page| page.inbound == counted) {
                bytes += page.text.len();
                documents.push(page.again(inbound));
            }
        }
        let full = documents.len() + READ > WRITTEN || bytes > WRITTEN_BYTES;
        if full || changed.is_empty() || !in_time() {
            return Ok(documents);
        }
    }
}
