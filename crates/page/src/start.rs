//! The rules for start tags: what they end, and what they begin.

use std::ops::Range;

use super::nest::{Nest, Raw};
use super::open::Scope;
use super::tag::{Kind, Tag};
use super::tokenizer::Content;

impl Nest {
    /// Handles a start tag, and returns how the tokenizer must read on.
    pub(super) fn start(
        &mut self,
        tag: Tag,
        attributes: Range<u32>,
        self_closing: bool,
    ) -> Content {
        self.skips_line_break = false;
        if self.is_full() {
            let content = content(tag);
            if content != Content::Markup {
                self.raw = Raw::Silent;
            }
            return content;
        }
        if self.open.is_foreign() {
            if !tag.breaks_out() {
                self.start_foreign(Tag::InForeign, tag, attributes, self_closing);
                return Content::Markup;
            }
            while self.open.is_foreign() {
                self.open.end_innermost();
            }
        }
        match tag {
            Tag::Html | Tag::Body if self.open.is_in(Tag::Template) => {}
            Tag::Html => self.open.events.html(attributes),
            Tag::Body if self.has_body => self.open.events.body_again(attributes),
            Tag::Body => {
                self.has_body = true;
                self.open.events.body(attributes);
            }
            Tag::Head => {}
            _ => {
                if !tag.is_of_head() {
                    self.begin_body();
                }
                self.start_inside(tag, attributes, self_closing);
                return content(tag);
            }
        }
        Content::Markup
    }

    fn start_inside(&mut self, tag: Tag, attributes: Range<u32>, self_closing: bool) {
        match tag.kind() {
            Kind::Block => {
                self.end_paragraph();
                self.enter(tag, attributes);
                self.skips_line_break = matches!(tag, Tag::Pre | Tag::Listing);
            }
            Kind::Heading => {
                self.end_paragraph();
                let innermost = self.open.innermost();
                if innermost.is_some_and(|tag| tag.kind() == Kind::Heading) {
                    self.open.end_innermost();
                }
                self.enter(tag, attributes);
            }
            Kind::Item => self.start_item(tag, attributes),
            Kind::Formatting => self.start_formatting(tag, attributes),
            Kind::Void => self.void(tag, attributes),
            Kind::Text | Kind::Silent => self.start_raw(tag, attributes),
            Kind::Closed => {
                if tag != Tag::Template {
                    self.open.reopen();
                }
                if self.enter(tag, attributes) {
                    self.open.close_off();
                }
            }
            Kind::Table => {
                if self.is_between_cells() {
                    self.end(Tag::Table);
                }
                self.end_paragraph();
                self.enter(tag, attributes);
            }
            Kind::TablePart | Kind::Cell => self.start_part(tag, attributes),
            Kind::Choice => {
                if self.open.innermost() == Some(Tag::Option) {
                    self.open.end_innermost();
                }
                self.enter_inline(tag, attributes);
            }
            Kind::Foreign => {
                self.open.reopen();
                self.start_foreign(tag, tag, attributes, self_closing);
            }
            Kind::Special | Kind::Plain => {
                if tag == Tag::Button {
                    self.end_control(tag);
                }
                if tag != Tag::Select || !self.end_control(tag) {
                    self.enter_inline(tag, attributes);
                }
            }
        }
    }

    /// Ends a button or select that is open, and returns whether it was.
    pub(super) fn end_control(&mut self, tag: Tag) -> bool {
        let control = self.open.find(Scope::Default, |open| open == tag);
        if let Some(at) = control {
            self.open.end(at);
        }
        control.is_some()
    }

    fn start_item(&mut self, tag: Tag, attributes: Range<u32>) {
        let ends = |open: Tag| match tag {
            Tag::Li => open == Tag::Li,
            _ => matches!(open, Tag::Dd | Tag::Dt),
        };
        let stops =
            |open: Tag| open.is_special() && !matches!(open, Tag::Address | Tag::Div | Tag::P);
        if let Some(at) = self.open.find_up_to(ends, stops) {
            self.open.end(at);
        }
        self.end_paragraph();
        self.enter(tag, attributes);
    }

    fn start_formatting(&mut self, tag: Tag, attributes: Range<u32>) {
        if matches!(tag, Tag::A | Tag::Nobr) && self.open.has_formatting(tag) {
            self.open.end_formatting(tag);
        }
        self.open.reopen();
        // Links are needed at any depth, where they do not nest.
        if tag == Tag::A && self.open.is_deep() && self.open.innermost() == Some(Tag::A) {
            self.open.end_innermost();
        }
        if tag == Tag::A || !self.open.is_deep() {
            self.open.enter_formatting(tag, attributes);
        } else {
            self.left_out += 1;
        }
    }

    fn start_raw(&mut self, tag: Tag, attributes: Range<u32>) {
        if tag.is_fallback() {
            self.raw = Raw::Fallback;
        } else if tag.kind() == Kind::Silent {
            self.raw = Raw::Silent;
            if tag == Tag::Iframe {
                self.open.events.enter(tag, attributes);
            }
        } else {
            if matches!(tag, Tag::Xmp | Tag::Plaintext) {
                self.end_paragraph();
            }
            if tag == Tag::Textarea {
                self.end_control(Tag::Select);
            }
            self.raw = Raw::Text;
            self.open.enter(tag, tag, attributes);
            self.skips_line_break = tag == Tag::Textarea;
        }
    }

    fn start_part(&mut self, tag: Tag, attributes: Range<u32>) {
        let is_table = |open: Tag| open == Tag::Table;
        if self.open.find(Scope::Table, is_table).is_none() {
            return;
        }
        self.open.end_down_to(|open| match tag {
            Tag::Td | Tag::Th => is_table(open) || open.kind() == Kind::TablePart,
            Tag::Tr => matches!(open, Tag::Table | Tag::Tbody | Tag::Tfoot | Tag::Thead),
            _ => is_table(open),
        });
        if self.enter(tag, attributes) && tag.kind() == Kind::Cell {
            self.open.close_off();
        }
    }

    fn start_foreign(&mut self, tag: Tag, name: Tag, attributes: Range<u32>, self_closing: bool) {
        if self_closing {
            self.open.events.enter(tag, attributes);
        } else if self.open.is_deep() {
            self.left_out += 1;
        } else {
            self.open.enter(tag, name, attributes);
        }
    }

    fn is_between_cells(&self) -> bool {
        let innermost = self.open.innermost().map(Tag::kind);
        matches!(innermost, Some(Kind::Table | Kind::TablePart))
    }

    fn enter_inline(&mut self, tag: Tag, attributes: Range<u32>) {
        self.open.reopen();
        self.enter(tag, attributes);
    }
}

/// How the tokenizer reads the content of an element.
pub(super) fn content(tag: Tag) -> Content {
    match tag.kind() {
        Kind::Text | Kind::Silent => match tag {
            Tag::Title | Tag::Textarea => Content::RcData,
            Tag::Script => Content::Script,
            Tag::Plaintext => Content::PlainText,
            _ => Content::RawText,
        },
        _ => Content::Markup,
    }
}
