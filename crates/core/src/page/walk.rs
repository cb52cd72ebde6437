//! Walks over a tree without recursion, and what a walk meets.

use html5ever::{Attribute, LocalName, QualName, local_name, ns};

use super::tree::{Kind, NONE, NodeId, Tree};

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

impl<'t> Walk<'t> {
    /// A walk that has not begun.
    pub(super) fn new(tree: &'t Tree, root: NodeId) -> Self {
        Walk {
            tree,
            root,
            at: None,
            leaving: false,
            started: false,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::super::tree::DOCUMENT;
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
