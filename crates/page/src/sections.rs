//! Cuts content at its headings and definitions, and finds the fragments that lead to them.

use std::ops::Range;

use super::Section;
use super::anchors::Anchors;
use super::events::Element;
use super::item::{Generator, Item};
use super::links::decoded;
use super::names;
use super::tag::{Attribute, Tag};
use super::text::TextWriter;

/// Level of a definition.
const DEFINITION: u8 = 7;

/// Number of first sections among which a manual page has its section NAME.
const MANUAL_SECTIONS: usize = 3;

/// The part of a section that an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionPart {
    /// A heading, which begins a section.
    Heading,
    /// The term of a definition, which begins a section.
    Definition,
    /// The name within the term of a definition.
    Name,
}

/// Writes the sections while their text is written.
pub(super) struct SectionWriter {
    item: Option<Item>,
    sections: Vec<Section>,
    open: Option<OpenHeading>,
    anchors: Anchors,
    generator: Generator,
}

/// A heading or term whose text is being read. Its section is the last one.
struct OpenHeading {
    /// Whether the anchor is a guess, which gives way to an id inside the heading.
    anchor_is_guess: bool,
    is_definition: bool,
    /// Range of the name within the term.
    name: Option<Range<usize>>,
    /// Whether the last part of the name has begun.
    has_name: bool,
}

impl SectionWriter {
    /// A writer of no sections yet. `item` is what the page as a whole defines.
    pub(super) fn new(item: Option<Item>, generator: Generator) -> Self {
        SectionWriter {
            item,
            sections: Vec::new(),
            open: None,
            anchors: Anchors::default(),
            generator,
        }
    }

    /// Notes an element that begins at byte `at`, and returns the part that it is, if any.
    pub(super) fn part(&mut self, element: &Element<'_>, at: usize) -> Option<SectionPart> {
        if self.open.is_some() {
            return self.part_inside(element);
        }
        let id = element.id_attr();
        match element.tag {
            Tag::H1 | Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => {
                return Some(SectionPart::Heading);
            }
            Tag::Dt if id.is_some() || self.anchors.is_aimed(at) => {
                return Some(SectionPart::Definition);
            }
            Tag::Section | Tag::Article | Tag::Span
                if self.generator == Generator::Rustdoc
                    && id.is_some_and(|id| self.generator.member_of_id(id).is_some()) =>
            {
                return Some(SectionPart::Definition);
            }
            Tag::Section | Tag::Article => self.anchors.wrap(id, at),
            Tag::Div if self.generator == Generator::Doxygen && element.has_class("title") => {
                return Some(SectionPart::Heading);
            }
            Tag::Div
                if self.generator == Generator::Pdoc
                    && element.has_class("attr")
                    && self.anchors.is_wrapped(at) =>
            {
                return Some(SectionPart::Definition);
            }
            // An element around the first heading is the page itself.
            Tag::Div | Tag::Li if !self.sections.is_empty() || element.has_class("section") => {
                self.anchors.wrap(id, at);
            }
            Tag::A => {
                let name = id.or_else(|| element.attr(Attribute::Name));
                let is_link = element.attr(Attribute::Href).is_some();
                self.anchors.aim(name, at, !is_link);
            }
            Tag::Span => self.anchors.aim(id, at, false),
            _ => {}
        }
        None
    }

    fn part_inside(&mut self, element: &Element<'_>) -> Option<SectionPart> {
        let open = self.open.as_mut()?;
        if open.is_definition {
            // What follows the name has the same class as what precedes it: ` <command>` of `-c`.
            if open.has_name {
                return None;
            }
            let mut begins = false;
            for class in element.classes() {
                open.has_name |= matches!(class, "sig-name" | "descname");
                begins |= open.has_name || matches!(class, "sig-prename" | "descclassname");
            }
            return begins.then_some(SectionPart::Name);
        }
        let section = self.sections.last_mut()?;
        if section.anchor.is_none() || open.anchor_is_guess {
            let id = element.id_attr().or_else(|| match element.tag {
                Tag::A => element.attr(Attribute::Name),
                _ => None,
            });
            if let Some(id) = id {
                section.anchor = Some(id.to_owned());
                open.anchor_is_guess = false;
            }
        }
        None
    }

    /// Notes an element that is left out of the text, since it may be the permalink of a heading.
    pub(super) fn pass(&mut self, element: &Element<'_>) {
        if element.tag != Tag::A {
            return;
        }
        let (Some(open), Some(section)) = (&mut self.open, self.sections.last_mut()) else {
            return;
        };
        if (section.anchor.is_none() || open.anchor_is_guess)
            && let Some(fragment) = element
                .attr(Attribute::Href)
                .and_then(|reference| decoded(reference.strip_prefix('#')?))
        {
            section.anchor = Some(fragment);
            open.anchor_is_guess = false;
        }
    }

    /// Begins a section at byte `start` of the text.
    pub(super) fn begin(&mut self, element: &Element<'_>, part: SectionPart, start: usize) {
        let is_definition = part == SectionPart::Definition;
        let own = element.id_attr().map(str::to_owned);
        let [wrapper, target] = self.anchors.take(start);
        let anchor_is_guess = own.is_none() && wrapper.is_none();
        let level = match element.tag {
            _ if is_definition => DEFINITION,
            Tag::H1 | Tag::Div => 1,
            Tag::H2 => 2,
            Tag::H3 => 3,
            Tag::H4 => 4,
            Tag::H5 => 5,
            _ => 6,
        };
        self.sections.push(Section {
            anchor: own.or(wrapper).or(target),
            level,
            range: start..start,
            ..Section::default()
        });
        self.open = Some(OpenHeading {
            anchor_is_guess,
            is_definition,
            name: None,
            has_name: false,
        });
    }

    /// Whether an anchor that names something stands right before byte `at`.
    pub(super) fn has_target(&self, at: usize) -> bool {
        self.open.is_none() && self.anchors.has_name(at)
    }

    /// Begins a definition at byte `start` that the anchor before it names. Hand-made pages mark
    /// their definitions this way.
    pub(super) fn begin_at_target(&mut self, start: usize) {
        if let Some(name) = self.anchors.take_name() {
            self.sections.push(Section {
                anchor: Some(name.clone()),
                title: name.clone(),
                level: DEFINITION,
                range: start..start,
                names: vec![name],
            });
        }
    }

    /// Begins the name within a term.
    pub(super) fn name_begins(&mut self, at: usize) {
        if let Some(open) = &mut self.open {
            open.name.get_or_insert(at..at);
        }
    }

    /// Ends the name within a term, or a part of it.
    pub(super) fn name_ends(&mut self, at: usize) {
        if let Some(Range { end, .. }) = self.open.as_mut().and_then(|open| open.name.as_mut()) {
            *end = at;
        }
    }

    /// Ends the heading or term that began last.
    pub(super) fn end(&mut self, writer: &TextWriter) {
        let Some(open) = self.open.take() else {
            return;
        };
        let is_first = self.sections.len() == 1;
        let Some(section) = self.sections.last_mut() else {
            return;
        };
        let text = writer.get(section.range.start..writer.len()).trim();
        if text.is_empty() {
            self.sections.pop();
            return;
        }
        let text = text.replace('\n', " ");
        let anchor = section.anchor.as_deref().unwrap_or_default();
        if open.is_definition {
            let signature = open.name.map(|range| writer.get(range).trim());
            let item = self.item.as_ref();
            let member = self.generator.member_of_id(anchor);
            let name = match (member, signature) {
                (Some(member), _) => match item {
                    Some(item) => item.members(member).into_iter().next(),
                    None => Some(member.to_owned()),
                },
                (None, Some(signature)) => Some(names::defined(anchor, signature)),
                (None, None) => names::is_defined_by(anchor, &text).then(|| anchor.to_owned()),
            };
            section.names = names::options(&text);
            let name = name.filter(|_| section.names.is_empty());
            section.title = name.clone().unwrap_or(text);
            section.names.extend(name);
        } else {
            let member = self.generator.member_of_heading(anchor, &text);
            section.names = match (member, &self.item) {
                (Some(member), Some(item)) => item.members(member),
                (Some(member), None) => vec![member.to_owned()],
                // Javadoc's other headings only group the members.
                (None, _) if self.generator == Generator::Javadoc => Vec::new(),
                (None, _) => names::of_heading(anchor, &text),
            };
            if is_first && let Some(item) = &self.item {
                section.names.retain(|name| *name != item.path);
                section.names.insert(0, item.path.clone());
            }
            section.title = text;
        }
    }

    /// The sections, which cover all of `text`. The ranges `code` of it are code.
    pub(super) fn finish(self, text: &str, code: &[Range<usize>]) -> Vec<Section> {
        let mut sections = self.sections;
        let mut end = text.len();
        for section in sections.iter_mut().rev() {
            section.range.start = section.range.start.min(end);
            section.range.end = end;
            end = section.range.start;
        }
        let name = |section: &&mut Section| section.title.eq_ignore_ascii_case("name");
        if let Some(section) = sections.iter_mut().take(MANUAL_SECTIONS).find(name) {
            let body = text.get(section.range.clone()).unwrap_or_default();
            let body = body.get(section.title.len()..).unwrap_or_default();
            section.names.extend(names::of_manual(body));
        }
        if end > 0 {
            // A page that begins with declarations before any heading is about them.
            let names = match code.first() {
                Some(code) if code.start == 0 => names::of_declarations(&text[code.clone()]),
                _ => Vec::new(),
            };
            let before = Section {
                range: 0..end,
                names,
                ..Section::default()
            };
            sections.insert(0, before);
        }
        sections
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use crate::read_html;

    /// Level, anchor and title of each section.
    fn outline(html: &str) -> String {
        let url = Url::parse("https://example.org/").unwrap();
        let sections = read_html(html, &url).sections;
        let lines = sections.iter().map(|section| {
            let anchor = section.anchor.as_deref().unwrap_or("-");
            format!("{} {anchor} {}", section.level, section.title)
        });
        lines.collect::<Vec<_>>().join(", ")
    }

    macro_rules! sections {
        ($($name:ident: $html:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(outline($html), $expected);
            })*
        };
    }

    sections! {
        no_text_no_section: "<p> " => "",
        text_without_heading: "x" => "0 - ",
        own_id: "<section id=s><h2 id=own>A</h2>" => "2 own A",
        id_of_the_section_is_of_its_first_heading:
            "<section id=s><h1>A</h1>x<h2>B</h2>" => "1 s A, 2 - B",
        id_of_a_section_that_began_with_text:
            "<section id=s><p>some words</p><h2>A</h2>" => "0 - , 2 - A",
        preceding_anchor: "<p>x</p><a name=n></a><h2>A</h2>" => "0 - , 2 n A",
        anchor_with_text_behind_it: "<a name=n></a>x y z<h2>A</h2>" => "0 - , 2 - A",
        preceding_span: "<p>x</p><span id=a.b></span><h2>A</h2>" => "0 - , 2 a.b A",
        span_before_text_defines_nothing: "x<span id=a_b></span>y" => "0 - ",
        link_with_a_name_defines_nothing: "x<a id=a_b href='#c'>y</a>" => "0 - ",
        anchor_with_a_gap: "<p>x</p><a name=aB>&nbsp;</a><h2>A</h2>" => "0 - , 2 aB A",
        id_around_a_heading: "<h1>A</h1><div id=b><div><h2>B</h2>" => "1 - A, 2 b B",
        page_around_its_heading: "<div id=page><h1>A</h1>" => "1 - A",
        anchor_inside: "<h2><a name=n>A</a></h2>" => "2 n A",
        mark_beside_a_heading: "<h2>A <a href='#m%20n'>#</a></h2>" => "2 m n A",
        mark_wins_over_preceding_anchor:
            "<a name=n></a><h2>A <a href='#m'>#</a></h2>" => "2 m A",
        link_in_a_heading_is_no_mark: "<h2>A <a href='#m'>word</a></h2>" => "2 - A word",
        empty_heading: "<h2 id=a> </h2><h3 id=b>B</h3>" => "3 b B",
        name_before_text_defines_it: "x<a name=a_b></a>y" => "0 - , 7 a_b a_b",
        word_before_text_defines_nothing: "x<a name=word></a>y" => "0 - ",
        heading_inside_a_term: "<dl><dt id=a.b><h4>A</h4></dt></dl>" => "7 a.b a.b",
        main_that_says_little_gives_way:
            &format!("<main><h1>A</h1></main><h2>B</h2>{}", "word ".repeat(300)) =>
            "1 - A, 2 - B",
    }
}
