//! The main content of a page, without its boilerplate.

use std::ops::Range;

use super::Section;
use super::boilerplate::Boilerplate;
use super::events::{Element, ElementId, Event, Events};
use super::item::Generator;
use super::sections::{SectionPart, SectionWriter};
use super::tag::{Attribute, Tag};
use super::text::{TextWriter, is_blank};

/// Text, sections and code of a part of a page.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) sections: Vec<Section>,
    pub(super) code: Vec<Range<usize>>,
    /// Range of the text of each `a` that has an `href`, in document order.
    pub(super) links: Vec<(ElementId, Range<usize>)>,
}

/// What to do at the end of an element.
#[derive(Clone, Copy)]
enum Ending {
    /// Begin a new line.
    Line,
    /// Begin a new line, and leave an article or section.
    Sectioning,
    /// Begin a new word.
    Word,
    /// End a block of code that began at this byte.
    Block { start: usize },
    /// End code within a line that began at this byte.
    Inline { start: usize },
    /// End a link that began at this byte.
    Link { start: usize },
    /// End the text of a heading or the term of a definition.
    Heading,
    /// End the name inside the term of a definition.
    Name,
}

/// Reads a part of a page.
pub(super) fn extract(
    events: &Events,
    root: ElementId,
    boilerplate: Boilerplate,
    mut sections: SectionWriter,
) -> Content {
    let mut reader = Reader {
        writer: TextWriter::with_capacity(4096),
        code: Vec::new(),
        links: Vec::new(),
        endings: Vec::new(),
        in_code: false,
        pre: None,
        sectioning: 0,
        generator: boilerplate.generator,
    };
    let mut walk = events.walk_in(root);
    while let Some(event) = walk.next() {
        match event {
            Event::Enter(element) => {
                if element.id != root && boilerplate.contains(&element, reader.sectioning > 0) {
                    sections.pass(&element);
                    walk.leave_out(&element);
                } else {
                    reader.enter(&element, &mut sections);
                }
            }
            Event::Leave(id) => reader.leave(id, &mut sections),
            Event::Text(text) => reader.text(text, &mut sections),
        }
    }
    reader.finish(sections)
}

/// Preformatted code that is open.
#[derive(Clone, Copy)]
struct Preformatted {
    /// Where the code begins.
    start: usize,
    /// Whether its lines are elements, so that line breaks between them are markup.
    has_lines: bool,
}

struct Reader {
    writer: TextWriter,
    code: Vec<Range<usize>>,
    links: Vec<(ElementId, Range<usize>)>,
    endings: Vec<(ElementId, Ending)>,
    in_code: bool,
    pre: Option<Preformatted>,
    /// Number of open articles and sections.
    sectioning: usize,
    generator: Generator,
}

impl Reader {
    fn enter(&mut self, element: &Element<'_>, sections: &mut SectionWriter) {
        if let Some(part) = sections.part(element, self.writer.len()) {
            self.begin(element, part, sections);
            return;
        }
        let ending = match element.tag {
            Tag::Article | Tag::Section | Tag::Main => {
                self.sectioning += 1;
                Ending::Sectioning
            }
            tag if !self.in_code && self.is_preformatted(tag, element) => {
                self.writer.line();
                let start = self.writer.settle();
                self.in_code = true;
                self.pre = Some(Preformatted {
                    start,
                    has_lines: tag == Tag::Div && self.generator == Generator::Doxygen,
                });
                Ending::Block { start }
            }
            Tag::Code | Tag::Kbd | Tag::Samp | Tag::Tt if !self.in_code => {
                self.in_code = true;
                Ending::Inline {
                    start: self.writer.len(),
                }
            }
            Tag::A if element.attr(Attribute::Href).is_some() => Ending::Link {
                start: self.writer.len(),
            },
            Tag::Td | Tag::Th | Tag::Label => Ending::Word,
            Tag::Br if self.pre.is_some() => {
                self.writer.verbatim("\n");
                return;
            }
            Tag::Br | Tag::Hr => {
                self.writer.line();
                return;
            }
            Tag::Address
            | Tag::Blockquote
            | Tag::Caption
            | Tag::Center
            | Tag::Dd
            | Tag::Details
            | Tag::Dialog
            | Tag::Div
            | Tag::Dl
            | Tag::Dt
            | Tag::Fieldset
            | Tag::Figcaption
            | Tag::Figure
            | Tag::Footer
            | Tag::H1
            | Tag::H2
            | Tag::H3
            | Tag::H4
            | Tag::H5
            | Tag::H6
            | Tag::Header
            | Tag::Hgroup
            | Tag::Legend
            | Tag::Li
            | Tag::Menu
            | Tag::Ol
            | Tag::Option
            | Tag::P
            | Tag::Summary
            | Tag::Table
            | Tag::Tbody
            | Tag::Tfoot
            | Tag::Thead
            | Tag::Tr
            | Tag::Ul
            | Tag::Aside => Ending::Line,
            _ => return,
        };
        match ending {
            Ending::Line | Ending::Sectioning => self.writer.line(),
            Ending::Word => self.writer.space(),
            _ => {}
        }
        self.endings.push((element.id, ending));
    }

    /// Whether an element has lines of code, which are kept as they are.
    fn is_preformatted(&self, tag: Tag, element: &Element<'_>) -> bool {
        match (tag, self.generator) {
            (Tag::Pre | Tag::Listing, _) => true,
            (Tag::Div, Generator::Doxygen) => element.has_class("fragment"),
            (Tag::Div, Generator::Javadoc) => element
                .classes()
                .any(|class| matches!(class, "type-signature" | "member-signature")),
            _ => false,
        }
    }

    fn begin(&mut self, element: &Element<'_>, part: SectionPart, sections: &mut SectionWriter) {
        let ending = match part {
            SectionPart::Name => {
                sections.name_begins(self.writer.len());
                Ending::Name
            }
            SectionPart::Heading | SectionPart::Definition => {
                self.writer.line();
                let start = self.writer.settle();
                sections.begin(element, part, start);
                Ending::Heading
            }
        };
        self.endings.push((element.id, ending));
    }

    fn text(&mut self, text: &str, sections: &mut SectionWriter) {
        if let Some(pre) = self.pre {
            return self.preformatted(pre, text);
        }
        if sections.has_target(self.writer.len()) && !is_blank(text) {
            let start = self.writer.settle();
            sections.begin_at_target(start);
        }
        self.writer.folded(text);
    }

    fn preformatted(&mut self, pre: Preformatted, text: &str) {
        if pre.has_lines && is_blank(text) && text.contains('\n') {
            return;
        }
        // Empty lines before the first line of code belong to the markup.
        let is_first = self.writer.len() == pre.start;
        let begin = if is_first {
            text.trim_start_matches('\n')
        } else {
            text
        };
        self.writer.verbatim(begin);
    }

    fn leave(&mut self, id: ElementId, sections: &mut SectionWriter) {
        // A formatting element may end before what began inside it.
        let Some(at) = self.endings.iter().rposition(|(open, _)| *open == id) else {
            return;
        };
        let (_, ending) = self.endings.remove(at);
        match ending {
            Ending::Line => self.writer.line(),
            Ending::Sectioning => {
                self.sectioning -= 1;
                self.writer.line();
            }
            Ending::Word => self.writer.space(),
            Ending::Block { start } => {
                self.writer.trim_end(start);
                self.end_links();
                self.pre = None;
                self.code_ends(start);
                self.writer.line();
            }
            Ending::Inline { start } => self.code_ends(self.first_word(start)),
            Ending::Link { start } => {
                let (start, end) = (self.first_word(start), self.writer.len());
                if start < end {
                    self.links.push((id, start..end));
                }
            }
            Ending::Heading => {
                sections.end(&self.writer);
                self.writer.line();
            }
            Ending::Name => sections.name_ends(self.writer.len()),
        }
    }

    /// Ends links where the text ends. White space that a link in code ended with may be gone.
    fn end_links(&mut self) {
        let end = self.writer.len();
        let before = self.links.iter().rposition(|(_, link)| link.end <= end);
        let late = self.links.split_off(before.map_or(0, |at| at + 1));
        let late = late.into_iter().filter(|(_, link)| link.start < end);
        self.links
            .extend(late.map(|(id, link)| (id, link.start..end)));
    }

    /// Where the first word of an element begins. The gap before it was written after the element
    /// had begun.
    fn first_word(&self, start: usize) -> usize {
        let text = self.writer.get(start..self.writer.len());
        start + text.len() - text.trim_start_matches([' ', '\n']).len()
    }

    fn code_ends(&mut self, start: usize) {
        self.in_code = false;
        let end = self.writer.len();
        if start < end {
            self.code.push(start..end);
        }
    }

    fn finish(mut self, sections: SectionWriter) -> Content {
        let text = self.writer.finish();
        self.links.sort_unstable_by_key(|(link, _)| *link);
        Content {
            sections: sections.finish(&text, &self.code),
            text,
            code: self.code,
            links: self.links,
        }
    }
}
