//! What is open while a page is read: elements, and the formatting that goes on in the next block.
//!
//! Both are bounded, so that a search in them costs a hostile page no more than another.

use std::ops::Range;

use super::events::ElementId;
use super::recorder::Recorder;
use super::tag::{Kind, Tag};

/// Elements deeper than this are left out. Browsers have such a bound too (Blink: 512).
const MAX_DEPTH: usize = 256;
/// So many formatting elements go on in the next block, as the last that began.
const MAX_FORMATTING: usize = 32;
/// So many of the same formatting element go on ("Noah's Ark clause").
const MAX_ALIKE: usize = 3;

/// What is open, and the events that it made.
pub(super) struct Open {
    pub(super) events: Recorder,
    elements: Vec<OpenElement>,
    formatting: Vec<Formatting>,
}

#[derive(Clone, Copy)]
struct OpenElement {
    id: ElementId,
    /// Its meaning.
    tag: Tag,
    /// Its name as it is written, which tells something else inside SVG.
    name: Tag,
}

impl OpenElement {
    /// Whether an element of SVG or MathML, of which HTML is inside.
    fn holds_html(self) -> bool {
        self.tag == Tag::InForeign && self.name.holds_html()
    }

    /// Whether no end tag outside of a table reaches beyond it.
    fn bounds(self) -> bool {
        let bounds = matches!(self.tag.kind(), Kind::Closed | Kind::Table | Kind::Cell);
        bounds || self.holds_html()
    }
}

/// An entry of the "list of active formatting elements".
enum Formatting {
    /// What is before goes on outside alone.
    Border,
    Element {
        tag: Tag,
        attributes: Range<u32>,
        /// None while a block that ended has cut it off.
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
    /// To the next cell, table, object.
    Default,
    /// To the next button too.
    Button,
    /// To the next list too.
    List,
    /// To the next table or template.
    Table,
}

impl Open {
    /// Nothing is open.
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

    /// Whether no more elements may be opened, unless they hold nothing but text.
    pub(super) fn is_deep(&self) -> bool {
        self.elements.len() >= MAX_DEPTH
    }

    /// Whether such an element is open, however far up.
    pub(super) fn is_in(&self, tag: Tag) -> bool {
        self.elements.iter().any(|element| element.tag == tag)
    }

    /// The innermost element, by its meaning.
    pub(super) fn innermost(&self) -> Option<Tag> {
        self.elements.last().map(|element| element.tag)
    }

    /// Whether tags are those of SVG or MathML.
    pub(super) fn is_foreign(&self) -> bool {
        self.elements.last().is_some_and(|element| {
            matches!(element.tag, Tag::InForeign | Tag::Svg | Tag::Math) && !element.holds_html()
        })
    }

    /// The open element nearest to the innermost one for which `wanted` holds.
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

    /// The innermost element for which `wanted` holds, if none for which `stops` holds is nearer.
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

    /// The innermost element of SVG or MathML with this name, if HTML is not nearer.
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

    /// Begins an element of formatting.
    pub(super) fn enter_formatting(&mut self, tag: Tag, attributes: Range<u32>) {
        let alike = |entry: &&Formatting| match entry {
            Formatting::Element {
                tag: other,
                attributes: theirs,
                ..
            } => *other == tag && self.events.are_alike(theirs, &attributes),
            Formatting::Border => false,
        };
        let here = &self.formatting[self.border()..];
        if here.iter().filter(alike).count() >= MAX_ALIKE
            && let Some(first) = here.iter().position(|entry| alike(&entry))
        {
            self.formatting.remove(self.border() + first);
        }
        let border = self.border();
        if self.formatting.len() - border >= MAX_FORMATTING {
            self.formatting.remove(border);
        }
        let open = Some(self.enter(tag, tag, attributes.clone()));
        self.formatting.push(Formatting::Element {
            tag,
            attributes,
            open,
        });
    }

    /// Formatting from before does not reach into the element that began last.
    pub(super) fn close_off(&mut self) {
        self.formatting.push(Formatting::Border);
    }

    /// Begins again the formatting that the end of a block has cut off.
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

    /// Ends formatting where its end tag stands: blocks that are open inside stay open (the
    /// "adoption agency algorithm", which moves nodes to that end). Whether there was such
    /// formatting.
    pub(super) fn end_formatting(&mut self, tag: Tag) -> bool {
        let border = self.border();
        let here = &self.formatting[border..];
        let Some(at) = here.iter().rposition(|entry| entry.is(tag)) else {
            return false;
        };
        let Formatting::Element { open: Some(id), .. } = self.formatting.remove(border + at) else {
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

    /// Whether there is such formatting here.
    pub(super) fn has_formatting(&self, tag: Tag) -> bool {
        let here = &self.formatting[self.border()..];
        here.iter().any(|entry| entry.is(tag))
    }

    /// Ends the open element at a place, and all inside.
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
                self.formatting.truncate(self.border().saturating_sub(1));
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

    /// Ends elements down to the innermost one for which `wanted` holds, which stays.
    pub(super) fn end_down_to(&mut self, wanted: impl Fn(Tag) -> bool) {
        while self.innermost().is_some_and(|tag| !wanted(tag)) {
            self.end_innermost();
        }
    }

    /// Where the formatting begins that may go on here.
    fn border(&self) -> usize {
        let is_border = |entry: &Formatting| matches!(entry, Formatting::Border);
        self.formatting
            .iter()
            .rposition(is_border)
            .map_or(0, |at| at + 1)
    }
}
