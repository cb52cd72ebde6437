//! From HTML to a tree, in time linear in its length.
//!
//! The standard's algorithm searches the stack of open elements at most tags, and opens
//! formatting elements again in each block, so that a hostile page costs quadratic time and
//! memory. Browsers bound the depth of their trees (Blink: 512); so does the guard here, between
//! the tokenizer and the tree builder: too deep, elements are left out, but not their text and
//! not links; and it bounds the number of nodes. The tokenizer compares each attribute of a tag
//! with all before it: a tag without end is ended.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::buffer_queue::BufferQueue;
use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, LocalName, QualName, TokenizerResult, local_name};

use super::tree::{DOCUMENT, IGNORED, NodeId, Tree};

/// Elements deeper than this are left out.
const MAX_DEPTH: u32 = 256;
/// A page has at most one node for so many bytes, and [`SPARE_NODES`]: documentation has one for
/// 12 or more.
const BYTES_PER_NODE: usize = 4;
const SPARE_NODES: usize = 10_000;
/// The page is fed in pieces of so many bytes. A tag in which one lies whole is ended there,
/// unless an attribute's value goes on.
const PIECE: usize = 4096;

/// Parses a page as a browser with scripting does. Never fails.
pub(super) fn parse(html: &str) -> Tree {
    let sink = Sink {
        tree: RefCell::new(Tree::new(html.len())),
        depths: RefCell::new(Vec::with_capacity(html.len() / 32 + 16)),
        depth: Cell::new(0),
    };
    let guard = Guard {
        builder: TreeBuilder::new(sink, TreeBuilderOpts::default()),
        left_out: Cell::new(0),
        max_nodes: html.len() / BYTES_PER_NODE + SPARE_NODES,
        tokens: Cell::new(0),
    };
    let tokenizer = Tokenizer::new(guard, TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        rest = after;
        input.push_back(StrTendril::from(piece));
        let tokens = tokenizer.sink.tokens.get();
        feed(&tokenizer, &input);
        if tokenizer.sink.tokens.get() == tokens && piece.len() >= PIECE / 2 {
            // Inside quotes or a comment this changes nothing but the text there.
            input.push_back(StrTendril::from(">"));
            feed(&tokenizer, &input);
        }
    }
    tokenizer.end();
    tokenizer.sink.builder.sink.finish()
}

fn feed(tokenizer: &Tokenizer<Guard>, input: &BufferQueue) {
    // The tokenizer pauses after each script, for one who would run it.
    while !matches!(tokenizer.feed(input), TokenizerResult::Done) {}
}

/// Stands between tokenizer and tree builder and bounds the tree.
struct Guard {
    builder: TreeBuilder<NodeId, Sink>,
    /// Start tags left out whose end tags have not come.
    left_out: Cell<u32>,
    max_nodes: usize,
    /// Tokens that came.
    tokens: Cell<usize>,
}

impl TokenSink for Guard {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line_number: u64) -> TokenSinkResult<NodeId> {
        let sink = &self.builder.sink;
        if matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        self.tokens.set(self.tokens.get() + 1);
        match &token {
            Token::CommentToken(_) => return TokenSinkResult::Continue,
            Token::EOFToken => {}
            _ if sink.tree.borrow().len() > self.max_nodes => return TokenSinkResult::Continue,
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                let needed = is_kept_at_any_depth(&tag.name);
                if sink.depth.get() >= MAX_DEPTH && !needed {
                    self.left_out.set(self.left_out.get() + 1);
                    return TokenSinkResult::Continue;
                }
            }
            Token::TagToken(tag) if !is_kept_at_any_depth(&tag.name) => {
                let left_out = self.left_out.get();
                if left_out > 0 {
                    self.left_out.set(left_out - 1);
                    return TokenSinkResult::Continue;
                }
                sink.depth.set(sink.depth.get().saturating_sub(1));
            }
            _ => {}
        }
        self.builder.process_token(token, line_number)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Elements that cannot nest: a link closes the one before it, void elements hold nothing, and
/// raw text would become markup without its element.
fn is_kept_at_any_depth(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("a")
            | local_name!("area")
            | local_name!("base")
            | local_name!("br")
            | local_name!("hr")
            | local_name!("img")
            | local_name!("input")
            | local_name!("link")
            | local_name!("meta")
            | local_name!("wbr")
            | local_name!("script")
            | local_name!("style")
            | local_name!("textarea")
            | local_name!("title")
            | local_name!("noscript")
            | local_name!("iframe")
            | local_name!("xmp")
    )
}

/// Puts what the tree builder finds into a tree.
struct Sink {
    tree: RefCell<Tree>,
    /// Depth of each node, by id.
    depths: RefCell<Vec<u32>>,
    /// Depth at which the next element is expected.
    depth: Cell<u32>,
}

impl Sink {
    fn place(&self, parent: NodeId, child: NodeId) {
        let mut depths = self.depths.borrow_mut();
        let depth = depths.get(parent as usize).copied().unwrap_or(0) + 1;
        if depths.len() <= child as usize {
            depths.resize(child as usize + 1, 0);
        }
        depths[child as usize] = depth;
        self.depth.set(depth);
    }
}

impl TreeSink for Sink {
    type Handle = NodeId;
    type Output = Tree;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn get_document(&self) -> NodeId {
        DOCUMENT
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        one == other
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.tree.borrow(), |tree| tree.name(*target))
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> NodeId {
        self.tree.borrow_mut().element(name, attrs)
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        IGNORED
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        IGNORED
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        let mut tree = self.tree.borrow_mut();
        match child {
            NodeOrText::AppendNode(child) => {
                tree.append(*parent, child);
                self.place(*parent, child);
            }
            NodeOrText::AppendText(text) => tree.append_text(*parent, &text),
        }
    }

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        let mut tree = self.tree.borrow_mut();
        let Some(parent) = tree.parent(*sibling) else {
            return;
        };
        match child {
            NodeOrText::AppendNode(child) => {
                tree.insert_before(*sibling, child);
                self.place(parent, child);
            }
            NodeOrText::AppendText(text) => tree.insert_text_before(*sibling, &text),
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &NodeId,
        previous: &NodeId,
        child: NodeOrText<NodeId>,
    ) {
        let has_parent = self.tree.borrow().parent(*element).is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attrs: Vec<Attribute>) {
        self.tree.borrow_mut().add_attributes(*target, attrs);
    }

    /// A node of its own that hangs nowhere: what a template holds is no part of the page.
    fn get_template_contents(&self, _: &NodeId) -> NodeId {
        self.tree.borrow_mut().root()
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.tree.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        self.tree.borrow_mut().move_children(*node, *new_parent);
    }
}
