//! The terms of a page, field by field.
//!
//! A field is a list of terms, joined by spaces, in order and with repetitions. An index only has
//! to split it at spaces and count. [`crate::plan::Field`] lists the fields.

mod names;
mod near_duplicates;
pub(crate) mod titles;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use canter_core::document::Document;
use canter_core::task::UrlKey;
use canter_page::{Page, Section};
use foldhash::fast::RandomState;

use crate::meaning::{Meaning, Place, meanings};
use crate::tokenizer::{Language, TokenKind, Tokenizer, name, spelled};

use names::is_offered;
pub use names::names;
use near_duplicates::fingerprint;

/// Number of times that a heading counts for its section, in addition to its occurrence in the
/// text.
pub const HEADING_COPIES: usize = 2;
/// Maximum number of sections of a page that are weighed. Later sections become part of the last
/// one.
pub const MAX_SECTIONS: usize = 5_000;
/// Maximum number of words of a heading. Later words count like the rest of the section.
const MAX_HEADING: usize = 64;
/// About as many bytes of text hold a word.
const BYTES_PER_WORD: usize = 8;

/// The terms of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageTerms {
    /// Words of the title, in order and without stop words.
    pub title: String,
    /// Words of the main text, in order and without stop words. Pairs are words that are neighbours
    /// here or in the title.
    pub text: String,
    /// Identifiers of title and text, whole and in parts. Outside of sections, also single
    /// characters of scripts without spaces.
    pub identifiers: String,
    /// Words of the URL's path.
    pub address: String,
    /// Stop words and signs without repetitions, for queries that hold nothing else.
    pub common: String,
    /// Folded words that are not stemmed, without repetitions, for corrections.
    pub spelled: String,
    /// Words around the links from other pages to this page.
    pub anchor_text: String,
    /// Number of links in the anchor text. None if the first heading stands for the page, or if the
    /// title is not offered as a completion.
    pub known: Option<u32>,
    /// Whether the page holds little more than its links.
    pub list: bool,
    /// A number that near-duplicates share.
    pub near_duplicates: u64,
    /// Names of the page itself: its title and the title's parts.
    pub names: Vec<String>,
    /// The page's own names, told apart from those of its sections, and the phrases of its title; see
    /// [`Plan::own_name`](crate::plan::Plan::own_name).
    pub titles: Vec<String>,
    /// The sections, in the order of the page.
    pub sections: Vec<SectionTerms>,
    /// Vectors of the first [`MAX_SECTIONS`] sections; one for the text of a page without sections.
    pub meanings: Vec<Meaning>,
}

/// The terms of a section: a range of the words of [`PageTerms::text`], and its marks. A section is
/// weighed as a text of its own that holds its words, its marks, [`HEADING_COPIES`] more copies of
/// its heading and one copy of each heading above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SectionTerms {
    /// Number of the section's first word. The section ends where the next one starts.
    pub start: usize,
    /// Number of leading words that form the heading.
    pub heading: usize,
    /// See [`Section::level`].
    pub level: u8,
    /// Words that are not in the text: ids, anchor text, and single characters of scripts without
    /// spaces.
    pub marks: String,
    /// Names of the section: heading, ids, definitions.
    pub names: Vec<String>,
    /// Number of links in the page's anchor text that lead to the section; for the first heading,
    /// the number of all of them. None if the section has no anchor, or if its title is not offered
    /// as a completion.
    pub known: Option<u32>,
}

impl PageTerms {
    /// Returns the terms of a document.
    pub fn of(document: &Document, tokenizer: &mut Tokenizer) -> Self {
        let page = &document.page;
        tokenizer.set_language(Language::of_tag(page.language.as_deref()));
        tokenizer.begin_page();
        let mut terms = PageTerms {
            text: String::with_capacity(page.text.len()),
            ..PageTerms::default()
        };
        let mut common = Common::default();
        let mut reading = Reading {
            terms: &mut terms,
            common: &mut common,
            written: Vec::new(),
            places: Vec::with_capacity(page.text.len() / BYTES_PER_WORD),
        };
        reading.read(&page.title, tokenizer);
        reading.terms.title = reading.terms.text.clone();
        let title = reading.places.clone();
        // They keep their space for the text.
        reading.terms.text.clear();
        reading.places.clear();

        let mut sections = Vec::with_capacity(page.sections.len());
        let first = heading_of(page);
        let mut headings = Vec::with_capacity(page.sections.len());
        let mut read_to = 0;
        for (place, section) in page.sections.iter().enumerate() {
            // Text outside of sections still counts for the page.
            if let Some(between) = page.text.get(read_to..section.range.start) {
                reading.read(between, tokenizer);
            }
            let mut own = SectionTerms {
                start: reading.places.len(),
                level: section.level,
                names: section_names(section),
                known: is_offered(&section.title)
                    .then_some(0)
                    .filter(|_| section.anchor.is_some() || first == Some(place)),
                ..SectionTerms::default()
            };
            let text = page.text.get(section.range.clone()).unwrap_or_default();
            reading.read_with(text, tokenizer, |single| push(&mut own.marks, single));
            read_to = read_to.max(section.range.end);
            if text.starts_with(&section.title) {
                let read = reading.places.len() - own.start;
                let heading = count_words(&section.title, tokenizer);
                own.heading = heading.min(read).min(MAX_HEADING);
                headings.push(reading.places[own.start..own.start + own.heading].to_vec());
            } else {
                let mut places = Vec::new();
                let heading = read_stems(&section.title, tokenizer, |place| places.push(place));
                for _ in 0..HEADING_COPIES {
                    push(&mut own.marks, &heading);
                }
                headings.push(places);
            }
            for id in section.anchor.iter().chain(&section.names) {
                push(&mut own.marks, &stems(id, tokenizer));
            }
            sections.push(own);
        }
        reading.terms.anchor_text = anchor_text(document, &mut sections, tokenizer);
        let known = document.inlinks.anchor_texts.len() as u32;
        match first.and_then(|first| sections[first].known.as_mut()) {
            Some(heading) => *heading = known,
            None => reading.terms.known = is_offered(&page.title).then_some(known),
        }
        if let Some(rest) = page.text.get(read_to..) {
            reading.read(rest, tokenizer);
        }
        let spelled = spelled_words(reading.written);
        terms.meanings = meanings(&title, &reading.places, &sections, &headings);

        terms.list = page.list;
        terms.near_duplicates = fingerprint(&terms.text).unwrap_or_else(|| {
            let UrlKey(id) = document.id();
            id.iter()
                .take(8)
                .fold(0, |all, byte| all << 8 | u64::from(*byte))
        });
        terms.spelled = spelled;
        terms.common = common.joined();
        terms.address = stems(&decoded(document.url.path()), tokenizer);
        terms.names = names(&page.title, [].iter());
        terms.titles = titles::titles(&terms.names, &terms.title);
        terms.sections = sections;
        terms
    }
}

/// Returns the first section of level 1, if the page's title begins with its heading.
fn heading_of(page: &Page) -> Option<usize> {
    let title = name(&page.title)?;
    let mut sections = page.sections.iter();
    let first = sections.position(|section| section.level == 1)?;
    let heading = name(&page.sections[first].title)?;
    title.starts_with(&heading).then_some(first)
}

impl PageTerms {
    /// Returns the text by which each section is weighed, for an index that stores sections as
    /// texts.
    pub fn weighed_sections(&self) -> Vec<String> {
        let words: Vec<&str> = self.text.split_terminator(' ').collect();
        let sections = &self.sections;
        let count = sections.len().min(MAX_SECTIONS);
        let heading = |section: &SectionTerms| &words[section.start..][..section.heading];
        let mut weighed = Vec::with_capacity(count);
        with_sections_above(sections, |place, above| {
            let section = &sections[place];
            let last = place + 1 == count;
            let next = if last {
                words.len()
            } else {
                sections[place + 1].start
            };
            let own = &words[section.start..next];
            let mut terms = String::new();
            let copies = std::iter::repeat_n(heading(section), HEADING_COPIES);
            let path = above.iter().map(|&above| heading(&sections[above]));
            own.iter()
                .chain(copies.chain(path).flatten())
                .for_each(|term| push(&mut terms, term));
            let beyond = if last { sections.len() } else { place + 1 };
            for section in &sections[place..beyond] {
                push(&mut terms, &section.marks);
            }
            weighed.push(terms);
        });
        weighed
    }
}

/// Passes on the number of each section that is weighed, and the numbers of those whose headings stand
/// above it, outermost first.
pub(crate) fn with_sections_above(
    sections: &[SectionTerms],
    mut give: impl FnMut(usize, &[usize]),
) {
    let mut above: Vec<usize> = Vec::new();
    for (place, section) in sections.iter().enumerate().take(MAX_SECTIONS) {
        above.retain(|&above| sections[above].level < section.level);
        give(place, &above);
        if section.level > 0 {
            above.push(place);
        }
    }
}

/// Distributes the tokens of a page to the fields.
struct Reading<'a> {
    terms: &'a mut PageTerms,
    common: &'a mut Common,
    /// Words as they are written, each once, in the order of their first occurrence.
    written: Vec<&'a str>,
    /// Place of the vector of each word.
    places: Vec<Place>,
}

impl<'a> Reading<'a> {
    /// Reads text that belongs to no section.
    fn read(&mut self, text: &'a str, tokenizer: &mut Tokenizer) {
        let mut singles = String::new();
        self.read_with(text, tokenizer, |single| push(&mut singles, single));
        push(&mut self.terms.identifiers, &singles);
    }

    fn read_with(
        &mut self,
        text: &'a str,
        tokenizer: &mut Tokenizer,
        mut single: impl FnMut(&str),
    ) {
        tokenizer.tokenize_page(text, |token| match token.kind {
            TokenKind::Word => {
                self.places.push(token.place);
                if token.first {
                    self.written.push(&text[token.range]);
                }
                push(&mut self.terms.text, token.term);
            }
            TokenKind::Whole | TokenKind::Part => push(&mut self.terms.identifiers, token.term),
            TokenKind::Single => single(token.term),
            // Stop words are many; one that was met on this page is there already.
            TokenKind::Stop if !token.first => {}
            TokenKind::Stop | TokenKind::Signs => self.common.add(token.term),
        });
    }
}

/// See [`PageTerms::spelled`]; given words as they are written.
fn spelled_words(words: Vec<&str>) -> String {
    let mut met: HashSet<Cow<'_, str>, RandomState> = HashSet::default();
    let mut all = String::new();
    for word in words {
        if let Some(spelled) = spelled(word)
            && !met.contains(&spelled)
        {
            push(&mut all, &spelled);
            met.insert(spelled);
        }
    }
    all
}

/// Returns the anchor text of a page. The text of a link also marks the section that it leads to,
/// or the first section.
fn anchor_text(
    document: &Document,
    sections: &mut [SectionTerms],
    tokenizer: &mut Tokenizer,
) -> String {
    let mut said = String::new();
    if document.inlinks.anchor_texts.is_empty() {
        return said;
    }
    let anchored = document.page.sections.iter().enumerate();
    let anchored =
        anchored.filter_map(|(place, section)| Some((section.anchor.as_deref()?, place)));
    let places: HashMap<&str, usize> = anchored.rev().collect();
    for anchor in &document.inlinks.anchor_texts {
        let around = stems(&anchor.around, tokenizer);
        push(&mut said, &around);
        let fragment = anchor.fragment.as_deref();
        let place = fragment.and_then(|fragment| places.get(fragment).copied());
        let aimed = place.and_then(|place| sections[place].known.as_mut());
        if let Some(known) = aimed {
            *known += 1;
        }
        if let Some(section) = sections.get_mut(place.unwrap_or_default()) {
            push(&mut section.marks, &stems(anchor.text(), tokenizer));
        }
    }
    said
}

/// A set of stop words and signs. They are frequent, so each is compared as a number: none has more
/// than seven bytes.
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

/// Returns the words of a short text, joined by spaces.
fn stems(text: &str, tokenizer: &mut Tokenizer) -> String {
    read_stems(text, tokenizer, |_| ())
}

/// Like [`stems`], and passes the place of each word's vector to `give`.
fn read_stems(text: &str, tokenizer: &mut Tokenizer, mut give: impl FnMut(Place)) -> String {
    let mut joined = String::new();
    tokenizer.tokenize(text, |token| {
        if let TokenKind::Word | TokenKind::Single = token.kind {
            push(&mut joined, token.term);
            give(token.place);
        }
    });
    joined
}

/// Returns the number of words of a short text.
fn count_words(text: &str, tokenizer: &mut Tokenizer) -> usize {
    let mut count = 0;
    tokenizer.tokenize(text, |token| {
        count += usize::from(token.kind == TokenKind::Word)
    });
    count
}

fn section_names(section: &Section) -> Vec<String> {
    names(&section.title, section.anchor.iter().chain(&section.names))
}

/// Decodes a path, and replaces invalid UTF-8.
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

/// Adds terms to a list joined by spaces.
pub(crate) fn push(list: &mut String, terms: &str) {
    if terms.is_empty() {
        return;
    }
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(terms);
}
