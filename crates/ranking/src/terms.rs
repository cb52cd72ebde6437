//! What an index holds of a page, field by field, and what a query looks for in each field.
//!
//! Fields are lists of terms joined by a space, in order and with repetitions, so that an index
//! has only to cut at spaces and count. [`crate::query::weight`] says what a match in a field is
//! worth.

mod names;
mod query;
mod twins;

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::completion::is_offered;
use crate::words::{Kind, Language, Token, Words, name, spelled};
use canter_core::document::Document;
use canter_core::inbound::is_list;
use canter_core::task::UrlKey;
use canter_page::{Page, Section};

pub use names::names;
pub use query::{QueryTerms, Ways};

/// How often a heading counts for its section, beside its place in the text.
pub const HEADING_COPIES: usize = 2;
/// Sections of one page beyond these are weighed as part of the last of them.
pub const MOST_SECTIONS: usize = 5_000;
/// Words of a heading beyond these count once, as the rest of the section does.
const MOST_HEADING: usize = 64;

/// A page as an index holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageTerms {
    /// Words of the title in order, stop words left out.
    pub title: String,
    /// Words of the main text in order, stop words left out. With the title and the identifiers
    /// the body of the page; a pair are two neighbours in the title or here.
    pub text: String,
    /// Identifiers of both, whole, and their parts; outside of sections each character of a script
    /// without spaces.
    pub identifiers: String,
    /// Words of the URL's path.
    pub address: String,
    /// Stop words and signs, each once: for queries that hold nothing else.
    pub common: String,
    /// Its words as they are written, in one spelling, each once: what a misspelt word is compared
    /// with.
    pub spelled: String,
    /// What other pages say of it: the words around their links to it, repetitions and all.
    pub mentions: String,
    /// How many of their links are quoted there. None where its first heading stands for it, or where
    /// its title is none that a person would choose.
    pub known: Option<u32>,
    /// It is little more than its links.
    pub list: bool,
    /// The same for pages that hold nearly the same.
    pub twins: u64,
    /// Names of the page itself (its title and its parts), as whole queries are compared with them.
    pub names: Vec<String>,
    /// One entry a section of the page, in its order.
    pub sections: Vec<SectionTerms>,
}

/// A section as an index holds it: a range of the words of [`PageTerms::text`], and what is not in
/// them. It is weighed as a text of its own: its words and marks, its heading
/// [`HEADING_COPIES`] times more, and once the headings above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SectionTerms {
    /// Number of its first word; its last is the one before the next section's first.
    pub start: usize,
    /// So many of its first words are its heading.
    pub heading: usize,
    /// As [`Section::level`].
    pub level: u8,
    /// Words that belong to it and stand elsewhere: its ids, and each character of a script
    /// without spaces.
    pub marks: String,
    /// Its heading, its ids, the names that it defines.
    pub names: Vec<String>,
    /// How many of the links quoted lead to it; all of those to the page for its first heading. None
    /// where no link can lead to it alone, and where its title is none that a person would choose.
    pub known: Option<u32>,
}

impl PageTerms {
    /// What an index holds of a document.
    pub fn of(document: &Document, words: &mut Words) -> Self {
        let page = &document.page;
        words.speak(Language::of_tag(page.language.as_deref()));
        let mut terms = PageTerms {
            text: String::with_capacity(page.text.len()),
            ..PageTerms::default()
        };
        let mut common = Common::default();
        let mut reading = Reading {
            terms: &mut terms,
            common: &mut common,
            written: HashSet::default(),
            count: 0,
        };
        reading.read(&page.title, words);
        reading.terms.title = std::mem::take(&mut reading.terms.text);
        reading.count = 0;

        let mut sections = Vec::with_capacity(page.sections.len());
        let first = heading_of(page);
        let mut read_to = 0;
        for (place, section) in page.sections.iter().enumerate() {
            // Sections cover the text by contract; what one leaves out still counts for the page.
            if let Some(between) = page.text.get(read_to..section.range.start) {
                reading.read(between, words);
            }
            let mut own = SectionTerms {
                start: reading.count,
                level: section.level,
                names: section_names(section),
                known: is_offered(&section.title)
                    .then_some(0)
                    .filter(|_| section.anchor.is_some() || first == Some(place)),
                ..SectionTerms::default()
            };
            let text = page.text.get(section.range.clone()).unwrap_or_default();
            reading.read_with(text, words, |single| push(&mut own.marks, single));
            read_to = read_to.max(section.range.end);
            if text.starts_with(&section.title) {
                let read = reading.count - own.start;
                let heading = count_words(&section.title, words);
                own.heading = heading.min(read).min(MOST_HEADING);
            } else {
                let heading = stems(&section.title, words);
                for _ in 0..HEADING_COPIES {
                    push(&mut own.marks, &heading);
                }
            }
            for id in section.anchor.iter().chain(&section.names) {
                push(&mut own.marks, &stems(id, words));
            }
            sections.push(own);
        }
        reading.terms.mentions = mentions(document, &mut sections, words);
        let known = document.inbound.mentions.len() as u32;
        match first.and_then(|first| sections[first].known.as_mut()) {
            Some(heading) => *heading = known,
            None => reading.terms.known = is_offered(&page.title).then_some(known),
        }
        if let Some(rest) = page.text.get(read_to..) {
            reading.read(rest, words);
        }
        let written = reading.spelled();

        let places = page.links.iter().filter_map(|link| link.place.clone());
        terms.list = is_list(&page.text, places);
        terms.twins = twins::fingerprint(&terms.text).unwrap_or_else(|| {
            let UrlKey(id) = document.id();
            id.iter()
                .take(8)
                .fold(0, |all, byte| all << 8 | u64::from(*byte))
        });
        terms.spelled = written;
        terms.common = common.joined();
        terms.address = stems(&decoded(document.url.path()), words);
        terms.names = names(&page.title, [].iter());
        terms.sections = sections;
        terms
    }
}

/// The place of the section whose heading is the page's title, as far as that is no name of the site.
fn heading_of(page: &Page) -> Option<usize> {
    let title = name(&page.title)?;
    let mut sections = page.sections.iter();
    let first = sections.position(|section| section.level == 1)?;
    let heading = name(&page.sections[first].title)?;
    title.starts_with(&heading).then_some(first)
}

/// What each section is weighed by, for an index that holds sections as texts of their own.
impl PageTerms {
    /// The terms of each section in order, joined: its words, its heading [`HEADING_COPIES`] times
    /// more, the headings above it, its marks.
    pub fn weighed_sections(&self) -> Vec<String> {
        let words: Vec<&str> = self.text.split_terminator(' ').collect();
        let sections = &self.sections;
        let count = sections.len().min(MOST_SECTIONS);
        let mut above: Vec<(u8, &[&str])> = Vec::new();
        let mut weighed = Vec::with_capacity(count);
        for (place, section) in sections.iter().enumerate().take(count) {
            let last = place + 1 == count;
            let next = if last {
                words.len()
            } else {
                sections[place + 1].start
            };
            let own = &words[section.start..next];
            let heading = &own[..section.heading];
            let mut terms = String::new();
            let copies = std::iter::repeat_n(heading, HEADING_COPIES).flatten();
            own.iter()
                .chain(copies)
                .for_each(|term| push(&mut terms, term));
            above.retain(|(level, _)| *level < section.level);
            for (_, heading) in &above {
                heading.iter().for_each(|term| push(&mut terms, term));
            }
            if section.level > 0 {
                above.push((section.level, heading));
            }
            let beyond = if last { sections.len() } else { place + 1 };
            for section in &sections[place..beyond] {
                push(&mut terms, &section.marks);
            }
            weighed.push(terms);
        }
        weighed
    }
}

/// The page's text on its way into the fields.
struct Reading<'a> {
    terms: &'a mut PageTerms,
    common: &'a mut Common,
    /// Its words as they are written.
    written: HashSet<&'a str, RandomState>,
    /// Words of the text so far.
    count: usize,
}

impl<'a> Reading<'a> {
    /// Reads what belongs to no section.
    fn read(&mut self, text: &'a str, words: &mut Words) {
        let mut singles = String::new();
        self.read_with(text, words, |single| push(&mut singles, single));
        push(&mut self.terms.identifiers, &singles);
    }

    fn read_with(&mut self, text: &'a str, words: &mut Words, mut single: impl FnMut(&str)) {
        words.each(text, |Token { kind, term, range }| match kind {
            Kind::Word => {
                self.count += 1;
                self.written.insert(&text[range]);
                push(&mut self.terms.text, term);
            }
            Kind::Whole | Kind::Part => push(&mut self.terms.identifiers, term),
            Kind::Single => single(term),
            Kind::Stop | Kind::Signs => self.common.add(term),
        });
    }

    /// [`PageTerms::spelled`].
    fn spelled(&self) -> String {
        let mut all: Vec<String> = self.written.iter().filter_map(|it| spelled(it)).collect();
        all.sort_unstable();
        all.dedup();
        all.join(" ")
    }
}

/// What is said of a page. The text of a link is a mark of the section that it leads to, of the first
/// one where it names none.
fn mentions(document: &Document, sections: &mut [SectionTerms], words: &mut Words) -> String {
    let mut said = String::new();
    if document.inbound.mentions.is_empty() {
        return said;
    }
    let anchored = document.page.sections.iter().enumerate();
    let anchored =
        anchored.filter_map(|(place, section)| Some((section.anchor.as_deref()?, place)));
    let places: HashMap<&str, usize> = anchored.rev().collect();
    for mention in &document.inbound.mentions {
        let around = stems(&mention.around, words);
        push(&mut said, &around);
        let fragment = mention.fragment.as_deref();
        let place = fragment.and_then(|fragment| places.get(fragment).copied());
        let aimed = place.and_then(|place| sections[place].known.as_mut());
        if let Some(known) = aimed {
            *known += 1;
        }
        if let Some(section) = sections.get_mut(place.unwrap_or_default()) {
            push(&mut section.marks, &stems(mention.text(), words));
        }
    }
    said
}

/// Stop words and signs, which come so often that each is compared as a number: none has more than
/// seven bytes.
#[derive(Default)]
struct Common {
    met: HashSet<u64, RandomState>,
    terms: Vec<String>,
}

impl Common {
    fn add(&mut self, term: &str) {
        let number = term
            .bytes()
            .fold(1, |number, byte| number << 8 | u64::from(byte));
        if self.met.insert(number) {
            self.terms.push(term.to_owned());
        }
    }

    fn joined(mut self) -> String {
        self.terms.sort_unstable();
        self.terms.join(" ")
    }
}

/// The words of a short text, joined.
fn stems(text: &str, words: &mut Words) -> String {
    let mut joined = String::new();
    words.each(text, |token| {
        if let Kind::Word | Kind::Single = token.kind {
            push(&mut joined, token.term);
        }
    });
    joined
}

/// How many words a short text holds.
fn count_words(text: &str, words: &mut Words) -> usize {
    let mut count = 0;
    words.each(text, |token| count += usize::from(token.kind == Kind::Word));
    count
}

fn section_names(section: &Section) -> Vec<String> {
    names(&section.title, section.anchor.iter().chain(&section.names))
}

/// Percent-decoded; bytes that are no UTF-8 are replaced.
fn decoded(path: &str) -> String {
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = (byte == b'%').then(|| (hex(bytes.get(at + 1)), hex(bytes.get(at + 2))));
        if let Some((Some(high), Some(low))) = escape {
            plain.extend(u8::try_from(high * 16 + low));
            at += 3;
        } else {
            plain.push(byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Adds terms to a list that spaces part.
pub(crate) fn push(list: &mut String, terms: &str) {
    if terms.is_empty() {
        return;
    }
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(terms);
}
