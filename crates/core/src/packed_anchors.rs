//! The anchor texts of many pages in few allocations: there are hundreds of thousands on a large
//! site, and as values of their own they would take twice the memory.

use std::ops::Range;

use crate::inlinks::AnchorText;

/// Size at which a block takes no more texts, in bytes. Blocks are never copied as they grow.
const BLOCK: usize = 1 << 20;

/// Anchor texts, each of a page with a number.
#[derive(Default)]
pub(crate) struct PackedAnchors {
    blocks: Vec<Block>,
    bytes: usize,
}

#[derive(Default)]
struct Block {
    anchors: Vec<Packed>,
    /// The text around each link, followed by the link's fragment.
    text: String,
}

/// An anchor text; lengths and positions in bytes.
struct Packed {
    page: u32,
    start: u32,
    around: u32,
    link: (u32, u32),
    fragment: Option<u32>,
}

impl PackedAnchors {
    /// Returns the memory that an anchor text takes, in bytes.
    pub(crate) fn size_of(anchor: &AnchorText) -> usize {
        let fragment = anchor.fragment.as_deref().unwrap_or_default();
        size_of::<Packed>() + anchor.around.len() + fragment.len()
    }

    /// Adds an anchor text of a page.
    pub(crate) fn push(&mut self, page: usize, anchor: &AnchorText) {
        let last = self.blocks.last();
        if last.is_none_or(|block| block.text.len() >= BLOCK) {
            self.blocks.push(Block::default());
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(page as u32, anchor);
            self.bytes += Self::size_of(anchor);
        }
    }

    /// Returns the memory of all anchor texts, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Removes the anchor texts of a page and of all pages with larger numbers.
    pub(crate) fn truncate(&mut self, page: usize) {
        for block in std::mem::take(self).blocks {
            let kept = block.anchors.iter().filter(|it| (it.page as usize) < page);
            for anchor in kept {
                self.push(anchor.page as usize, &block.unpack(anchor));
            }
        }
    }

    /// Returns the anchor texts of each of `pages`, in the order in which they were added.
    pub(crate) fn by_page(self, pages: Range<usize>) -> impl Iterator<Item = Vec<AnchorText>> {
        let blocks = self.blocks;
        let all = blocks.iter().zip(0_u32..).flat_map(|(block, place)| {
            let anchors = block.anchors.iter().zip(0_u32..);
            anchors.map(move |(anchor, number)| (anchor.page, place, number))
        });
        let mut order: Vec<(u32, u32, u32)> = all.collect();
        order.sort_unstable();
        let mut next = 0;
        pages.map(move |page| {
            let rest = order[next..].iter();
            let own = rest.take_while(|(of, ..)| *of as usize == page);
            let own = own.map(|&(_, place, number)| {
                let block = &blocks[place as usize];
                block.unpack(&block.anchors[number as usize])
            });
            let own: Vec<AnchorText> = own.collect();
            next += own.len();
            own
        })
    }
}

impl Block {
    fn push(&mut self, page: u32, anchor: &AnchorText) {
        let fragment = anchor.fragment.as_deref();
        self.anchors.push(Packed {
            page,
            start: self.text.len() as u32,
            around: anchor.around.len() as u32,
            link: (anchor.link.start as u32, anchor.link.end as u32),
            fragment: fragment.map(|fragment| fragment.len() as u32),
        });
        if self.text.is_empty() {
            self.text.reserve(BLOCK);
        }
        self.text.push_str(&anchor.around);
        self.text.push_str(fragment.unwrap_or_default());
    }

    fn unpack(&self, anchor: &Packed) -> AnchorText {
        let text = &self.text[anchor.start as usize..];
        let (around, rest) = text.split_at(anchor.around as usize);
        AnchorText {
            fragment: anchor
                .fragment
                .map(|length| rest[..length as usize].to_owned()),
            around: around.to_owned(),
            link: anchor.link.0 as usize..anchor.link.1 as usize,
        }
    }
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

    fn packed(anchors: &[(usize, AnchorText)]) -> PackedAnchors {
        let mut packed = PackedAnchors::default();
        for (page, anchor) in anchors {
            packed.push(*page, anchor);
        }
        packed
    }

    #[test]
    fn each_page_gets_its_anchor_texts_in_order() {
        let all = [
            (4, anchor(Some("x"), "xé one")),
            (2, anchor(None, "two")),
            (4, anchor(Some(""), "three")),
        ];
        let mut packed = packed(&all);
        let sizes = all.iter().map(|(_, it)| PackedAnchors::size_of(it));
        assert_eq!(packed.bytes(), sizes.sum::<usize>());
        let [one, two, three] = all.map(|(_, anchor)| anchor);
        packed.truncate(5);
        let by_page: Vec<_> = packed.by_page(2..6).collect();
        assert_eq!(by_page, [vec![two], vec![], vec![one, three], vec![]]);
    }

    #[test]
    fn blocks_keep_the_order() {
        let long = |letter: &str| anchor(None, &letter.repeat(BLOCK / 2 + 1));
        let all = ["a", "b", "c", "d", "e"].map(|letter| (0, long(letter)));
        let packed = packed(&all);
        assert_eq!(packed.blocks.len(), 3);
        let texts = packed.by_page(0..1).flatten();
        let letters = texts.map(|it| it.around[..1].to_owned());
        assert_eq!(letters.collect::<String>(), "abcde");
    }

    #[test]
    fn truncating_frees_the_pages_behind() {
        let all = [(1, anchor(None, "one")), (0, anchor(Some("f"), "zero"))];
        let mut packed = packed(&all);
        packed.truncate(1);
        assert_eq!(packed.bytes(), PackedAnchors::size_of(&all[1].1));
        assert_eq!(packed.by_page(0..2).map(|it| it.len()).sum::<usize>(), 1);
    }
}
