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
        Walk::new(self, 0, self.list.len())
    }

    /// Walks over an element and what is inside.
    pub(super) fn walk_in(&self, root: StepId) -> Walk<'_> {
        Walk::new(self, root as usize, self.end(root))
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
    /// What is left out began here and ends before the other step.
    left_out: (StepId, usize),
}

impl<'s> Walk<'s> {
    fn new(steps: &'s Steps, next: usize, end: usize) -> Self {
        Walk {
            steps,
            next,
            end,
            left_out: (0, 0),
        }
    }

    /// Leaves out what begins inside an element that was just entered, and its `Leave`.
    pub(super) fn leave_out(&mut self, element: &Element<'_>) {
        self.left_out = (element.id, self.steps.end(element.id));
    }

    /// Goes to the end of what is left out, or to the end of something in it that began before.
    fn skip(&mut self) {
        let (first, end) = self.left_out;
        while self.next < end {
            match self.steps.list.get(self.next) {
                Some(Recorded::Leave(id)) if *id < first => return,
                _ => self.next += 1,
            }
        }
    }
}

impl<'s> Iterator for Walk<'s> {
    type Item = Step<'s>;

    fn next(&mut self) -> Option<Step<'s>> {
        self.skip();
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

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn steps(html: &str) -> String {
        let steps = parse(html);
        let mut walk = steps.walk();
        let mut seen = String::new();
        while let Some(step) = walk.next() {
            match step {
                Step::Enter(element) if element.tag == Tag::Nav => walk.leave_out(&element),
                Step::Enter(element) => seen += &format!("<{:?}{}>", element.tag, element.id),
                Step::Leave(id) => seen += &format!("</{id}>"),
                Step::Text(text) => seen += text,
            }
        }
        seen
    }

    #[test]
    fn a_walk_goes_in_order_and_leaves_out() {
        assert_eq!(
            steps("<title>t</title><div>a<b>b<nav>c<i>d</i></nav></b><!-- x -->e<br>"),
            "<Title0>t</0><Body3><Div4>a<B6>b</6>e<Br16></4></3>"
        );
    }

    #[test]
    fn what_ends_inside_of_what_is_left_out_ends() {
        assert_eq!(
            steps("<code>a<nav>b</code>c</nav>d"),
            "<Body0><Code1>a</1>d</0>"
        );
    }

    #[test]
    fn attributes_are_those_of_their_element() {
        let steps = parse("<html lang=de><p id=a x=b id=c><p class='d &amp; e' Hidden>");
        assert_eq!(steps.html_attr(Attribute::Lang), Some("de"));
        let attributes: Vec<_> = steps
            .walk()
            .filter_map(|step| match step {
                Step::Enter(element) if element.tag == Tag::P => Some(
                    [Attribute::Id, Attribute::Class, Attribute::Hidden]
                        .map(|attribute| element.attr(attribute)),
                ),
                _ => None,
            })
            .collect();
        let expected = [[Some("a"), None, None], [None, Some("d & e"), Some("")]];
        assert_eq!(attributes, expected);
    }
}
