//! A page as a list of events: an element begins, text, an element ends. The list is read in order
//! and more than once, without a tree and without recursion.

use std::ops::Range;

use super::tag::{Attribute, Tag};

/// An element's id: the index of its beginning in the list of events.
pub(super) type ElementId = u32;

/// A page as a list of events.
#[derive(Default)]
pub(super) struct Events {
    pub(super) list: Vec<Recorded>,
    /// Text of all text events.
    pub(super) text: String,
    /// Attributes of all elements, with the ranges of their values in `values`.
    pub(super) attributes: Vec<(Attribute, Range<u32>)>,
    pub(super) values: String,
    /// Attributes of `html`.
    pub(super) html: Range<u32>,
    /// Where the body begins.
    pub(super) body: ElementId,
}

/// The stored form of an event.
pub(super) enum Recorded {
    /// An element, the range of its attributes, and the index after its end.
    Enter(Tag, Range<u32>, u32),
    /// A range of the text.
    Text(Range<u32>),
    /// The end of an element that can have content.
    Leave(ElementId),
}

/// An event of a walk.
pub(super) enum Event<'s> {
    /// An element begins.
    Enter(Element<'s>),
    /// The element ends. A formatting element may end before something that began inside it. There
    /// is no such event for an element that was left out or cannot have content.
    Leave(ElementId),
    /// Text between elements.
    Text(&'s str),
}

impl Events {
    /// Walks over the whole page.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk::new(self, 0, self.list.len())
    }

    /// Walks over an element and its content.
    pub(super) fn walk_in(&self, root: ElementId) -> Walk<'_> {
        Walk::new(self, root as usize, self.end(root))
    }

    /// An attribute of `html`.
    pub(super) fn html_attr(&self, attribute: Attribute) -> Option<&str> {
        self.attr(&self.html, attribute)
    }

    /// An attribute of the body.
    pub(super) fn body_attr(&self, attribute: Attribute) -> Option<&str> {
        match self.list.get(self.body as usize)? {
            Recorded::Enter(_, attributes, _) => self.attr(attributes, attribute),
            _ => None,
        }
    }

    fn attr(&self, range: &Range<u32>, attribute: Attribute) -> Option<&str> {
        let attributes = self
            .attributes
            .get(range.start as usize..range.end as usize)?;
        let (_, value) = attributes.iter().find(|(name, _)| *name == attribute)?;
        self.values.get(value.start as usize..value.end as usize)
    }

    fn end(&self, id: ElementId) -> usize {
        match self.list.get(id as usize) {
            Some(Recorded::Enter(_, _, end)) => *end as usize,
            _ => 0,
        }
    }
}

/// An element of a page.
#[derive(Clone, Copy)]
pub(super) struct Element<'s> {
    pub(super) id: ElementId,
    pub(super) tag: Tag,
    attributes: &'s Range<u32>,
    events: &'s Events,
}

impl<'s> Element<'s> {
    /// The value of an attribute.
    pub(super) fn attr(&self, attribute: Attribute) -> Option<&'s str> {
        self.events.attr(self.attributes, attribute)
    }

    /// All attributes that are kept, with their values.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (Attribute, &'s str)> + use<'s> {
        let range = self.attributes.start as usize..self.attributes.end as usize;
        let events = self.events;
        let attributes = events.attributes.get(range).unwrap_or_default();
        attributes.iter().filter_map(|(attribute, value)| {
            let value = value.start as usize..value.end as usize;
            Some((*attribute, events.values.get(value)?))
        })
    }

    /// The `id`, unless it is empty.
    pub(super) fn id_attr(&self) -> Option<&'s str> {
        self.attr(Attribute::Id).filter(|id| !id.is_empty())
    }

    /// Whether `class` has this token.
    pub(super) fn has_class(&self, class: &str) -> bool {
        self.classes().any(|token| token == class)
    }

    /// The tokens of `class`.
    pub(super) fn classes(&self) -> impl Iterator<Item = &'s str> {
        self.attr(Attribute::Class)
            .unwrap_or_default()
            .split_ascii_whitespace()
    }

    /// Walks over the element and its content.
    pub(super) fn walk(&self) -> Walk<'s> {
        self.events.walk_in(self.id)
    }
}

/// A walk over events, in the order of the page.
pub(super) struct Walk<'s> {
    events: &'s Events,
    next: usize,
    end: usize,
    /// The element that is left out, and the index after its end.
    left_out: (ElementId, usize),
}

impl<'s> Walk<'s> {
    fn new(events: &'s Events, next: usize, end: usize) -> Self {
        Walk {
            events,
            next,
            end,
            left_out: (0, 0),
        }
    }

    /// Leaves out the content of an element that was just entered, and its end.
    pub(super) fn leave_out(&mut self, element: &Element<'_>) {
        self.left_out = (element.id, self.events.end(element.id));
    }

    /// Skips to the end of the element that is left out, or to the end inside of it of an element
    /// that began before it.
    fn skip(&mut self) {
        let (first, end) = self.left_out;
        while self.next < end {
            match self.events.list.get(self.next) {
                Some(Recorded::Leave(id)) if *id < first => return,
                _ => self.next += 1,
            }
        }
    }
}

impl<'s> Iterator for Walk<'s> {
    type Item = Event<'s>;

    fn next(&mut self) -> Option<Event<'s>> {
        self.skip();
        if self.next >= self.end {
            return None;
        }
        let id = self.next;
        self.next += 1;
        Some(match self.events.list.get(id)? {
            Recorded::Enter(tag, attributes, _) => Event::Enter(Element {
                id: place(id),
                tag: *tag,
                attributes,
                events: self.events,
            }),
            Recorded::Text(range) => Event::Text(
                self.events
                    .text
                    .get(range.start as usize..range.end as usize)
                    .unwrap_or_default(),
            ),
            Recorded::Leave(id) => Event::Leave(*id),
        })
    }
}

/// Converts an index or an offset. Pages are smaller than 4 GiB.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn events(html: &str) -> String {
        let events = parse(html);
        let mut walk = events.walk();
        let mut seen = String::new();
        while let Some(event) = walk.next() {
            match event {
                Event::Enter(element) if element.tag == Tag::Nav => walk.leave_out(&element),
                Event::Enter(element) => seen += &format!("<{:?}{}>", element.tag, element.id),
                Event::Leave(id) => seen += &format!("</{id}>"),
                Event::Text(text) => seen += text,
            }
        }
        seen
    }

    #[test]
    fn a_walk_goes_in_order_and_leaves_out() {
        assert_eq!(
            events("<title>t</title><div>a<b>b<nav>c<i>d</i></nav></b><!-- x -->e<br>"),
            "<Title0>t</0><Body3><Div4>a<B6>b</6>e<Br16></4></3>"
        );
    }

    #[test]
    fn what_ends_inside_of_what_is_left_out_ends() {
        assert_eq!(
            events("<code>a<nav>b</code>c</nav>d"),
            "<Body0><Code1>a</1>d</0>"
        );
    }

    #[test]
    fn attributes_are_those_of_their_element() {
        let events = parse("<html lang=de><p id=a x=b id=c><p class='d &amp; e' Hidden>");
        assert_eq!(events.html_attr(Attribute::Lang), Some("de"));
        let attributes: Vec<_> = events
            .walk()
            .filter_map(|event| match event {
                Event::Enter(element) if element.tag == Tag::P => Some(
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
