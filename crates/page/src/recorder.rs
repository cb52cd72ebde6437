//! Records the events of a page as they arrive.

use std::ops::Range;

use super::events::{ElementId, Events, Recorded, place};
use super::tag::{Attribute, Tag};

/// Records the events of a page, in order. Text and values arrive as bytes, in pieces that may end
/// inside a character.
#[derive(Default)]
pub(super) struct Recorder {
    events: Events,
    text: Vec<u8>,
    values: Vec<u8>,
}

impl Recorder {
    /// A recorder with room for a page of this length in bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut recorder = Recorder::default();
        recorder.events.list.reserve(bytes / 16);
        recorder.events.attributes.reserve(bytes / 64);
        recorder.text.reserve(bytes / 2);
        recorder.values.reserve(bytes / 4);
        recorder
    }

    /// Number of events so far.
    pub(super) fn len(&self) -> usize {
        self.events.list.len()
    }

    /// Begins an element. Unless it has no content, its end must be recorded too.
    pub(super) fn enter(&mut self, tag: Tag, attributes: Range<u32>) -> ElementId {
        let id = place(self.len());
        let entered = Recorded::Enter(tag, attributes, id.saturating_add(1));
        self.events.list.push(entered);
        id
    }

    /// Ends an element.
    pub(super) fn leave(&mut self, id: ElementId) {
        self.events.list.push(Recorded::Leave(id));
        let after = place(self.len());
        if let Some(Recorded::Enter(_, _, end)) = self.events.list.get_mut(id as usize) {
            *end = after;
        }
    }

    /// Adds a piece of text.
    pub(super) fn text(&mut self, piece: &[u8]) {
        let start = place(self.text.len());
        self.text.extend_from_slice(piece);
        let end = place(self.text.len());
        if let Some(Recorded::Text(range)) = self.events.list.last_mut() {
            range.end = end;
        } else {
            self.events.list.push(Recorded::Text(start..end));
        }
    }

    /// Number of attributes so far.
    pub(super) fn attributes(&self) -> u32 {
        place(self.events.attributes.len())
    }

    /// Adds a piece of an attribute's value.
    pub(super) fn value(&mut self, piece: &[u8]) {
        self.values.extend_from_slice(piece);
    }

    /// Ends an attribute whose value began at byte `start` of all values.
    pub(super) fn attribute(&mut self, attribute: Attribute, start: usize) {
        let value = place(start)..place(self.values.len());
        self.events.attributes.push((attribute, value));
    }

    /// Length of all values, in bytes.
    pub(super) fn values(&self) -> usize {
        self.values.len()
    }

    /// Whether two ranges have the same attributes.
    pub(super) fn are_alike(&self, one: &Range<u32>, other: &Range<u32>) -> bool {
        let of = |range: &Range<u32>| {
            let range = range.start as usize..range.end as usize;
            let attributes = self.events.attributes.get(range).unwrap_or_default();
            attributes.iter().map(|(name, value)| {
                (
                    name,
                    self.values.get(value.start as usize..value.end as usize),
                )
            })
        };
        one.len() == other.len() && of(one).eq(of(other))
    }

    /// Sets the attributes of `html`, unless it has some.
    pub(super) fn html(&mut self, attributes: Range<u32>) {
        if self.events.html.is_empty() {
            self.events.html = attributes;
        }
    }

    /// Begins the body.
    pub(super) fn body(&mut self, attributes: Range<u32>) {
        self.events.body = self.enter(Tag::Body, attributes);
    }

    /// Sets the attributes of the body, unless it has some.
    pub(super) fn body_again(&mut self, attributes: Range<u32>) {
        if let Some(Recorded::Enter(_, known, _)) =
            self.events.list.get_mut(self.events.body as usize)
            && known.start == known.end
        {
            *known = attributes;
        }
    }

    /// Ends the body and returns all events.
    pub(super) fn finish(mut self) -> Events {
        self.leave(self.events.body);
        // The pieces are valid UTF-8 once they are joined.
        self.events.text = String::from_utf8(self.text).unwrap_or_default();
        self.events.values = String::from_utf8(self.values).unwrap_or_default();
        self.events
    }
}
