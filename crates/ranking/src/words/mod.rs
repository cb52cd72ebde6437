//! The words of a text: what an index holds of it and what a query asks for, cut the same way.
//!
//! Every index stores terms that are made here, so that a query means the same in all of them and
//! no index's own analysis has a say. Words are cut at everything that is no letter or digit, in
//! one spelling (case, accents, widths), and stemmed by Snowball's rules for their language;
//! identifiers (`asyncio.gather`, `create_task`, `assertEqual`) are given whole and in parts;
//! scripts that put no space between words (Chinese, Japanese, Korean, Thai, …) are cut into pairs
//! of characters.

mod language;
mod little;
mod pieces;
mod spelling;
mod stems;

use std::ops::Range;

pub use language::Language;
pub use spelling::name;
pub(crate) use spelling::spelled;

use pieces::{
    Class, Pieces, chunk_end, class_of, humps, is_contraction, is_spaceless, signs_end,
    signs_of_a_name,
};
use stems::Stems;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word, stemmed. In a script without spaces: two neighbouring characters, or one alone.
    Word,
    /// A word that says little about a text (`the`), not stemmed.
    Stop,
    /// An identifier of several words or with signs behind it, whole (`os.path`, `C++`); its words
    /// follow.
    Whole,
    /// A hump of a camelCase word, stemmed; the word itself came before.
    Part,
    /// One character of a run in a script without spaces, beside the pairs: what a query of one
    /// character finds.
    Single,
    /// Signs that are neither letters nor space (`+=`).
    Signs,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its spelling in the index; holds no white space.
    pub term: &'a str,
    /// Where it stands in the text, in bytes.
    pub range: Range<usize>,
}

/// Cuts texts. Remembers stems, so that it is worth keeping.
pub struct Words {
    /// The stems of each language that was met, those of the language at hand first.
    stems: Vec<Stems>,
    folded: String,
}

impl Default for Words {
    fn default() -> Self {
        Words {
            stems: vec![Stems::new(Language::ENGLISH)],
            folded: String::new(),
        }
    }
}

/// Words and identifiers of more bytes are blobs that nobody types, and are left out.
const LONGEST: usize = 128;
/// Signs in a row beyond this are ornament.
const MOST_SIGNS: usize = 6;

impl Words {
    /// Takes what follows for texts of a language; English before that.
    pub fn speak(&mut self, language: Language) {
        let known = self.stems.iter().position(|it| it.language == language);
        let at = known.unwrap_or_else(|| {
            self.stems.push(Stems::new(language));
            self.stems.len() - 1
        });
        self.stems.swap(0, at);
    }

    /// The language at hand.
    pub(crate) fn language(&self) -> Language {
        self.stems[0].language
    }

    /// Gives each token of a text in order.
    pub fn each(&mut self, text: &str, give: impl FnMut(Token<'_>)) {
        self.each_like(text, |_| true, give);
    }

    /// As [`Words::each`], but for the words that nobody wants as they are written.
    pub(crate) fn each_like(
        &mut self,
        text: &str,
        wanted: impl Fn(&str) -> bool,
        mut give: impl FnMut(Token<'_>),
    ) {
        let mut at = 0;
        while let Some((class, length)) = class_of(text, at) {
            let end = match class {
                Class::Space => at + length,
                Class::Word | Class::Underscore => {
                    let chunk = chunk_end(text, at);
                    let end = chunk.end + signs_of_a_name(&text[chunk.end..]);
                    if end > chunk.end && end - at <= LONGEST {
                        self.whole(text, at..end, &mut give);
                    }
                    if chunk.plain {
                        self.plain(text, at..chunk.end, &wanted, &mut give);
                    } else {
                        self.chunk(text, at..chunk.end, chunk.ascii, &wanted, &mut give);
                    }
                    end
                }
                Class::Sign => {
                    let end = signs_end(text, at);
                    give_signs(text, at..end, &mut give);
                    end
                }
            };
            at = end;
        }
    }

    /// An identifier: letters, digits and `_`, with `.` or `::` between them.
    fn chunk(
        &mut self,
        text: &str,
        chunk: Range<usize>,
        ascii: bool,
        wanted: &impl Fn(&str) -> bool,
        give: &mut impl FnMut(Token<'_>),
    ) {
        let words = || Pieces::new(text, chunk.clone(), ascii);
        let Some(first) = words().next() else {
            return give_signs(text, chunk, give);
        };
        if first != chunk && chunk.len() <= LONGEST {
            self.whole(text, chunk.clone(), give);
        }
        for word in words() {
            if !ascii && text[word.clone()].starts_with(is_spaceless) {
                self.grams(text, word, give);
            } else {
                self.plain(text, word, wanted, give);
            }
        }
    }

    /// An identifier as one term.
    fn whole(&mut self, text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        spelling::fold(&text[range.clone()], &mut self.folded);
        give(Token {
            kind: Kind::Whole,
            term: &self.folded,
            range,
        });
    }

    /// A word of a script with spaces.
    fn plain(
        &mut self,
        text: &str,
        range: Range<usize>,
        wanted: &impl Fn(&str) -> bool,
        give: &mut impl FnMut(Token<'_>),
    ) {
        let word = &text[range.clone()];
        let is_rest = || is_contraction(word) && follows_apostrophe(text, range.start);
        if word.len() > LONGEST || !wanted(word) || is_rest() {
            return;
        }
        let known = self.stems[0].of(word);
        let term = known.term();
        if !term.is_empty() {
            let kind = if known.stop() { Kind::Stop } else { Kind::Word };
            let range = range.clone();
            give(Token { kind, term, range });
        }
        if known.humped() {
            let ends = humps(word).chain([word.len()]);
            let mut start = 0;
            for end in ends {
                self.part(&word[start..end], range.start + start, give);
                start = end;
            }
        }
    }

    /// A hump is no word of its own: one that says little is left out.
    fn part(&mut self, hump: &str, start: usize, give: &mut impl FnMut(Token<'_>)) {
        let known = self.stems[0].of(hump);
        let term = known.term();
        if !known.stop() && !term.is_empty() {
            give(Token {
                kind: Kind::Part,
                term,
                range: start..start + hump.len(),
            });
        }
    }

    fn grams(&mut self, text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        let mut previous: Option<Range<usize>> = None;
        let run = &text[range.clone()];
        let alone = run.chars().nth(1).is_none();
        for (offset, c) in run.char_indices() {
            let start = range.start + offset;
            let here = start..start + c.len_utf8();
            let mut one = |kind, range: Range<usize>| {
                spelling::fold(&text[range.clone()], &mut self.folded);
                give(Token {
                    kind,
                    term: &self.folded,
                    range,
                });
            };
            if alone {
                return one(Kind::Word, here);
            }
            if let Some(before) = previous {
                one(Kind::Word, before.start..here.end);
            }
            one(Kind::Single, here.clone());
            previous = Some(here);
        }
    }
}

fn follows_apostrophe(text: &str, at: usize) -> bool {
    text[..at].ends_with(['\'', '’'])
}

fn give_signs(text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
    let signs = &text[range.clone()];
    if signs.len() <= MOST_SIGNS {
        give(Token {
            kind: Kind::Signs,
            term: signs,
            range,
        });
    }
}
