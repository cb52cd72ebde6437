//! The stack of open elements, and the list of active formatting elements, which continue in the
//! next block. Both are bounded, so a hostile page cannot make a search in them expensive.

use std::ops::Range;

use super::events::ElementId;
use super::recorder::Recorder;
use super::tag::{Kind, Tag};

/// Maximum number of open elements. Deeper ones are left out, as in browsers (Blink: 512).
const MAX_DEPTH: usize = 256;
/// Maximum number of formatting elements that continue in the next block.
const MAX_FORMATTING: usize = 32;
/// Maximum number of equal formatting elements that continue ("Noah's Ark clause").
const MAX_ALIKE: usize = 3;

/// The open elements, and the events recorded so far.
pub(super) struct Open {
    pub(super) events: Recorder,
    elements: Vec<OpenElement>,
    formatting: Vec<Formatting>,
}

#[derive(Clone, Copy)]
struct OpenElement {
    id: ElementId,
    /// What the element means.
    tag: Tag,
    /// The element's name as it is written, which means something else inside SVG.
    name: Tag,
}

impl OpenElement {
    /// Whether it is an element of SVG or MathML that contains HTML.
    fn holds_html(self) -> bool {
        self.tag == Tag::InForeign && self.name.holds_html()
    }

    /// Whether it stops end tags of elements other than tables.
    fn bounds(self) -> bool {
        let bounds = matches!(self.tag.kind(), Kind::Closed | Kind::Table | Kind::Cell);
        bounds || self.holds_html()
    }
}

/// An entry of the "list of active formatting elements".
enum Formatting {
    /// The "marker": entries before it do not continue inside the current element.
    Marker,
    Element {
        tag: Tag,
        attributes: Range<u32>,
        /// None after the end of a block has cut it off.
        open: Option<ElementId>,
    },
}

impl Formatting {
    fn is(&self, tag: Tag) -> bool {
        matches!(self, Formatting::Element { tag: own, .. } if *own == tag)
    }
}

/// How far up a search for an open element goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Up to the next cell, table or object.
    Default,
    /// Up to the next button, cell, table or object.
    Button,
    /// Up to the next list, cell, table or object.
    List,
    /// Up to the next table or template.
    Table,
}

impl Open {
    /// No element is open yet.
    pub(super) fn new(events: Recorder) -> Self {
        Open {
            events,
            elements: Vec::with_capacity(64),
            formatting: Vec::new(),
        }
    }

    /// Whether no element is open.
    pub(super) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Whether no more elements may be opened, except for those that contain only text.
    pub(super) fn is_deep(&self) -> bool {
        self.elements.len() >= MAX_DEPTH
    }

    /// Whether an element of this tag is open, however far up.
    pub(super) fn is_in(&self, tag: Tag) -> bool {
        self.elements.iter().any(|element| element.tag == tag)
    }

    /// The innermost open element.
    pub(super) fn innermost(&self) -> Option<Tag> {
        self.elements.last().map(|element| element.tag)
    }

    /// Whether the next tag is one of SVG or MathML.
    pub(super) fn is_foreign(&self) -> bool {
        self.elements.last().is_some_and(|element| {
            matches!(element.tag, Tag::InForeign | Tag::Svg | Tag::Math) && !element.holds_html()
        })
    }

    /// The innermost open element in the scope for which `wanted` holds.
    pub(super) fn find(&self, scope: Scope, wanted: impl Fn(Tag) -> bool) -> Option<usize> {
        for (at, element) in self.elements.iter().enumerate().rev() {
            if wanted(element.tag) {
                return Some(at);
            }
            let ends = match scope {
                Scope::Table => matches!(element.tag, Tag::Table | Tag::Template),
                Scope::Button => element.tag == Tag::Button || element.bounds(),
                Scope::List => matches!(element.tag, Tag::Ol | Tag::Ul) || element.bounds(),
                Scope::Default => element.bounds(),
            };
            if ends {
                return None;
            }
        }
        None
    }

    /// The innermost open element for which `wanted` holds, unless `stops` holds for one inside of
    /// it.
    pub(super) fn find_up_to(
        &self,
        wanted: impl Fn(Tag) -> bool,
        stops: impl Fn(Tag) -> bool,
    ) -> Option<usize> {
        let mut inside_out = self.elements.iter().enumerate().rev();
        let (at, element) =
            inside_out.find(|(_, element)| wanted(element.tag) || stops(element.tag))?;
        wanted(element.tag).then_some(at)
    }

    /// The innermost open element of SVG or MathML with this name, unless there is HTML inside of
    /// it.
    pub(super) fn find_foreign(&self, name: Tag) -> Option<usize> {
        let foreign =
            |element: &OpenElement| matches!(element.tag, Tag::InForeign | Tag::Svg | Tag::Math);
        let depth = self
            .elements
            .iter()
            .rev()
            .take_while(|e| foreign(e))
            .count();
        let first = self.elements.len() - depth;
        let at = self.elements[first..]
            .iter()
            .rposition(|e| e.name == name)?;
        Some(first + at)
    }

    /// Begins an element.
    pub(super) fn enter(&mut self, tag: Tag, name: Tag, attributes: Range<u32>) -> ElementId {
        let id = self.events.enter(tag, attributes);
        self.elements.push(OpenElement { id, tag, name });
        id
    }

    /// Begins a formatting element.
    pub(super) fn enter_formatting(&mut self, tag: Tag, attributes: Range<u32>) {
        let alike = |entry: &&Formatting| match entry {
            Formatting::Element {
                tag: other,
                attributes: theirs,
                ..
            } => *other == tag && self.events.are_alike(theirs, &attributes),
            Formatting::Marker => false,
        };
        let here = &self.formatting[self.after_marker()..];
        if here.iter().filter(alike).count() >= MAX_ALIKE
            && let Some(first) = here.iter().position(|entry| alike(&entry))
        {
            self.formatting.remove(self.after_marker() + first);
        }
        let start = self.after_marker();
        if self.formatting.len() - start >= MAX_FORMATTING {
            self.formatting.remove(start);
        }
        let open = Some(self.enter(tag, tag, attributes.clone()));
        self.formatting.push(Formatting::Element {
            tag,
            attributes,
            open,
        });
    }

    /// Keeps earlier formatting out of the element that began last.
    pub(super) fn close_off(&mut self) {
        self.formatting.push(Formatting::Marker);
    }

    /// Reopens the formatting elements that the end of a block has cut off.
    pub(super) fn reopen(&mut self) {
        let is_shut = |entry: &Formatting| matches!(entry, Formatting::Element { open: None, .. });
        if !self.formatting.last().is_some_and(is_shut) {
            return;
        }
        let shut = self
            .formatting
            .iter()
            .rev()
            .take_while(|e| is_shut(e))
            .count();
        for at in self.formatting.len() - shut..self.formatting.len() {
            if self.is_deep() {
                return;
            }
            if let Formatting::Element {
                tag,
                attributes,
                open,
            } = &mut self.formatting[at]
            {
                let (tag, attributes) = (*tag, attributes.clone());
                let id = self.events.enter(tag, attributes);
                *open = Some(id);
                self.elements.push(OpenElement { id, tag, name: tag });
            }
        }
    }

    /// Ends a formatting element at its end tag, while the blocks inside of it stay open, and
    /// returns whether there was one. The standard moves nodes for this ("adoption agency
    /// algorithm").
    pub(super) fn end_formatting(&mut self, tag: Tag) -> bool {
        let start = self.after_marker();
        let here = &self.formatting[start..];
        let Some(at) = here.iter().rposition(|entry| entry.is(tag)) else {
            return false;
        };
        let Formatting::Element { open: Some(id), .. } = self.formatting.remove(start + at) else {
            return true;
        };
        let Some(at) = self.elements.iter().rposition(|element| element.id == id) else {
            return true;
        };
        let is_block = |element: &OpenElement| element.tag.is_special();
        match self.elements.iter().rposition(is_block) {
            Some(block) if block > at => {
                self.end(block + 1);
                self.elements.remove(at);
                self.events.leave(id);
            }
            _ => self.end(at),
        }
        true
    }

    /// Whether a formatting element of this tag is active.
    pub(super) fn has_formatting(&self, tag: Tag) -> bool {
        let here = &self.formatting[self.after_marker()..];
        here.iter().any(|entry| entry.is(tag))
    }

    /// Ends the open element at this index, and all inside of it.
    pub(super) fn end(&mut self, at: usize) {
        while self.elements.len() > at {
            self.end_innermost();
        }
    }

    /// Ends the innermost element.
    pub(super) fn end_innermost(&mut self) {
        let Some(ended) = self.elements.pop() else {
            return;
        };
        self.events.leave(ended.id);
        match ended.tag.kind() {
            Kind::Closed | Kind::Cell => {
                let marker = self.after_marker().saturating_sub(1);
                self.formatting.truncate(marker);
            }
            Kind::Formatting => {
                for entry in self.formatting.iter_mut().rev() {
                    if let Formatting::Element { open, .. } = entry
                        && *open == Some(ended.id)
                    {
                        *open = None;
                        break;
                    }
                }
            }
            _ => {}
        }
    }

    /// Ends elements until `wanted` holds for the innermost one, which stays open.
    pub(super) fn end_down_to(&mut self, wanted: impl Fn(Tag) -> bool) {
        while self.innermost().is_some_and(|tag| !wanted(tag)) {
            self.end_innermost();
        }
    }

    /// Index of the first formatting element that may continue here.
    fn after_marker(&self) -> usize {
        let is_marker = |entry: &Formatting| matches!(entry, Formatting::Marker);
        self.formatting
            .iter()
            .rposition(is_marker)
            .map_or(0, |at| at + 1)
    }
}
