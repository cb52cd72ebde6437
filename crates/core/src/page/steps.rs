//! A page as the list of its steps: an element begins, text, an element ends. It is read in order
//! and more than once, without a tree and without recursion.

use std::ops::Range;

use super::tag::{Attribute, Tag};

/// Place of a step in the list; for an element that of its beginning.
pub(super) type StepId = u32;

/// A page as the list of its steps.
#[derive(Default)]
pub(super) struct Steps {
    list: Vec<Recorded>,
    /// The text of all text steps.
    text: String,
    /// Attributes of all elements, with ranges of `values`.
    attributes: Vec<(Attribute, Range<u32>)>,
    values: String,
    /// Attributes of `html`.
    html: Range<u32>,
    /// Where the body begins.
    pub(super) body: StepId,
}

/// A step as it is kept.
enum Recorded {
    /// An element, the range of its attributes, and the step after its end.
    Enter(Tag, Range<u32>, StepId),
    /// A range of the text.
    Text(Range<u32>),
    /// The end of an element that holds anything.
    Leave(StepId),
}

/// A step of a walk.
pub(super) enum Step<'s> {
    /// An element begins.
    Enter(Element<'s>),
    /// The element ends; not for one that was skipped or can hold nothing. A formatting element
    /// may end before something that began inside it.
    Leave(StepId),
    /// Text between elements.
    Text(&'s str),
}

impl Steps {
    /// Walks over the whole page.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk {
            steps: self,
            next: 0,
            end: self.list.len(),
        }
    }

    /// Walks over an element and what is inside.
    pub(super) fn walk_in(&self, root: StepId) -> Walk<'_> {
        Walk {
            steps: self,
            next: root as usize,
            end: self.end(root),
        }
    }

    /// An attribute of `html`.
    pub(super) fn html_attr(&self, attribute: Attribute) -> Option<&str> {
        self.attr(&self.html, attribute)
    }

    fn attr(&self, range: &Range<u32>, attribute: Attribute) -> Option<&str> {
        let attributes = self
            .attributes
            .get(range.start as usize..range.end as usize)?;
        let (_, value) = attributes.iter().find(|(name, _)| *name == attribute)?;
        self.values.get(value.start as usize..value.end as usize)
    }

    fn end(&self, id: StepId) -> usize {
        match self.list.get(id as usize) {
            Some(Recorded::Enter(_, _, end)) => *end as usize,
            _ => 0,
        }
    }
}

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
                (name, self.values.get(value.start as usize..value.end as usize))
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
        if let Some(Recorded::Enter(_, known, _)) = self.steps.list.get_mut(self.steps.body as usize)
            && known.is_empty()
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

/// A place in a list; what is beyond 4 GiB does not exist.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// An element of a page.
#[derive(Clone, Copy)]
pub(super) struct Element<'s> {
    pub(super) id: StepId,
    pub(super) tag: Tag,
    attributes: &'s Range<u32>,
    steps: &'s Steps,
}

impl<'s> Element<'s> {
    /// An attribute's value.
    pub(super) fn attr(&self, attribute: Attribute) -> Option<&'s str> {
        self.steps.attr(self.attributes, attribute)
    }

    /// Its id, if it has one that can be linked to.
    pub(super) fn id_attr(&self) -> Option<&'s str> {
        self.attr(Attribute::Id).filter(|id| !id.is_empty())
    }

    /// Whether `class` holds the token.
    pub(super) fn has_class(&self, class: &str) -> bool {
        self.classes().any(|token| token == class)
    }

    /// The tokens of `class`.
    pub(super) fn classes(&self) -> impl Iterator<Item = &'s str> {
        self.attr(Attribute::Class)
            .unwrap_or_default()
            .split_ascii_whitespace()
    }

    /// Walks over it and what is inside.
    pub(super) fn walk(&self) -> Walk<'s> {
        self.steps.walk_in(self.id)
    }
}

/// A walk over steps, in the order of the page.
pub(super) struct Walk<'s> {
    steps: &'s Steps,
    next: usize,
    end: usize,
}

impl Walk<'_> {
    /// Leaves out what is inside an element that was just entered, and its `Leave`.
    pub(super) fn leave_out(&mut self, element: &Element<'_>) {
        self.next = self.next.max(self.steps.end(element.id));
    }
}

impl<'s> Iterator for Walk<'s> {
    type Item = Step<'s>;

    fn next(&mut self) -> Option<Step<'s>> {
        if self.next >= self.end {
            return None;
        }
        let id = self.next;
        self.next += 1;
        Some(match self.steps.list.get(id)? {
            Recorded::Enter(tag, attributes, _) => Step::Enter(Element {
                id: place(id),
                tag: *tag,
                attributes,
                steps: self.steps,
            }),
            Recorded::Text(range) => Step::Text(
                self.steps
                    .text
                    .get(range.start as usize..range.end as usize)
                    .unwrap_or_default(),
            ),
            Recorded::Leave(id) => Step::Leave(*id),
        })
    }
}
