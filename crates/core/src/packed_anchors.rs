//! The anchor texts of many pages, compressed: there are hundreds of thousands on a large site, and
//! they repeat each other.

use std::ops::Range;

use crate::failure::Failure;
use crate::inlinks::AnchorText;

/// Number of neighbouring pages whose anchor texts are kept together.
const BUCKET: usize = 512;
/// Size of the blocks that are compressed, in bytes.
const BLOCK: usize = 64 << 10;
/// Compression level of zstd, the fastest of its usual ones.
const LEVEL: i32 = 1;
/// Stands for the length of a fragment that a link has not.
const NONE: u32 = u32::MAX;

/// Anchor texts, each of a page with a number.
pub(crate) struct PackedAnchors {
    pages: Range<usize>,
    buckets: Vec<Bucket>,
    bytes: usize,
}

#[derive(Default)]
struct Bucket {
    /// Full blocks, each with its length before it was compressed.
    blocks: Vec<(usize, Vec<u8>)>,
    /// Memory of the full blocks, in bytes.
    full: usize,
    open: Vec<u8>,
}

impl PackedAnchors {
    /// Creates a place for the anchor texts of these pages.
    pub(crate) fn of(pages: Range<usize>) -> Self {
        let buckets = pages.len().div_ceil(BUCKET);
        PackedAnchors {
            pages,
            buckets: std::iter::repeat_with(Bucket::default)
                .take(buckets)
                .collect(),
            bytes: 0,
        }
    }

    /// Returns the pages whose anchor texts are kept.
    pub(crate) fn pages(&self) -> Range<usize> {
        self.pages.clone()
    }

    /// Returns the memory that the anchor texts take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an anchor text, unless the page is not among those that are kept.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if it cannot be compressed.
    pub(crate) fn push(&mut self, page: usize, anchor: &AnchorText) -> Result<(), Failure> {
        if !self.pages.contains(&page) {
            return Ok(());
        }
        let bucket = &mut self.buckets[(page - self.pages.start) / BUCKET];
        let before = bucket.bytes();
        bucket.push(page, anchor)?;
        self.bytes = self.bytes + bucket.bytes() - before;
        Ok(())
    }

    /// Gives up the second half of the pages. Returns false if there are too few.
    pub(crate) fn halve(&mut self) -> bool {
        let half = self.buckets.len() / 2;
        if half > 0 {
            let left_out = self.buckets.drain(half..);
            self.bytes -= left_out.map(|bucket| bucket.bytes()).sum::<usize>();
            self.pages.end = self.pages.start + half * BUCKET;
        }
        half > 0
    }

    /// Returns the anchor texts of each page, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// Items are permanent failures if the anchor texts cannot be decompressed.
    pub(crate) fn by_page(self) -> impl Iterator<Item = Result<Vec<AnchorText>, Failure>> {
        let firsts = self.pages.clone().step_by(BUCKET);
        let end = self.pages.end;
        firsts.zip(self.buckets).flat_map(move |(first, bucket)| {
            let pages = first..end.min(first + BUCKET);
            let (unpacked, failure) = match bucket.unpacked(pages) {
                Ok(unpacked) => (unpacked, None),
                Err(failure) => (Vec::new(), Some(failure)),
            };
            unpacked.into_iter().map(Ok).chain(failure.map(Err))
        })
    }
}

impl Bucket {
    fn bytes(&self) -> usize {
        self.full + self.open.len()
    }

    fn push(&mut self, page: usize, anchor: &AnchorText) -> Result<(), Failure> {
        let fragment = anchor.fragment.as_deref();
        let numbers = [
            page as u32,
            anchor.around.len() as u32,
            anchor.link.start as u32,
            anchor.link.end as u32,
            fragment.map_or(NONE, |fragment| fragment.len() as u32),
        ];
        for number in numbers {
            self.open.extend(number.to_le_bytes());
        }
        self.open.extend(anchor.around.as_bytes());
        self.open.extend(fragment.unwrap_or_default().as_bytes());
        if self.open.len() >= BLOCK {
            let block = zstd::bulk::compress(&self.open, LEVEL).map_err(Failure::permanent)?;
            self.full += block.len();
            self.blocks.push((self.open.len(), block));
            self.open.clear();
        }
        Ok(())
    }

    /// Returns the anchor texts of each of the bucket's pages.
    fn unpacked(self, pages: Range<usize>) -> Result<Vec<Vec<AnchorText>>, Failure> {
        let mut unpacked = vec![Vec::new(); pages.len()];
        let mut read = |mut block: &[u8]| {
            while let Some((page, anchor)) = unpack(&mut block) {
                unpacked[page - pages.start].push(anchor);
            }
        };
        for (length, block) in self.blocks {
            read(&zstd::bulk::decompress(&block, length).map_err(Failure::permanent)?);
        }
        read(&self.open);
        Ok(unpacked)
    }
}

/// Takes an anchor text and the number of its page off a block; `None` at the block's end.
fn unpack(block: &mut &[u8]) -> Option<(usize, AnchorText)> {
    let mut number = || {
        let (number, rest) = block.split_first_chunk()?;
        *block = rest;
        Some(u32::from_le_bytes(*number))
    };
    let [page, around, start, end, fragment] =
        [number()?, number()?, number()?, number()?, number()?];
    let mut text = |length: u32| {
        let (text, rest) = block.split_at_checked(length as usize)?;
        *block = rest;
        String::from_utf8(text.to_vec()).ok()
    };
    let anchor = AnchorText {
        around: text(around)?,
        fragment: match fragment {
            NONE => None,
            length => Some(text(length)?),
        },
        link: start as usize..end as usize,
    };
    Some((page as usize, anchor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(fragment: Option<&str>, around: &str) -> AnchorText {
        AnchorText {
            fragment: fragment.map(str::to_owned),
            around: around.to_owned(),
            link: 1..around.len(),
        }
    }

    /// Every anchor text, by its page.
    fn unpacked(packed: PackedAnchors) -> Vec<Vec<AnchorText>> {
        packed.by_page().map(Result::unwrap).collect()
    }

    #[test]
    fn each_page_gets_its_anchor_texts_in_order() {
        let [one, two, three] = [
            anchor(Some("x"), "xé one"),
            anchor(None, "two"),
            anchor(Some(""), "three"),
        ];
        let mut packed = PackedAnchors::of(2..6);
        for (page, anchor) in [(4, &one), (2, &two), (4, &three), (1, &one), (6, &one)] {
            packed.push(page, anchor).unwrap();
        }
        let expected = [vec![two], vec![], vec![one, three], vec![]];
        assert_eq!(unpacked(packed), expected);
    }

    #[test]
    fn what_repeats_takes_little_memory_and_comes_back_whole() {
        let all: Vec<AnchorText> = (0..5_000)
            .map(|n| {
                anchor(
                    Some("f"),
                    &format!("words that many pages say, and one {n}"),
                )
            })
            .collect();
        let mut packed = PackedAnchors::of(0..2);
        for anchor in &all {
            packed.push(1, anchor).unwrap();
        }
        let text: usize = all.iter().map(|it| it.around.len()).sum();
        assert!(packed.bytes() < text / 3, "{} of {text}", packed.bytes());
        assert_eq!(unpacked(packed), [vec![], all]);
    }

    #[test]
    fn halving_frees_the_pages_behind() {
        let mut packed = PackedAnchors::of(1..1 + 3 * BUCKET);
        packed.push(1, &anchor(None, "first")).unwrap();
        let first = packed.bytes();
        packed.push(1 + BUCKET, &anchor(None, "second")).unwrap();
        assert!(packed.halve() && !packed.halve());
        assert_eq!(packed.bytes(), first);
        assert_eq!(packed.pages(), 1..1 + BUCKET);
        packed.push(1 + BUCKET, &anchor(None, "third")).unwrap();
        assert_eq!(unpacked(packed).concat(), [anchor(None, "first")]);
    }
}
