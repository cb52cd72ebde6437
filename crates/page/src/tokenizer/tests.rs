//! Holds the tokenizer against html5gum, which passes the tests of html5lib.

use std::convert::Infallible;
use std::path::Path;

use html5gum::{Emitter, Error, State, Tokenizer};
use proptest::prelude::*;

use super::*;
use crate::start::content;
use crate::tag::Tag;

/// What a page consists of, as lines.
#[derive(Default)]
struct Read {
    text: Vec<u8>,
    lines: Vec<String>,
    tag: (u128, bool),
    attributes: Vec<(u128, Vec<u8>)>,
    foreign: usize,
    is_script: bool,
}

impl Read {
    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = str::from_utf8(&self.text).unwrap();
            self.lines.push(format!("{text:?}"));
            self.text.clear();
        }
    }
}

impl Sink for Read {
    fn text(&mut self, piece: &[u8]) {
        assert!(!piece.is_empty());
        // A script is not passed on, and U+0000 in other pieces.
        if !self.is_script {
            self.text.extend(piece.iter().filter(|byte| **byte != 0));
        }
    }

    fn begin(&mut self, name: u128, is_end: bool) {
        self.tag = (name, is_end);
        self.attributes.clear();
    }

    fn attribute(&mut self, name: u128) -> bool {
        self.attributes.push((name, Vec::new()));
        true
    }

    fn value(&mut self, piece: &[u8]) {
        self.attributes.last_mut().unwrap().1.extend(piece);
    }

    fn end(&mut self, is_self_closing: bool) -> Content {
        self.end_text();
        let (name, is_end) = self.tag;
        let mut line = format!("{name:x} {is_end} {is_self_closing}");
        for (name, value) in &self.attributes {
            line += &format!(" {name:x}={:?}", str::from_utf8(value).unwrap());
        }
        self.lines.push(line);
        let tag = Tag::of(name);
        if matches!(tag, Tag::Svg | Tag::Math) {
            self.foreign = match is_end {
                true => self.foreign.saturating_sub(1),
                false => self.foreign + 1,
            };
        }
        let content = match is_end {
            true => Content::Markup,
            false => content(tag),
        };
        self.is_script = content == Content::Script;
        content
    }

    fn is_foreign(&self) -> bool {
        self.foreign > 0
    }
}

/// Passes what html5gum reads to a sink.
struct Oracle<'r> {
    read: &'r mut Read,
    name: u128,
    is_end: bool,
    is_self_closing: bool,
    attribute: Option<(u128, Vec<u8>)>,
    attributes: Vec<(u128, Vec<u8>)>,
    element: u128,
}

impl Oracle<'_> {
    fn begin(&mut self, is_end: bool) {
        self.name = 0;
        self.is_end = is_end;
        self.is_self_closing = false;
        self.attribute = None;
        self.attributes.clear();
    }
}

impl Emitter for Oracle<'_> {
    type Token = Infallible;

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_string(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.read.text(text);
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
        self.attributes.extend(self.attribute.take());
        self.attribute = Some((0, Vec::new()));
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        let (so_far, _) = self.attribute.as_mut().unwrap();
        *so_far = pack(*so_far, name);
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        self.attribute.as_mut().unwrap().1.extend(value);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.attributes.extend(self.attribute.take());
        self.read.begin(self.name, self.is_end);
        for (name, value) in std::mem::take(&mut self.attributes) {
            self.read.attribute(name);
            self.read.value(&value);
        }
        if !self.is_end {
            self.element = self.name;
        }
        match self.read.end(self.is_self_closing) {
            Content::Markup => None,
            Content::RcData => Some(State::RcData),
            Content::RawText => Some(State::RawText),
            Content::Script => Some(State::ScriptData),
            Content::PlainText => Some(State::PlainText),
        }
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && self.name == self.element
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.read.is_foreign()
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

/// Reads a page with both tokenizers.
fn both(html: &str) -> [Vec<String>; 2] {
    let (mut ours, mut theirs) = (Read::default(), Read::default());
    tokenize(html.as_bytes(), &mut ours);
    let oracle = Oracle {
        read: &mut theirs,
        name: 0,
        is_end: false,
        is_self_closing: false,
        attribute: None,
        attributes: Vec::new(),
        element: 0,
    };
    let Ok(()) = Tokenizer::new_with_emitter(html.as_bytes(), oracle).finish();
    [&mut ours, &mut theirs].map(|read| {
        read.end_text();
        std::mem::take(&mut read.lines)
    })
}

#[test]
fn stored_pages_are_read_as_by_html5gum() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut pages = 0;
    for file in golden.read_dir().unwrap() {
        let file = file.unwrap().path();
        let page = std::fs::read_to_string(&file).unwrap().replace('\r', "");
        let [ours, theirs] = both(&page);
        assert_eq!(ours, theirs, "{}", file.display());
        pages += 1;
    }
    assert!(pages > 20, "{pages} pages");
}

/// Markup that leads to every state of the tokenizer.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<",
            ">",
            "/",
            "!",
            "-",
            "--",
            "-->",
            "--!>",
            "<!--",
            "?",
            "=",
            "\"",
            "'",
            " ",
            "\n",
            "\t",
            "\x0C",
            "\0",
            "&",
            "#",
            "x",
            ";",
            "]",
            "]]>",
            "<![CDATA[",
            "<!doctype",
            "</",
            "/>",
            "é",
            "script",
            "<script",
            "</script",
            "</script>",
            "<title>",
            "</title>",
            "<textarea>",
            "</TEXTAREA ",
            "<style>",
            "</style>",
            "<plaintext>",
            "<noscript>",
            "</noscript>",
            "<svg>",
            "</svg>",
            "<a href=",
            "<A B=c d='e' f=\"g\"/>",
            "&amp;",
            "&ampx",
            "&copy",
            "&copy=",
            "&not;",
            "&notin;",
            "&notit;",
            "&NotEqualTilde;",
            "&#38;",
            "&#x26",
            "&#0;",
            "&#x80;",
            "&#xD800;",
            "&#1114112;",
            "&#13;",
            "&CounterClockwiseContourIntegral;",
            "&lt",
            "&nbsp;",
            "&quot=",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9]{1,3}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn any_page_is_read_as_by_html5gum(page in markup()) {
        let [ours, theirs] = both(&page);
        prop_assert_eq!(ours, theirs);
    }
}

#[test]
fn every_named_character_is_read_as_by_html5gum() {
    for name in web_atoms::NAMED_ENTITIES.keys() {
        for page in [
            format!("&{name}"),
            format!("&{name}a"),
            format!("&{name};"),
            format!("<a b='&{name}='>&{name}="),
            format!("<a b=&{name}x c=\"&{name}\">"),
        ] {
            let [ours, theirs] = both(&page);
            assert_eq!(ours, theirs, "{page}");
        }
    }
}
