//! Parses HTML to events, in one pass and in time and memory linear in the length of the page.
//!
//! The tokenizer of html5gum reads the tags by the standard's rules, and [`Nest`] nests the
//! elements. Names are packed into numbers as they arrive, and the values of attributes are written
//! where they stay, so a tag takes no memory of its own, however many attributes it has.

use std::convert::Infallible;

use html5gum::{Emitter, Error, State, Tokenizer};

use super::events::Events;
use super::nest::Nest;
use super::start::state;
use super::tag::{Attribute, Tag, pack};

/// Parses a page as a browser with scripting does. Never fails.
pub(super) fn parse(html: &str) -> Events {
    let mut nest = Nest::new(html.len());
    tokenize(html.as_bytes(), &mut nest, false);
    nest.finish()
}

fn tokenize(html: &[u8], nest: &mut Nest, in_fallback: bool) {
    let tags = Tags {
        nest,
        in_fallback,
        name: 0,
        is_end: false,
        is_self_closing: false,
        raw_text: Tag::Other(0),
        attributes: 0,
        seen: 0,
        attribute: None,
        value: 0,
    };
    // Reading cannot fail, since the page is in memory.
    let Ok(()) = Tokenizer::new_with_emitter(html, tags).finish();
}

/// Receives what the tokenizer reads.
struct Tags<'n> {
    nest: &'n mut Nest,
    /// Whether the markup is a fallback, of which only links are kept.
    in_fallback: bool,
    /// Packed name of the tag that is being read.
    name: u128,
    is_end: bool,
    is_self_closing: bool,
    /// The last start tag, whose end tag ends raw text.
    raw_text: Tag,
    /// Number of attributes before this tag.
    attributes: u32,
    /// Bit set of the tag's attributes. Only the first attribute of a name counts.
    seen: u32,
    /// Packed name of the attribute that is being read.
    attribute: Option<u128>,
    /// Where the attribute's value begins.
    value: usize,
}

impl Tags<'_> {
    fn begin(&mut self, is_end: bool) {
        self.name = 0;
        self.is_end = is_end;
        self.is_self_closing = false;
        self.attributes = self.nest.open.events.attributes();
        self.seen = 0;
    }

    fn end_attribute(&mut self) {
        let Some(name) = self.attribute.take() else {
            return;
        };
        let events = &mut self.nest.open.events;
        match Attribute::of(name) {
            Some(attribute)
                if !self.is_end
                    && self.seen & (1 << attribute as u32) == 0
                    && attribute.is_kept_for(|| Tag::of(self.name)) =>
            {
                self.seen |= 1 << attribute as u32;
                events.attribute(attribute, self.value);
            }
            _ => events.forget_values(self.value),
        }
    }

    /// Looks for links in a fallback that has ended. A browser reads a fallback up to the first end
    /// tag, whatever it contains, so it is collected before it is parsed.
    fn read_fallback(&mut self) {
        let markup = std::mem::take(&mut self.nest.fallback);
        if !markup.is_empty() {
            tokenize(&markup, self.nest, true);
        }
    }
}

impl Emitter for Tags<'_> {
    type Token = Infallible;

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_string(&mut self, text: &[u8]) {
        if !self.in_fallback {
            self.nest.text(text);
        }
    }

    fn init_start_tag(&mut self) {
        self.begin(false);
    }

    fn init_end_tag(&mut self) {
        self.begin(true);
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        self.name = pack(self.name, name);
    }

    fn set_self_closing(&mut self) {
        self.is_self_closing = true;
    }

    fn init_attribute(&mut self) {
        self.end_attribute();
        self.attribute = Some(0);
        self.value = self.nest.open.events.values();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        self.attribute = self.attribute.map(|so_far| pack(so_far, name));
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        self.nest.open.events.value(value);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.end_attribute();
        let tag = Tag::of(self.name);
        if self.is_end && self.in_fallback {
            return None;
        }
        if self.is_end {
            self.nest.end(tag);
            if tag.is_fallback() {
                self.read_fallback();
            }
            return None;
        }
        self.raw_text = tag;
        let attributes = self.attributes..self.nest.open.events.attributes();
        if self.in_fallback {
            self.nest.start_in_fallback(tag, attributes);
            return state(tag).filter(|_| !tag.is_fallback());
        }
        self.nest.start(tag, attributes, self.is_self_closing)
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && Tag::of(self.name) == self.raw_text
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.nest.open.is_foreign()
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: Error) {}

    fn emit_eof(&mut self) {}

    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}

    fn init_comment(&mut self) {}

    fn push_comment(&mut self, _: &[u8]) {}

    fn emit_current_comment(&mut self) {}

    fn init_doctype(&mut self) {}

    fn push_doctype_name(&mut self, _: &[u8]) {}

    fn set_force_quirks(&mut self) {}

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn emit_current_doctype(&mut self) {}
}
