//! The tokenizer splits the texts of pages and queries into tokens in the same way.
//!
//! Every index stores the terms that this module makes, so a query means the same in all of them
//! and no index analyses text itself. The tokenizer splits at every character that is neither a
//! letter nor a digit, folds case, accents, widths and marks that nobody types, and stems words by Snowball's rules for
//! their language. It yields identifiers (`asyncio.gather`, `create_task`, `assertEqual`) whole and
//! in parts, and splits scripts without spaces (Chinese, Japanese, Korean, Thai, …) into pairs of
//! characters.

mod language;
mod pieces;
mod spelling;
mod stems;
mod stop_words;

use std::ops::Range;

pub use language::Language;
pub use spelling::name;
pub(crate) use spelling::spelled;

use pieces::{
    Class, MAX_WORD, Pieces, camel_case_boundaries, chunk_end, class_of, is_contraction,
    is_invisible, is_spaceless, signs_end, signs_of_a_name,
};
use stems::StemCache;

use crate::meaning::Place;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A stemmed word. In a script without spaces: two neighbouring characters, or a lone one.
    Word,
    /// A word that says little about a text (`the`). It is not stemmed.
    Stop,
    /// A whole identifier that has several words or ends in signs (`os.path`, `C++`). Its words
    /// follow.
    Whole,
    /// A stemmed part of a camelCase word. The whole word precedes it.
    Part,
    /// A single character of a run in a script without spaces, so that a query of one character
    /// finds it.
    Single,
    /// A run of signs, which are neither letters, digits nor white space (`+=`).
    Signs,
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// Kind of the token.
    pub kind: TokenKind,
    /// Term in the index, which holds no white space.
    pub term: &'a str,
    /// Position in the text, in bytes.
    pub range: Range<usize>,
    /// Place of the vector of an English word.
    pub place: Place,
    /// Whether the spelling of a word is the first of its kind on the page; see
    /// [`Tokenizer::tokenize_page`].
    pub first: bool,
}

/// Splits texts into tokens. It caches stems, so reuse one for many texts.
pub struct Tokenizer {
    /// Stems of each language used so far, the current language first.
    stems: Vec<StemCache>,
    folded: String,
    /// Number of the page, from 1.
    page: u8,
    /// Whether the words of the current text are noted as met on the page.
    noting: bool,
}

impl Default for Tokenizer {
    fn default() -> Self {
        Tokenizer {
            stems: vec![StemCache::new(Language::ENGLISH)],
            folded: String::new(),
            page: 1,
            noting: false,
        }
    }
}

/// Maximum length of a run of signs, in bytes. A longer run is ornament.
const MAX_SIGNS: usize = 6;

impl Tokenizer {
    /// Sets the language of the texts that follow, which is English initially.
    pub fn set_language(&mut self, language: Language) {
        let at = self.stems.iter().position(|it| it.language == language);
        let at = at.unwrap_or_else(|| {
            self.stems.push(StemCache::new(language));
            self.stems.len() - 1
        });
        self.stems.swap(0, at);
    }

    /// Returns the current language.
    pub(crate) fn language(&self) -> Language {
        self.stems[0].language
    }

    /// Begins a page, on which no word was met yet.
    pub(crate) fn begin_page(&mut self) {
        self.page = self.page.wrapping_add(1);
        if self.page == 0 {
            self.stems.iter_mut().for_each(StemCache::forget_pages);
            self.page = 1;
        }
    }

    /// Like [`Tokenizer::tokenize`], and tells by [`Token::first`] which words are in no text of the page
    /// that was passed before. When the cache is full, it may tell so twice of one word.
    pub(crate) fn tokenize_page(&mut self, text: &str, give: impl FnMut(Token<'_>)) {
        self.noting = true;
        self.tokenize(text, give);
        self.noting = false;
    }

    /// Passes each token of a text to `give`, in order.
    pub fn tokenize(&mut self, text: &str, give: impl FnMut(Token<'_>)) {
        self.tokenize_filtered(text, |_| true, give);
    }

    /// Like [`Tokenizer::tokenize`], but skips words whose spelling `wanted` rejects.
    pub(crate) fn tokenize_filtered(
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
                    if end > chunk.end && end - at <= MAX_WORD {
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

    /// Passes on the tokens of an identifier: letters, digits and `_`, with `.` or `::` between
    /// them.
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
        if first != chunk && chunk.len() <= MAX_WORD {
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

    /// Passes on an identifier as one term.
    fn whole(&mut self, text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        spelling::fold(&text[range.clone()], &mut self.folded);
        give(Token {
            kind: TokenKind::Whole,
            term: &self.folded,
            range,
            place: Place::NONE,
            first: false,
        });
    }

    /// Passes on the tokens of a word in a script with spaces.
    fn plain(
        &mut self,
        text: &str,
        range: Range<usize>,
        wanted: &impl Fn(&str) -> bool,
        give: &mut impl FnMut(Token<'_>),
    ) {
        let word = &text[range.clone()];
        let is_rest = || is_contraction(word) && follows_apostrophe(text, range.start);
        if word.len() > MAX_WORD || !wanted(word) || is_rest() {
            return;
        }
        let stem = self.stems[0].of(word, self.noting.then_some(self.page));
        let term = stem.term();
        if !term.is_empty() {
            let kind = if stem.stop() {
                TokenKind::Stop
            } else {
                TokenKind::Word
            };
            give(Token {
                kind,
                term,
                range: range.clone(),
                place: stem.place(),
                first: self.noting && stem.met() != self.page,
            });
        }
        if stem.camel_case() {
            let ends = camel_case_boundaries(word).chain([word.len()]);
            let mut start = 0;
            for end in ends {
                self.part(&word[start..end], range.start + start, give);
                start = end;
            }
        }
    }

    /// Passes on a part of a camelCase word. Stop words are left out, since a part is not a
    /// separate word.
    fn part(&mut self, part: &str, start: usize, give: &mut impl FnMut(Token<'_>)) {
        let stem = self.stems[0].of(part, None);
        let term = stem.term();
        if !stem.stop() && !term.is_empty() {
            give(Token {
                kind: TokenKind::Part,
                term,
                range: start..start + part.len(),
                place: Place::NONE,
                first: false,
            });
        }
    }

    fn grams(&mut self, text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
        let mut previous: Option<Range<usize>> = None;
        let run = &text[range.clone()];
        let visible = || run.char_indices().filter(|(_, c)| !is_invisible(*c));
        let alone = visible().nth(1).is_none();
        for (offset, c) in visible() {
            let start = range.start + offset;
            let here = start..start + c.len_utf8();
            let mut one = |kind, range: Range<usize>| {
                spelling::fold(&text[range.clone()], &mut self.folded);
                give(Token {
                    kind,
                    term: &self.folded,
                    range,
                    place: Place::NONE,
                    first: false,
                });
            };
            if alone {
                return one(TokenKind::Word, here);
            }
            if let Some(before) = previous {
                one(TokenKind::Word, before.start..here.end);
            }
            one(TokenKind::Single, here.clone());
            previous = Some(here);
        }
    }
}

fn follows_apostrophe(text: &str, at: usize) -> bool {
    text[..at].ends_with(['\'', '’'])
}

fn give_signs(text: &str, range: Range<usize>, give: &mut impl FnMut(Token<'_>)) {
    let signs = &text[range.clone()];
    if signs.len() <= MAX_SIGNS {
        give(Token {
            kind: TokenKind::Signs,
            term: signs,
            range,
            place: Place::NONE,
            first: false,
        });
    }
}
