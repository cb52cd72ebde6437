//! Parses HTML to events, in one pass and in time and memory linear in the length of the page.
//!
//! The tokenizer reads the tags by the standard's rules, and [`Nest`] nests the elements. Names are
//! packed into numbers as they arrive, and the values of attributes are written where they stay, so a
//! tag takes no memory of its own, however many attributes it has.

use std::borrow::Cow;

use super::events::Events;
use super::nest::Nest;
use super::start::content;
use super::tag::{Attribute, Tag};
use super::tokenizer::{Content, Sink, tokenize};

/// Parses a page as a browser with scripting does. Never fails.
pub(super) fn parse(html: &str) -> Events {
    let mut nest = Nest::new(html.len());
    let html = with_line_feeds(html);
    tokenize(html.as_bytes(), &mut Tags::new(&mut nest, false));
    nest.finish()
}

/// Writes all line breaks as line feeds (WHATWG HTML, "Preprocessing the input stream").
fn with_line_feeds(html: &str) -> Cow<'_, str> {
    match html.contains('\r') {
        true => html.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => html.into(),
    }
}

/// Receives what the tokenizer reads.
struct Tags<'n> {
    nest: &'n mut Nest,
    /// Whether the markup is a fallback, of which only links are kept.
    in_fallback: bool,
    /// The tag that is being read.
    tag: Tag,
    is_end: bool,
    /// Number of attributes before this tag.
    attributes: u32,
    /// Bit set of the tag's attributes. Only the first attribute of a name counts.
    seen: u32,
    /// The attribute that is being read, and where its value begins.
    attribute: Option<(Attribute, usize)>,
}

impl<'n> Tags<'n> {
    fn new(nest: &'n mut Nest, in_fallback: bool) -> Self {
        Tags {
            nest,
            in_fallback,
            tag: Tag::Other(0),
            is_end: false,
            attributes: 0,
            seen: 0,
            attribute: None,
        }
    }

    fn end_attribute(&mut self) {
        if let Some((attribute, value)) = self.attribute.take() {
            self.nest.open.events.attribute(attribute, value);
        }
    }

    /// Looks for links in a fallback that has ended. A browser reads a fallback up to the first end
    /// tag, whatever it contains, so it is collected before it is parsed.
    fn read_fallback(&mut self) {
        let markup = std::mem::take(&mut self.nest.fallback);
        if !markup.is_empty() {
            tokenize(&markup, &mut Tags::new(self.nest, true));
        }
    }
}

impl Sink for Tags<'_> {
    fn text(&mut self, piece: &[u8]) {
        if !self.in_fallback {
            self.nest.text(piece);
        }
    }

    fn begin(&mut self, name: u128, is_end: bool) {
        self.tag = Tag::of(name);
        self.is_end = is_end;
        self.attributes = self.nest.open.events.attributes();
        self.seen = 0;
    }

    fn attribute(&mut self, name: u128) -> bool {
        self.end_attribute();
        let attribute = Attribute::of(name).filter(|attribute| {
            !self.is_end
                && self.seen & (1 << *attribute as u32) == 0
                && attribute.is_kept_for(self.tag)
        });
        if let Some(attribute) = attribute {
            self.seen |= 1 << attribute as u32;
            self.attribute = Some((attribute, self.nest.open.events.values()));
        }
        attribute.is_some()
    }

    fn value(&mut self, piece: &[u8]) {
        self.nest.open.events.value(piece);
    }

    fn end(&mut self, is_self_closing: bool) -> Content {
        self.end_attribute();
        let tag = self.tag;
        if self.is_end {
            if !self.in_fallback {
                self.nest.end(tag);
                if tag.is_fallback() {
                    self.read_fallback();
                }
            }
            return Content::Markup;
        }
        let attributes = self.attributes..self.nest.open.events.attributes();
        if !self.in_fallback {
            return self.nest.start(tag, attributes, is_self_closing);
        }
        self.nest.start_in_fallback(tag, attributes);
        match tag.is_fallback() {
            true => Content::Markup,
            false => content(tag),
        }
    }

    fn is_foreign(&self) -> bool {
        self.nest.open.is_foreign()
    }
}
