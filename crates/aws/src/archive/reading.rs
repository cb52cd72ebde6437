//! Reads pages with few requests: what lies close together in an object is read at once, and what is
//! in memory is not read again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use canter_core::failure::Failure;
use canter_core::ports::Place;

use super::bucket::Bucket;
use super::piece::Piece;
use crate::side_by_side::side_by_side;

/// Maximum number of bytes between two pages that are read by one request. They take less time than
/// another request.
const GAP_BYTES: u64 = 256 << 10;
/// Maximum number of concurrent requests of one caller. Each takes some 20 ms, however few bytes it
/// brings.
const READS: usize = 64;

/// One request, and the pages in its answer.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    object: String,
    part: Range<u64>,
    /// The number of each page, and its place in the object.
    pages: Vec<(usize, Range<u64>)>,
}

/// Keeps the objects of places in memory, as far as there is room, in place of those of other sites.
pub(super) async fn keep(bucket: &Bucket, prefix: &str, places: &[Place]) -> Result<(), Failure> {
    bucket.release_others(prefix);
    let pieces = places.iter().filter_map(Piece::parse);
    let objects: BTreeSet<String> = pieces.map(|piece| piece.object).collect();
    let jobs = objects.into_iter().map(|object| {
        let (bucket, key) = (bucket.clone(), format!("{prefix}{object}"));
        async move { bucket.keep(&key).await }
    });
    side_by_side(READS, jobs).await?;
    Ok(())
}

/// Reads pages in the order of their places, each by `parse`.
pub(super) async fn read<T: Send + 'static>(
    bucket: &Bucket,
    prefix: &str,
    places: &[Place],
    parse: fn(&[u8]) -> Result<T, Failure>,
) -> Result<Vec<Option<T>>, Failure> {
    let pieces = places.iter().map(Piece::parse).enumerate();
    let pieces = pieces.filter_map(|(number, piece)| Some((number, piece?)));
    let jobs = reads(pieces).into_iter().map(|read| {
        let (bucket, key) = (bucket.clone(), format!("{prefix}{}", read.object));
        async move {
            let Some(content) = bucket.get(&key, read.part.clone()).await? else {
                return Ok(Vec::new());
            };
            let pages = read.pages.into_iter().map(|(number, range)| {
                let from = |offset: u64| (offset - read.part.start) as usize;
                let page = content.get(from(range.start)..from(range.end));
                // A damaged page is as good as none: it is fetched again.
                (number, page.and_then(|page| parse(page).ok()))
            });
            Ok(pages.collect::<Vec<_>>())
        }
    });
    let mut found: Vec<Option<T>> = places.iter().map(|_| None).collect();
    for (number, page) in side_by_side(READS, jobs).await?.into_iter().flatten() {
        if let Some(place) = found.get_mut(number) {
            *place = page;
        }
    }
    Ok(found)
}

/// Returns the requests for numbered pages.
fn reads(pieces: impl Iterator<Item = (usize, Piece)>) -> Vec<Read> {
    let mut objects: BTreeMap<String, Vec<(Range<u64>, usize)>> = BTreeMap::new();
    for (number, piece) in pieces {
        let range = piece.range();
        let pages = objects.entry(piece.object).or_default();
        pages.push((range, number));
    }
    let mut reads = Vec::new();
    for (object, mut pages) in objects {
        pages.sort_unstable_by_key(|(range, number)| (range.start, range.end, *number));
        let mut last: Option<Read> = None;
        for (range, number) in pages {
            match &mut last {
                Some(read) if range.start <= read.part.end.saturating_add(GAP_BYTES) => {
                    read.part.end = read.part.end.max(range.end);
                    read.pages.push((number, range));
                }
                _ => reads.extend(last.replace(Read {
                    object: object.clone(),
                    part: range.clone(),
                    pages: vec![(number, range)],
                })),
            }
        }
        reads.extend(last);
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(object: &str, offset: u64, length: u64) -> Piece {
        Piece {
            object: object.into(),
            offset,
            length,
        }
    }

    #[test]
    fn pages_that_lie_close_together_are_read_at_once() {
        let far = 100 + GAP_BYTES + 1;
        let pieces = [
            piece("b", 0, 7),
            piece("a", far, 10),
            piece("a", 60, 40),
            piece("a", 0, 10),
            piece("a", 60, 40),
        ];
        let read = |object: &str, part: Range<u64>, pages: &[(usize, Range<u64>)]| Read {
            object: object.into(),
            part,
            pages: pages.to_vec(),
        };
        assert_eq!(
            reads(pieces.into_iter().enumerate()),
            [
                read("a", 0..100, &[(3, 0..10), (2, 60..100), (4, 60..100)]),
                read("a", far..far + 10, &[(1, far..far + 10)]),
                read("b", 0..7, &[(0, 0..7)]),
            ]
        );
    }
}
