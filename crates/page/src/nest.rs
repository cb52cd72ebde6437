//! Nests the elements of a page by the rules of WHATWG HTML, "tree construction", as far as they
//! matter to a reader.
//!
//! Omitted end tags, formatting that continues in the next block, tables and SVG follow the
//! standard. But nothing is moved or copied, so the events stay in the order of the page. The
//! result differs where browsers move or copy elements to repair a page:
//!
//! - Content of a table outside of its cells stays there instead of moving before the table.
//! - A link that crosses blocks is one link instead of a copy in each of them.
//! - A form ends at its end tag, with everything that is open in it.
//! - Pages with frames have a body, and SVG and MathML share the names of elements that contain
//!   HTML.
//!
//! Each tag costs a search of the open elements, whose number is bounded.

use std::ops::Range;

use super::events::Events;
use super::open::{Open, Scope};
use super::recorder::Recorder;
use super::tag::{Kind, Tag};

/// Minimum number of bytes per event of a page, not counting [`SPARE_EVENTS`]. The rest of a page
/// with more events is plain text. Documentation has 8 bytes per event or more.
const BYTES_PER_EVENT: usize = 2;
/// Number of events that a page may have whatever its length.
const SPARE_EVENTS: usize = 10_000;

/// Nests the elements of a page.
pub(super) struct Nest {
    pub(super) open: Open,
    pub(super) has_body: bool,
    pub(super) raw: Raw,
    /// Whether a line break that follows belongs to the markup.
    pub(super) skips_line_break: bool,
    /// Number of start tags left out whose end tags have not come yet.
    pub(super) left_out: u32,
    /// Markup of the fallback that is open or has just ended.
    pub(super) fallback: Vec<u8>,
    max_events: usize,
}

/// The raw text that the tokenizer reads up to an end tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Raw {
    /// None: it reads markup.
    No,
    /// Text for readers.
    Text,
    /// Text that is not for readers.
    Silent,
    /// Markup that is not for readers, but whose links lead to pages.
    Fallback,
}

impl Nest {
    /// Nests the elements of a page of this length in bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Nest {
            open: Open::new(Recorder::with_capacity(bytes)),
            has_body: false,
            raw: Raw::No,
            skips_line_break: false,
            left_out: 0,
            fallback: Vec::new(),
            max_events: bytes / BYTES_PER_EVENT + SPARE_EVENTS,
        }
    }

    /// Handles text, which may come in pieces.
    pub(super) fn text(&mut self, mut piece: &[u8]) {
        match self.raw {
            Raw::Silent => return,
            Raw::Fallback => return self.fallback.extend_from_slice(piece),
            Raw::No | Raw::Text => {}
        }
        if std::mem::take(&mut self.skips_line_break) {
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        if self.raw == Raw::No {
            if self.is_before_body() {
                piece = piece.trim_ascii_start();
            }
            if piece.is_empty() || piece == b"\0" {
                return;
            }
            self.begin_body();
            if !self.is_full() {
                self.open.reopen();
            }
        }
        if !piece.is_empty() {
            self.open.events.text(piece);
        }
    }

    /// Handles an end tag.
    pub(super) fn end(&mut self, tag: Tag) {
        self.skips_line_break = false;
        match std::mem::replace(&mut self.raw, Raw::No) {
            Raw::Silent | Raw::Fallback => return,
            Raw::Text => return self.open.end_innermost(),
            Raw::No => {}
        }
        if self.is_before_body() && matches!(tag, Tag::Body | Tag::Html) {
            self.begin_body();
        }
        if self.is_full() || self.is_before_body() {
            return;
        }
        if self.left_out > 0 && !matches!(tag, Tag::A | Tag::Br) {
            self.left_out -= 1;
            return;
        }
        if let Some(at) = self.open.find_foreign(tag) {
            return self.open.end(at);
        }
        let is_same = |open: Tag| open == tag;
        let found = match tag.kind() {
            Kind::Block if tag == Tag::P => {
                let found = self.open.find(Scope::Button, is_same);
                if found.is_none() && self.enter(tag, 0..0) {
                    self.open.end_innermost();
                }
                found
            }
            Kind::Item if tag == Tag::Li => self.open.find(Scope::List, is_same),
            Kind::Heading => {
                let is_heading = |open: Tag| open.kind() == Kind::Heading;
                self.open.find(Scope::Default, is_heading)
            }
            Kind::Table | Kind::TablePart | Kind::Cell => self.open.find(Scope::Table, is_same),
            Kind::Void if tag == Tag::Br => return self.void(tag, 0..0),
            Kind::Void => None,
            Kind::Formatting if self.open.end_formatting(tag) => None,
            Kind::Formatting | Kind::Choice | Kind::Foreign | Kind::Plain => {
                self.open.find_up_to(is_same, Tag::is_special)
            }
            _ => self.open.find(Scope::Default, is_same),
        };
        if let Some(at) = found {
            self.open.end(at);
        }
    }

    /// Handles a start tag in a fallback, of which only the address is kept.
    pub(super) fn start_in_fallback(&mut self, tag: Tag, attributes: Range<u32>) {
        let leads = match tag {
            Tag::A | Tag::Area => Tag::Area,
            Tag::Frame | Tag::Iframe => Tag::Frame,
            _ => return,
        };
        if !self.is_full() {
            self.open.events.enter(leads, attributes);
        }
    }

    /// Handles the end of the page, and returns its events.
    pub(super) fn finish(mut self) -> Events {
        self.open.end(0);
        self.begin_body();
        self.open.events.finish()
    }

    /// Ends a paragraph, if one is open.
    pub(super) fn end_paragraph(&mut self) {
        if let Some(at) = self.open.find(Scope::Button, |open| open == Tag::P) {
            self.open.end(at);
        }
    }

    /// Begins an element unless it would lie too deep, and returns whether it did.
    pub(super) fn enter(&mut self, tag: Tag, attributes: Range<u32>) -> bool {
        if self.open.is_deep() {
            self.left_out += 1;
            return false;
        }
        self.open.enter(tag, tag, attributes);
        true
    }

    /// Handles an element without content.
    pub(super) fn void(&mut self, tag: Tag, attributes: Range<u32>) {
        match tag {
            Tag::Hr => self.end_paragraph(),
            Tag::Input => {
                self.end_control(Tag::Select);
                self.open.reopen();
            }
            Tag::Area | Tag::Br | Tag::Embed | Tag::Img | Tag::Wbr => {
                self.open.reopen();
            }
            _ => {}
        }
        self.open.events.enter(tag, attributes);
    }

    /// Begins the body, if it has not begun.
    pub(super) fn begin_body(&mut self) {
        if self.is_before_body() {
            self.has_body = true;
            self.open.events.body(0..0);
        }
    }

    fn is_before_body(&self) -> bool {
        !self.has_body && self.open.is_empty()
    }

    /// Whether the page has reached its maximum number of events.
    pub(super) fn is_full(&self) -> bool {
        self.open.events.len() > self.max_events
    }
}

#[cfg(test)]
mod tests {
    use crate::events::{ElementId, Event};
    use crate::parse::parse;
    use crate::tag::Tag;

    /// The events of the body as markup with all end tags.
    fn nested(html: &str) -> String {
        let events = parse(html);
        let mut names: Vec<(ElementId, String)> = Vec::new();
        let mut seen = String::new();
        for event in events.walk_in(events.body) {
            match event {
                Event::Enter(element) => {
                    let name = match element.tag {
                        Tag::Other(_) => "other".to_owned(),
                        tag => format!("{tag:?}").to_lowercase(),
                    };
                    seen += &format!("<{name}>");
                    names.push((element.id, name));
                }
                Event::Leave(id) => {
                    let (_, name) = names.iter().find(|(entered, _)| *entered == id).unwrap();
                    seen += &format!("</{name}>");
                }
                Event::Text(text) => seen += text,
            }
        }
        let body = seen.strip_prefix("<body>").unwrap();
        body.strip_suffix("</body>").unwrap().to_owned()
    }

    macro_rules! nests {
        ($($name:ident: $html:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(nested($html), $expected);
            })*
        };
    }

    nests! {
        a_block_ends_a_paragraph: "<p>a<div>b" => "<p>a</p><div>b</div>",
        a_block_in_a_button_ends_none_outside:
            "<p>a<button><div>b" => "<p>a<button><div>b</div></button></p>",
        end_without_a_paragraph: "a</p>b" => "a<p></p>b",
        items: "<ul><li>a<li>b</ul>c" => "<ul><li>a</li><li>b</li></ul>c",
        item_of_an_inner_list:
            "<ul><li>a<ul><li>b</ul><li>c" =>
            "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
        terms: "<dl><dt>a<dd><p>b<dt>c" => "<dl><dt>a</dt><dd><p>b</p></dd><dt>c</dt></dl>",
        headings_do_not_nest: "<h1>a<h2>b</h1>c" => "<h1>a</h1><h2>b</h2>c",
        formatting_goes_on: "<p><b>a<p>b</b>c" => "<p><b>a</b></p><p><b>b</b>c</p>",
        formatting_ends_before_its_block: "<b>1<p>2</b>3</p>" => "<b>1<p>2</b>3</p>",
        formatting_inside_out: "<b>1<i>2</b>3</i>4" => "<b>1<i>2</i></b><i>3</i>4",
        formatting_stays_in_its_cell:
            "<table><tr><td><b>1<td>2</table>3" =>
            "<table><tr><td><b>1</b></td><td>2</td></tr></table>3",
        same_formatting_goes_on_three_times:
            "<p><b><b><b><b><b>a<p>b" =>
            "<p><b><b><b><b><b>a</b></b></b></b></b></p><p><b><b><b>b</b></b></b></p>",
        a_link_ends_the_one_before: "<a>1<a>2" => "<a>1</a><a>2</a>",
        a_link_around_blocks: "<a><div>1</div></a>2" => "<a><div>1</div></a>2",
        inline_end_does_not_end_a_block: "<span><div>a</span>b" => "<span><div>ab</div></span>",
        unknown_elements: "<x-a>1<x-b>2</x-a>3" =>
            "<other>1<other>2</other></other>3",
        cells: "<table><tr><td>1<td>2<tr><th>3<tbody><tr><td>4</table>5" =>
            "<table><tr><td>1</td><td>2</td></tr><tr><th>3</th></tr><tbody><tr><td>4</td></tr></tbody></table>5",
        cells_without_a_table: "<tr><td>1</td></tr>2" => "12",
        table_in_a_table: "<table><tr><table><td>1" => "<table><tr></tr></table><table><td>1</td></table>",
        text_in_a_table_stays: "<table>1<tr><td>2" => "<table>1<tr><td>2</td></tr></table>",
        line_break_after_pre: "<pre>\n\na</pre>" => "<pre>\na</pre>",
        raw_text: "<textarea><p>a</textarea><xmp></b></xmp>" =>
            "<textarea><p>a</textarea><xmp></b></xmp>",
        nobody_reads_scripts: "a<script>'<p>'</script><style>b</style><noscript><p></noscript>c" =>
            "ac",
        drawing: "a<svg><title>b</title><p/>c" => "a<svg><inforeign>b</inforeign></svg><p>c</p>",
        drawing_with_characters: "<svg><![CDATA[<p>]]></svg>" => "<svg><p></svg>",
        html_in_a_drawing: "<svg><foreignObject><p>a</p></foreignObject></svg>b" =>
            "<svg><inforeign><p>a</p></inforeign></svg>b",
        empty_drawing: "<svg/>a" => "<svg>a",
        choices: "<select><option>a<option>b<select>c" =>
            "<select><option>a</option><option>b</option></select>c",
        body_begins_with_content: " <!-- a --><title>b</title> <meta> c" => "c",
        body_ends_with_the_page: "<body>a</body></html>b" => "ab",
        null: "a\0b" => "ab",
    }
}
