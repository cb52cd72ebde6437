//! Cuts a page into text and tags, by WHATWG HTML, "Tokenization", in one pass.
//!
//! Nothing is copied but the characters of references. What no reader of a page asks for is only
//! passed over: comments, doctypes, scripts, and the values of attributes that nobody wants.

use memchr::{memchr_iter, memchr3, memmem};

use super::reference::{self, Characters};
use super::script;
use super::tag::pack;

/// What U+0000 becomes where it is not left out.
const REPLACEMENT: &[u8] = "\u{FFFD}".as_bytes();

/// How the content of an element is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Text and tags.
    Markup,
    /// Text with character references, up to the end tag.
    RcData,
    /// Text up to the end tag.
    RawText,
    /// A script up to its end tag.
    Script,
    /// Text up to the end of the page.
    PlainText,
}

/// Receives what a page consists of, in order. Names are [packed](pack), in lower case.
pub(super) trait Sink {
    /// Text, which may come in pieces; none of them is empty. U+0000 in markup is a piece of its own.
    fn text(&mut self, piece: &[u8]);

    /// A tag begins.
    fn begin(&mut self, name: u128, is_end: bool);

    /// An attribute of the tag begins. Returns whether its value is wanted.
    fn attribute(&mut self, name: u128) -> bool;

    /// A piece of the attribute's value.
    fn value(&mut self, piece: &[u8]);

    /// The tag ends. Returns how the text after it is read. It is not called for a tag that the page
    /// cuts off.
    fn end(&mut self, is_self_closing: bool) -> Content;

    /// Whether the innermost open element is one of SVG or MathML.
    fn is_foreign(&self) -> bool;
}

/// Reads a page whose line breaks are line feeds.
pub(super) fn tokenize(html: &[u8], sink: &mut impl Sink) {
    let mut tokenizer = Tokenizer {
        html,
        at: 0,
        sink,
        content: Content::Markup,
        element: 0,
    };
    while tokenizer.at < html.len() {
        match tokenizer.content {
            Content::Markup => tokenizer.markup(),
            Content::RcData => tokenizer.raw_text(b'&'),
            Content::RawText => tokenizer.raw_text(b'<'),
            Content::Script => tokenizer.script(),
            Content::PlainText => tokenizer.plain_text(),
        }
    }
}

struct Tokenizer<'h, S> {
    html: &'h [u8],
    /// The first byte that is not read yet.
    at: usize,
    sink: &'h mut S,
    content: Content,
    /// Name of the last start tag, whose end tag ends its text.
    element: u128,
}

impl<'h, S: Sink> Tokenizer<'h, S> {
    /// Returns the byte at a distance from the current one.
    fn ahead(&self, distance: usize) -> Option<u8> {
        self.html.get(self.at + distance).copied()
    }

    fn rest(&self) -> &'h [u8] {
        self.html.get(self.at..).unwrap_or_default()
    }

    /// Passes on text that is not read from the page.
    fn instead(&mut self, text: &[u8], length: usize) {
        self.sink.text(text);
        self.at += length;
    }

    /// Reads text up to one of these bytes, and returns the byte.
    fn text_until(&mut self, stops: [u8; 3]) -> Option<u8> {
        let rest = self.rest();
        let length = memchr3(stops[0], stops[1], stops[2], rest).unwrap_or(rest.len());
        if length > 0 {
            self.instead(&rest[..length], length);
        }
        self.ahead(0)
    }

    fn markup(&mut self) {
        match self.text_until([b'<', b'&', 0]) {
            Some(b'<') => self.opening(),
            Some(b'&') => self.reference(),
            Some(_) => self.instead(b"\0", 1),
            None => {}
        }
    }

    /// Reads a character reference in text.
    fn reference(&mut self) {
        match reference::decode(self.rest(), false) {
            Some((characters, length)) => self.instead(characters.as_bytes(), length),
            None => self.instead(b"&", 1),
        }
    }

    /// Reads what begins with `<`.
    fn opening(&mut self) {
        match (self.ahead(1), self.ahead(2)) {
            (Some(first), _) if first.is_ascii_alphabetic() => self.tag(1, false),
            (Some(b'/'), Some(first)) if first.is_ascii_alphabetic() => self.tag(2, true),
            (Some(b'/'), Some(b'>')) => self.at += 3,
            (Some(b'/'), None) => self.instead(b"</", 2),
            (Some(b'!'), _) => self.declaration(),
            (Some(b'/' | b'?'), _) => self.skip_past(b">"),
            _ => self.instead(b"<", 1),
        }
    }

    /// Goes on after the next such bytes, or at the end of the page.
    fn skip_past(&mut self, end: &[u8]) {
        let rest = self.rest();
        self.at += memmem::find(rest, end).map_or(rest.len(), |found| found + end.len());
    }

    /// Reads a comment, a doctype or a CDATA section.
    fn declaration(&mut self) {
        let rest = self.rest();
        if rest.starts_with(b"<!--") {
            self.at += comment(rest);
        } else if let Some(text) = rest.strip_prefix(b"<![CDATA[")
            && self.sink.is_foreign()
        {
            let length = memmem::find(text, b"]]>").unwrap_or(text.len());
            if length > 0 {
                self.sink.text(&text[..length]);
            }
            self.at += rest.len() - text.len() + length;
            self.skip_past(b"]]>");
        } else {
            self.skip_past(b">");
        }
    }

    /// Reads a tag whose name begins at a distance.
    fn tag(&mut self, distance: usize, is_end: bool) {
        self.at += distance;
        let name = self.name(0, ends_name);
        if !is_end {
            self.element = name;
        }
        self.sink.begin(name, is_end);
        self.attributes();
    }

    /// Reads a name whose beginning is packed, up to a byte that ends it.
    fn name(&mut self, so_far: u128, ends: impl Fn(u8) -> bool) -> u128 {
        let rest = self.rest();
        let length = rest.iter().position(|byte| ends(*byte));
        let name = &rest[..length.unwrap_or(rest.len())];
        self.at += name.len();
        packed(so_far, name)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_space(*byte));
        self.at += length.unwrap_or(rest.len());
    }

    /// Reads the attributes of a tag, and its end.
    fn attributes(&mut self) {
        loop {
            self.skip_space();
            let (is_self_closing, length) = match (self.ahead(0), self.ahead(1)) {
                (None, _) => return,
                (Some(b'>'), _) => (false, 1),
                (Some(b'/'), Some(b'>')) => (true, 2),
                (Some(b'/'), _) => {
                    self.at += 1;
                    continue;
                }
                (Some(_), _) => {
                    self.attribute();
                    continue;
                }
            };
            self.at += length;
            self.content = self.sink.end(is_self_closing);
            return;
        }
    }

    fn attribute(&mut self) {
        let mut beginning = 0;
        if self.ahead(0) == Some(b'=') {
            // A name can begin with it, but it ends one.
            beginning = pack(0, b"=");
            self.at += 1;
        }
        let name = self.name(beginning, |byte| byte == b'=' || ends_name(byte));
        let is_wanted = self.sink.attribute(name);
        self.skip_space();
        if self.ahead(0) != Some(b'=') {
            return;
        }
        self.at += 1;
        self.skip_space();
        match self.ahead(0) {
            Some(b'>') | None => {}
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                self.value(is_wanted, |text| memchr3(quote, b'&', 0, text));
                // The quote, unless the page ends before it.
                self.at += 1;
            }
            Some(_) => self.value(is_wanted, |text| {
                let ends = |byte: &u8| is_space(*byte) || matches!(byte, b'>' | b'&' | 0);
                text.iter().position(ends)
            }),
        }
    }

    /// Reads a value up to a byte that ends it. `stop` finds the first such byte, or `&` or U+0000.
    fn value(&mut self, is_wanted: bool, stop: impl Fn(&[u8]) -> Option<usize>) {
        loop {
            let rest = self.rest();
            let piece = &rest[..stop(rest).unwrap_or(rest.len())];
            self.at += piece.len();
            let (special, length) = match self.ahead(0) {
                Some(b'&') => match reference::decode(self.rest(), true) {
                    Some((characters, length)) => (characters, length),
                    None => ('&'.into(), 1),
                },
                Some(0) => (char::REPLACEMENT_CHARACTER.into(), 1),
                _ => (Characters::default(), 0),
            };
            if is_wanted {
                self.sink.value(piece);
                self.sink.value(special.as_bytes());
            }
            self.at += length;
            if length == 0 {
                return;
            }
        }
    }

    /// Reads text up to the end tag of its element. `reference` is the byte that begins a character
    /// reference.
    fn raw_text(&mut self, reference: u8) {
        match self.text_until([b'<', reference, 0]) {
            Some(b'<') if self.is_at_end_tag() => self.tag(2, true),
            Some(b'<') => self.instead(b"<", 1),
            Some(0) => self.instead(REPLACEMENT, 1),
            Some(_) => self.reference(),
            None => {}
        }
    }

    /// Whether the end tag of the last start tag is next.
    fn is_at_end_tag(&self) -> bool {
        let Some(rest) = self.rest().strip_prefix(b"</") else {
            return false;
        };
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic());
        let length = letters.count();
        packed(0, &rest[..length]) == self.element
            && rest.get(length).copied().is_some_and(ends_name)
    }

    fn script(&mut self) {
        self.at += script::end(self.rest());
        if !self.rest().is_empty() {
            self.tag(2, true);
        }
    }

    fn plain_text(&mut self) {
        if self.text_until([0; 3]).is_some() {
            self.instead(REPLACEMENT, 1);
        }
    }
}

/// Returns the length of a comment that begins a text.
fn comment(text: &[u8]) -> usize {
    let ends = |end: &usize| {
        // The dashes of the beginning count for `-->`, so that `<!-->` is a comment.
        let begins_with = |at| text.get(at..*end).unwrap_or_default();
        begins_with(2).ends_with(b"--") || begins_with(4).ends_with(b"--!")
    };
    memchr_iter(b'>', text)
        .find(ends)
        .map_or(text.len(), |end| end + 1)
}

/// Packs a name as it is written, after a beginning that is packed.
fn packed(so_far: u128, name: &[u8]) -> u128 {
    name.iter().fold(so_far, |so_far, byte| match byte {
        0 => pack(so_far, REPLACEMENT),
        byte => pack(so_far, &[byte.to_ascii_lowercase()]),
    })
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\x0C')
}

/// Whether a byte ends the name of a tag.
pub(super) fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

#[cfg(test)]
mod tests;
