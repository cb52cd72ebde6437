//! Main content: what a reader came for, without what surrounds it on every page of a site.

use std::ops::Range;

use html5ever::local_name;

use super::Section;
use super::noise::Noise;
use super::sections::{Entry, SectionWriter};
use super::text::TextWriter;
use super::tree::{NodeId, Tree};
use super::walk::{Element, Step};

/// Text, sections and code of a part of a page.
pub(super) struct Content {
    pub(super) text: String,
    pub(super) sections: Vec<Section>,
    pub(super) code: Vec<Range<usize>>,
}

/// What has to happen at the end of an element.
#[derive(Clone, Copy)]
enum Ending {
    /// What follows begins a line.
    Line,
    /// The same; the element made what is in it a part of its own, with headers of its own.
    Sectioning,
    /// What follows is another word.
    Word,
    /// Code began in a block or in the middle of a line, at this byte.
    Block {
        start: usize,
    },
    Inline {
        start: usize,
    },
    /// The text of a heading or the term of a definition is complete.
    Heading,
    /// The name inside a definition's term is complete.
    Name,
}

/// Reads a part of a page.
pub(super) fn extract(
    tree: &Tree,
    root: NodeId,
    noise: Noise,
    mut sections: SectionWriter,
) -> Content {
    let mut reader = Reader {
        writer: TextWriter::with_capacity(4096),
        code: Vec::new(),
        endings: Vec::new(),
        in_code: false,
        in_pre: false,
        sectioning: 0,
    };
    let mut walk = tree.walk(root);
    while let Some(step) = walk.next() {
        match step {
            Step::Enter(element) => {
                if element.id != root && noise.is(&element, tree, reader.sectioning > 0) {
                    sections.pass(&element);
                    walk.leave_out();
                } else {
                    reader.enter(&element, &mut sections);
                }
            }
            Step::Leave(id) => reader.leave(id, &mut sections),
            Step::Text(text) => reader.text(text, &mut sections),
        }
    }
    reader.finish(sections)
}

struct Reader {
    writer: TextWriter,
    code: Vec<Range<usize>>,
    endings: Vec<(NodeId, Ending)>,
    in_code: bool,
    in_pre: bool,
    /// Open articles and sections.
    sectioning: usize,
}

impl Reader {
    fn enter(&mut self, element: &Element<'_>, sections: &mut SectionWriter) {
        if let Some(entry) = sections.entry(element, self.writer.len()) {
            self.begin(element, entry, sections);
            return;
        }
        let ending = match *element.name() {
            local_name!("article") | local_name!("section") | local_name!("main") => {
                self.sectioning += 1;
                Ending::Sectioning
            }
            local_name!("pre") | local_name!("listing") if !self.in_code => {
                self.writer.line();
                self.in_code = true;
                self.in_pre = true;
                Ending::Block {
                    start: self.writer.settle(),
                }
            }
            local_name!("code") | local_name!("kbd") | local_name!("samp") | local_name!("tt")
                if !self.in_code =>
            {
                self.in_code = true;
                Ending::Inline {
                    start: self.writer.len(),
                }
            }
            local_name!("td") | local_name!("th") => Ending::Word,
            local_name!("br") if self.in_pre => {
                self.writer.verbatim("\n");
                return;
            }
            local_name!("address")
            | local_name!("blockquote")
            | local_name!("br")
            | local_name!("caption")
            | local_name!("center")
            | local_name!("dd")
            | local_name!("details")
            | local_name!("dialog")
            | local_name!("div")
            | local_name!("dl")
            | local_name!("dt")
            | local_name!("fieldset")
            | local_name!("figcaption")
            | local_name!("figure")
            | local_name!("footer")
            | local_name!("h1")
            | local_name!("h2")
            | local_name!("h3")
            | local_name!("h4")
            | local_name!("h5")
            | local_name!("h6")
            | local_name!("header")
            | local_name!("hgroup")
            | local_name!("hr")
            | local_name!("legend")
            | local_name!("li")
            | local_name!("menu")
            | local_name!("ol")
            | local_name!("option")
            | local_name!("p")
            | local_name!("summary")
            | local_name!("table")
            | local_name!("tbody")
            | local_name!("tfoot")
            | local_name!("thead")
            | local_name!("tr")
            | local_name!("ul")
            | local_name!("aside") => Ending::Line,
            _ => return,
        };
        match ending {
            Ending::Line | Ending::Sectioning => self.writer.line(),
            Ending::Word => self.writer.space(),
            _ => {}
        }
        self.endings.push((element.id, ending));
    }

    fn begin(&mut self, element: &Element<'_>, entry: Entry, sections: &mut SectionWriter) {
        let ending = match entry {
            Entry::Name => {
                sections.name_begins(self.writer.len());
                Ending::Name
            }
            Entry::Heading | Entry::Definition => {
                self.writer.line();
                let start = self.writer.settle();
                sections.begin(element, entry, start);
                Ending::Heading
            }
        };
        self.endings.push((element.id, ending));
    }

    fn text(&mut self, text: &str, sections: &mut SectionWriter) {
        if self.in_pre {
            self.writer.verbatim(text);
            return;
        }
        if sections.has_target(self.writer.len()) && !text.trim_ascii().is_empty() {
            let start = self.writer.settle();
            sections.begin_at_target(start);
        }
        self.writer.folded(text);
    }

    fn leave(&mut self, id: NodeId, sections: &mut SectionWriter) {
        let Some((_, ending)) = self.endings.pop_if(|(open, _)| *open == id) else {
            return;
        };
        match ending {
            Ending::Line => self.writer.line(),
            Ending::Sectioning => {
                self.sectioning -= 1;
                self.writer.line();
            }
            Ending::Word => self.writer.space(),
            Ending::Block { start } => {
                self.writer.trim_end(start);
                self.in_pre = false;
                self.code_ends(start);
                self.writer.line();
            }
            Ending::Inline { start } => {
                // The gap before the first word was written after the element had begun.
                let code = self.writer.get(start..self.writer.len());
                let gap = code.len() - code.trim_start_matches([' ', '\n']).len();
                self.code_ends(start + gap);
            }
            Ending::Heading => {
                sections.end(&self.writer);
                self.writer.line();
            }
            Ending::Name => sections.name_ends(self.writer.len()),
        }
    }

    fn code_ends(&mut self, start: usize) {
        self.in_code = false;
        let end = self.writer.len();
        if start < end {
            self.code.push(start..end);
        }
    }

    fn finish(self, sections: SectionWriter) -> Content {
        let text = self.writer.finish();
        Content {
            sections: sections.finish(&text, &self.code),
            text,
            code: self.code,
        }
    }
}
