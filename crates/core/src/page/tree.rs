//! The tree of a page: nodes in one array, text in one string, built by html5ever.
//!
//! Nothing here recurses, neither building nor walking nor dropping, so that no depth of nesting
//! can exhaust the stack. Comments, doctypes and processing instructions are left out.

use std::ops::Range;

use html5ever::{Attribute, LocalName, QualName, local_name, ns};

/// Place of a node in the array of its tree.
pub(super) type NodeId = u32;

/// The document node, root of all.
pub(super) const DOCUMENT: NodeId = 0;
/// Stands for every comment and processing instruction: never attached.
pub(super) const IGNORED: NodeId = 1;
const NONE: NodeId = NodeId::MAX;

/// A parsed page.
pub(super) struct Tree {
    nodes: Vec<Node>,
    text: String,
}

struct Node {
    parent: NodeId,
    previous: NodeId,
    next: NodeId,
    first: NodeId,
    last: NodeId,
    kind: Kind,
}

enum Kind {
    /// The document, the contents of a template, or what is ignored.
    Root,
    Element(QualName, Vec<Attribute>),
    Text(Range<usize>),
}

/// An element of a tree.
#[derive(Clone, Copy)]
pub(super) struct Element<'t> {
    pub(super) id: NodeId,
    name: &'t QualName,
    attributes: &'t [Attribute],
}

impl<'t> Element<'t> {
    /// Its local name; empty for an element of SVG or MathML, which says nothing to a reader.
    pub(super) fn name(&self) -> &'t LocalName {
        const FOREIGN: &LocalName = &local_name!("");
        if self.name.ns == ns!(html) {
            &self.name.local
        } else {
            FOREIGN
        }
    }

    /// Whether it is the outermost element of a drawing.
    pub(super) fn is_svg(&self) -> bool {
        self.name.ns == ns!(svg)
    }

    /// An attribute's value.
    pub(super) fn attr(&self, name: &LocalName) -> Option<&'t str> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name.local == *name)
            .map(|attribute| &*attribute.value)
    }

    /// Its id, if it has one that can be linked to.
    pub(super) fn id_attr(&self) -> Option<&'t str> {
        self.attr(&local_name!("id")).filter(|id| !id.is_empty())
    }

    /// Whether `class` holds the token.
    pub(super) fn has_class(&self, class: &str) -> bool {
        self.classes().any(|token| token == class)
    }

    /// The tokens of `class`.
    pub(super) fn classes(&self) -> impl Iterator<Item = &'t str> {
        self.attr(&local_name!("class"))
            .unwrap_or_default()
            .split_ascii_whitespace()
    }
}

/// A step of a walk.
pub(super) enum Step<'t> {
    /// An element begins.
    Enter(Element<'t>),
    /// The element ends; not for one that was skipped.
    Leave(NodeId),
    /// Text between elements.
    Text(&'t str),
}

/// A walk over a node and everything below it, in document order.
pub(super) struct Walk<'t> {
    tree: &'t Tree,
    root: NodeId,
    /// The node of the last step; none before the first and after the last.
    at: Option<NodeId>,
    /// The last step left the node, rather than entered it.
    leaving: bool,
    started: bool,
}

impl Walk<'_> {
    /// Leaves out what is inside the element entered by the last step, and its `Leave`.
    pub(super) fn leave_out(&mut self) {
        self.leaving = true;
    }

    fn advance(&mut self) {
        let Some(at) = self.at else {
            if !self.started {
                self.at = Some(self.root);
                self.started = true;
            }
            return;
        };
        let node = &self.tree.nodes[at as usize];
        if !self.leaving && node.first != NONE {
            self.at = Some(node.first);
        } else if !self.leaving && matches!(node.kind, Kind::Element(..)) {
            self.leaving = true;
        } else if at == self.root || (node.next == NONE && node.parent == NONE) {
            self.at = None;
        } else if node.next != NONE {
            self.at = Some(node.next);
            self.leaving = false;
        } else {
            self.at = Some(node.parent);
            self.leaving = true;
        }
    }
}

impl<'t> Iterator for Walk<'t> {
    type Item = Step<'t>;

    fn next(&mut self) -> Option<Step<'t>> {
        loop {
            self.advance();
            let id = self.at?;
            match &self.tree.nodes[id as usize].kind {
                Kind::Element(..) if self.leaving => return Some(Step::Leave(id)),
                Kind::Element(name, attributes) => {
                    return Some(Step::Enter(Element {
                        id,
                        name,
                        attributes,
                    }));
                }
                Kind::Text(range) => return Some(Step::Text(&self.tree.text[range.clone()])),
                Kind::Root => {}
            }
        }
    }
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
        Walk {
            tree: self,
            root,
            at: None,
            leaving: false,
            started: false,
        }
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

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn steps(html: &str) -> String {
        let tree = parse(html);
        let mut walk = tree.walk(DOCUMENT);
        let mut seen = String::new();
        while let Some(step) = walk.next() {
            match step {
                Step::Enter(element) if &**element.name() == "i" => walk.leave_out(),
                Step::Enter(element) => seen += &format!("<{}>", element.name()),
                Step::Leave(_) => seen += "/",
                Step::Text(text) => seen += text,
            }
        }
        seen
    }

    #[test]
    fn a_walk_goes_in_document_order_and_skips() {
        assert_eq!(
            steps("<title>t</title><p>a<b>b<i>c</i></b><!-- x -->d<br>"),
            "<html><head><title>t//<body><p>a<b>b/d<br>////"
        );
    }

    #[test]
    fn misnested_markup_keeps_its_text_in_order() {
        assert_eq!(
            steps("<b>1<p>2</b>3</p><table>4<tr><td>5</table>6"),
            "<html><head>/<body><b>1/<p><b>2/3/4<table><tbody><tr><td>5////6//"
        );
    }
}
