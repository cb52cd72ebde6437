//! The tree of a page: nodes in one array, text in one string, built by html5ever.
//!
//! Nothing here recurses, neither building nor walking nor dropping, so that no depth of nesting
//! can exhaust the stack. Comments, doctypes and processing instructions are left out.

use std::ops::Range;

use html5ever::{Attribute, QualName, local_name, ns};

use super::walk::Walk;

/// Place of a node in the array of its tree.
pub(super) type NodeId = u32;

/// The document node, root of all.
pub(super) const DOCUMENT: NodeId = 0;
/// Stands for every comment and processing instruction: never attached.
pub(super) const IGNORED: NodeId = 1;
/// No node.
pub(super) const NONE: NodeId = NodeId::MAX;

/// A parsed page.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) text: String,
}

/// A node and its neighbours; [`NONE`] where there is none.
pub(super) struct Node {
    pub(super) parent: NodeId,
    previous: NodeId,
    pub(super) next: NodeId,
    pub(super) first: NodeId,
    last: NodeId,
    pub(super) kind: Kind,
}

/// What a node is.
pub(super) enum Kind {
    /// The document, the contents of a template, or what is ignored.
    Root,
    /// With its name and attributes.
    Element(QualName, Vec<Attribute>),
    /// A range of the tree's text.
    Text(Range<usize>),
}

impl Tree {
    /// A document with nothing in it; `bytes` of text are expected.
    pub(super) fn new(bytes: usize) -> Self {
        let mut tree = Tree {
            nodes: Vec::with_capacity(bytes / 32 + 16),
            text: String::with_capacity(bytes / 2),
        };
        tree.root();
        tree.root();
        tree
    }

    /// Walks over a node and everything below it.
    pub(super) fn walk(&self, root: NodeId) -> Walk<'_> {
        Walk::new(self, root)
    }

    /// How many nodes were made.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A node without a parent that can hold others and is no element.
    pub(super) fn root(&mut self) -> NodeId {
        self.push(Kind::Root)
    }

    /// An element without a parent.
    pub(super) fn element(&mut self, name: QualName, attributes: Vec<Attribute>) -> NodeId {
        self.push(Kind::Element(name, attributes))
    }

    /// The name of an element.
    pub(super) fn name(&self, id: NodeId) -> &QualName {
        const NAMELESS: &QualName = &QualName {
            prefix: None,
            ns: ns!(),
            local: local_name!(""),
        };
        match &self.nodes[id as usize].kind {
            Kind::Element(name, _) => name,
            Kind::Root | Kind::Text(_) => NAMELESS,
        }
    }

    /// The node that a node is in.
    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        Some(self.nodes[id as usize].parent).filter(|parent| *parent != NONE)
    }

    /// Adds attributes that an element does not have yet.
    pub(super) fn add_attributes(&mut self, id: NodeId, more: Vec<Attribute>) {
        if let Kind::Element(_, attributes) = &mut self.nodes[id as usize].kind {
            for attribute in more {
                if !attributes.iter().any(|known| known.name == attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    /// Text at the end of a node.
    pub(super) fn append_text(&mut self, parent: NodeId, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        let last = self.nodes[parent as usize].last;
        if last != NONE
            && let Kind::Text(range) = &mut self.nodes[last as usize].kind
            && range.end == start
        {
            range.end = end;
        } else {
            let id = self.push(Kind::Text(start..end));
            self.append(parent, id);
        }
    }

    /// Text before a node that has a parent.
    pub(super) fn insert_text_before(&mut self, sibling: NodeId, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        let id = self.push(Kind::Text(start..self.text.len()));
        self.insert_before(sibling, id);
    }

    /// Makes `child` the last one of `parent`, wherever it was.
    pub(super) fn append(&mut self, parent: NodeId, child: NodeId) {
        if child == IGNORED {
            return;
        }
        self.detach(child);
        let last = std::mem::replace(&mut self.nodes[parent as usize].last, child);
        match last {
            NONE => self.nodes[parent as usize].first = child,
            last => self.nodes[last as usize].next = child,
        }
        let node = &mut self.nodes[child as usize];
        node.parent = parent;
        node.previous = last;
    }

    /// Puts `child` before a node that has a parent, wherever it was.
    pub(super) fn insert_before(&mut self, sibling: NodeId, child: NodeId) {
        if child == IGNORED {
            return;
        }
        self.detach(child);
        let parent = self.nodes[sibling as usize].parent;
        let previous = std::mem::replace(&mut self.nodes[sibling as usize].previous, child);
        match previous {
            NONE => self.nodes[parent as usize].first = child,
            previous => self.nodes[previous as usize].next = child,
        }
        let node = &mut self.nodes[child as usize];
        node.parent = parent;
        node.previous = previous;
        node.next = sibling;
    }

    /// Takes a node out of its parent.
    pub(super) fn detach(&mut self, id: NodeId) {
        let node = &mut self.nodes[id as usize];
        let parent = std::mem::replace(&mut node.parent, NONE);
        let previous = std::mem::replace(&mut node.previous, NONE);
        let next = std::mem::replace(&mut node.next, NONE);
        if parent == NONE {
            return;
        }
        match previous {
            NONE => self.nodes[parent as usize].first = next,
            previous => self.nodes[previous as usize].next = next,
        }
        match next {
            NONE => self.nodes[parent as usize].last = previous,
            next => self.nodes[next as usize].previous = previous,
        }
    }

    /// Moves all children of a node to the end of another.
    pub(super) fn move_children(&mut self, from: NodeId, to: NodeId) {
        let mut child = self.nodes[from as usize].first;
        while child != NONE {
            let next = self.nodes[child as usize].next;
            self.append(to, child);
            child = next;
        }
    }

    fn push(&mut self, kind: Kind) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(IGNORED);
        self.nodes.push(Node {
            parent: NONE,
            previous: NONE,
            next: NONE,
            first: NONE,
            last: NONE,
            kind,
        });
        id
    }
}
