//! Records the steps of a page as they come.

use std::ops::Range;

use super::steps::{Recorded, StepId, Steps, place};
use super::tag::{Attribute, Tag};

/// Records the steps of a page, in order. Text and values come as bytes, in pieces that may end
/// inside a character.
#[derive(Default)]
pub(super) struct Recorder {
    steps: Steps,
    text: Vec<u8>,
    values: Vec<u8>,
}

impl Recorder {
    /// Nothing recorded; a page of so many bytes is expected.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut recorder = Recorder::default();
        recorder.steps.list.reserve(bytes / 16);
        recorder.steps.attributes.reserve(bytes / 64);
        recorder.text.reserve(bytes / 2);
        recorder.values.reserve(bytes / 4);
        recorder
    }

    /// How many steps there are.
    pub(super) fn len(&self) -> usize {
        self.steps.list.len()
    }

    /// An element begins: one that holds nothing, or whose end will be told.
    pub(super) fn enter(&mut self, tag: Tag, attributes: Range<u32>) -> StepId {
        let id = place(self.len());
        let entered = Recorded::Enter(tag, attributes, id.saturating_add(1));
        self.steps.list.push(entered);
        id
    }

    /// An element ends.
    pub(super) fn leave(&mut self, id: StepId) {
        self.steps.list.push(Recorded::Leave(id));
        let after = place(self.len());
        if let Some(Recorded::Enter(_, _, end)) = self.steps.list.get_mut(id as usize) {
            *end = after;
        }
    }

    /// Text goes on.
    pub(super) fn text(&mut self, piece: &[u8]) {
        let start = place(self.text.len());
        self.text.extend_from_slice(piece);
        let end = place(self.text.len());
        if let Some(Recorded::Text(range)) = self.steps.list.last_mut() {
            range.end = end;
        } else {
            self.steps.list.push(Recorded::Text(start..end));
        }
    }

    /// How many attributes there are.
    pub(super) fn attributes(&self) -> u32 {
        place(self.steps.attributes.len())
    }

    /// The value of an attribute goes on.
    pub(super) fn value(&mut self, piece: &[u8]) {
        self.values.extend_from_slice(piece);
    }

    /// An attribute ends, whose value began at byte `start` of all values.
    pub(super) fn attribute(&mut self, attribute: Attribute, start: usize) {
        let value = place(start)..place(self.values.len());
        self.steps.attributes.push((attribute, value));
    }

    /// Bytes of all values.
    pub(super) fn values(&self) -> usize {
        self.values.len()
    }

    /// Forgets the values from a byte on.
    pub(super) fn forget_values(&mut self, start: usize) {
        self.values.truncate(start);
    }

    /// Whether two elements have the same attributes.
    pub(super) fn are_alike(&self, one: &Range<u32>, other: &Range<u32>) -> bool {
        let of = |range: &Range<u32>| {
            let range = range.start as usize..range.end as usize;
            let attributes = self.steps.attributes.get(range).unwrap_or_default();
            attributes.iter().map(|(name, value)| {
                (
                    name,
                    self.values.get(value.start as usize..value.end as usize),
                )
            })
        };
        one.len() == other.len() && of(one).eq(of(other))
    }

    /// The attributes of `html`, unless it has some.
    pub(super) fn html(&mut self, attributes: Range<u32>) {
        if self.steps.html.is_empty() {
            self.steps.html = attributes;
        }
    }

    /// The body begins here.
    pub(super) fn body(&mut self, attributes: Range<u32>) {
        self.steps.body = self.enter(Tag::Body, attributes);
    }

    /// The attributes of the body, unless it has some.
    pub(super) fn body_again(&mut self, attributes: Range<u32>) {
        if let Some(Recorded::Enter(_, known, _)) =
            self.steps.list.get_mut(self.steps.body as usize)
            && known.start == known.end
        {
            *known = attributes;
        }
    }

    /// All steps; the body ends here.
    pub(super) fn finish(mut self) -> Steps {
        self.leave(self.steps.body);
        // All pieces together are the characters of a text.
        self.steps.text = String::from_utf8(self.text).unwrap_or_default();
        self.steps.values = String::from_utf8(self.values).unwrap_or_default();
        self.steps
    }
}
