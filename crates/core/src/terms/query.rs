//! What a query looks for in each field of an index.

use crate::operators::written;
use crate::typos::{Typed, typed};
use crate::words::{Kind, Token, Words, is_question_word, name};

/// Words of a query beyond these are ignored: what is longer is a pasted text.
const MOST_WORDS: usize = 32;

/// What a query looks for. Each list holds a term once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryTerms {
    /// In sections and in [`PageTerms::address`](super::PageTerms::address).
    pub words: Vec<String>,
    /// In the body: [`PageTerms::title`](super::PageTerms::title), [`PageTerms::text`](super::PageTerms::text), [`PageTerms::identifiers`](super::PageTerms::identifiers) and
    /// [`SectionTerms::marks`](super::SectionTerms::marks).
    pub body: Vec<String>,
    /// Neighbours in [`PageTerms::title`](super::PageTerms::title) or [`PageTerms::text`](super::PageTerms::text).
    pub pairs: Vec<[String; 2]>,
    /// In [`PageTerms::common`](super::PageTerms::common); empty unless the query holds stop words and signs alone.
    pub common: Vec<String>,
    /// The whole query, to be equal to a name.
    pub name: Option<String>,
    /// Words that the body of every page has to hold side by side, each list in its order.
    pub phrases: Vec<Vec<String>>,
    /// Words that no page may hold so.
    pub without: Vec<Vec<String>>,
    /// Words that may be misspelt.
    pub typed: Vec<Typed>,
}

impl QueryTerms {
    /// What a query asks for. Any text is a query; what stands in quotation marks has to be there
    /// as it stands, what follows a minus must not. Stop words between words are no matter.
    pub fn of(text: &str, words: &mut Words) -> Self {
        let written = written(text);
        let wanted = &written.wanted;
        let mut terms = QueryTerms::read(wanted, words, true);
        if terms.words.is_empty() {
            terms = QueryTerms::read(wanted, words, false);
        }
        if !terms.words.is_empty() {
            terms.common.clear();
        }
        terms.name = name(wanted);
        terms.phrases = sequences(&written.quoted, words);
        terms.without = sequences(&written.unwanted, words);
        terms.typed = typed(text, &written, words);
        terms.typed.truncate(MOST_WORDS);
        terms
    }

    fn read(text: &str, words: &mut Words, drop_question_words: bool) -> Self {
        let mut terms = QueryTerms::default();
        let mut previous: Option<String> = None;
        words.each(text, |token| {
            let term = token.term;
            let full = terms.words.len() >= MOST_WORDS || terms.common.len() >= MOST_WORDS;
            let asking = drop_question_words
                && token.kind == Kind::Word
                && is_question_word(&text[token.range.clone()].to_lowercase());
            if full || asking {
                return;
            }
            match token.kind {
                Kind::Word => {
                    add(&mut terms.words, term);
                    add(&mut terms.body, term);
                    if let Some(previous) = previous.replace(term.to_owned()) {
                        let pair = [previous, term.to_owned()];
                        if !terms.pairs.contains(&pair) {
                            terms.pairs.push(pair);
                        }
                    }
                }
                Kind::Whole | Kind::Part => add(&mut terms.body, term),
                Kind::Stop | Kind::Signs => add(&mut terms.common, term),
                Kind::Single => {}
            }
        });
        terms
    }

    /// How many different words a text can hold at the most.
    pub(crate) fn distinct(&self) -> usize {
        self.words.len().max(self.common.len())
    }

    /// Which of the query's terms a token of a text is: the same number
    /// for every token of a term, and a small one.
    pub(crate) fn place_of(&self, token: &Token<'_>) -> Option<usize> {
        let (among, before) = match token.kind {
            Kind::Word | Kind::Part | Kind::Single => (&self.words, 0),
            Kind::Stop | Kind::Signs => (&self.common, 0),
            Kind::Whole => (&self.body, self.words.len()),
        };
        let place = among.iter().position(|term| term == token.term)?;
        Some(before + place)
    }
}

/// The words of each of some texts, of those that hold any.
fn sequences(texts: &[&str], words: &mut Words) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for text in texts {
        let mut sequence = Vec::new();
        words.each(text, |token| {
            if token.kind == Kind::Word {
                sequence.push(token.term.to_owned());
            }
        });
        if !sequence.is_empty() {
            all.push(sequence);
        }
    }
    all
}

fn add(list: &mut Vec<String>, term: &str) {
    if !list.iter().any(|known| known == term) {
        list.push(term.to_owned());
    }
}
