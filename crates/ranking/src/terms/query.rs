//! What a query looks for in each field of an index.

use crate::operators::written;
use crate::typos::{Typed, typed};
use crate::words::{Kind, Language, Token, Words, name};

/// Words of a query beyond these are ignored: what is longer is a pasted text.
const MOST_WORDS: usize = 32;

/// What a query looks for, in each language of the pages. Each list holds a term once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryTerms {
    /// In sections and in [`PageTerms::address`](super::PageTerms::address).
    pub words: Vec<String>,
    /// In the body: [`PageTerms::title`](super::PageTerms::title),
    /// [`PageTerms::text`](super::PageTerms::text),
    /// [`PageTerms::identifiers`](super::PageTerms::identifiers) and
    /// [`SectionTerms::marks`](super::SectionTerms::marks).
    pub body: Vec<String>,
    /// Neighbours in [`PageTerms::title`](super::PageTerms::title) or
    /// [`PageTerms::text`](super::PageTerms::text).
    pub pairs: Vec<[String; 2]>,
    /// In [`PageTerms::common`](super::PageTerms::common); empty unless the query holds stop words
    /// and signs alone.
    pub common: Vec<String>,
    /// The whole query, to be equal to a name.
    pub name: Option<String>,
    /// Words that the body of every page has to hold side by side, in one of some ways.
    pub phrases: Vec<Ways>,
    /// Words that no page may hold so, in none of some ways.
    pub without: Vec<Ways>,
    /// Words that may be misspelt.
    pub typed: Vec<Typed>,
    /// How many different words a text can hold at the most.
    pub(crate) distinct: usize,
}

/// Words in their order, in the stems of each language of the pages.
pub type Ways = Vec<Vec<String>>;

impl QueryTerms {
    /// What a query asks for of pages in some languages. Any text is a query; what stands in
    /// quotation marks has to be there as it stands, what follows a minus must not. Stop words
    /// between words are no matter.
    pub fn of(text: &str, languages: &[Language], words: &mut Words) -> Self {
        let written = written(text);
        let mut terms = QueryTerms {
            name: name(&written.wanted),
            phrases: written.quoted.iter().map(|_| Ways::new()).collect(),
            without: written.unwanted.iter().map(|_| Ways::new()).collect(),
            ..QueryTerms::default()
        };
        let english = [Language::ENGLISH];
        let languages = if languages.is_empty() {
            &english
        } else {
            languages
        };
        for language in languages {
            words.speak(*language);
            terms.add(QueryTerms::in_language(&written.wanted, words));
            let quoted = terms.phrases.iter_mut().zip(&written.quoted);
            let unwanted = terms.without.iter_mut().zip(&written.unwanted);
            for (ways, part) in quoted.chain(unwanted) {
                add_way(ways, part, words);
            }
            typed(text, &written, words, &mut terms.typed);
        }
        terms.phrases.retain(|ways| !ways.is_empty());
        terms.without.retain(|ways| !ways.is_empty());
        terms.typed.truncate(MOST_WORDS);
        terms
    }

    /// In the language at hand.
    fn in_language(wanted: &str, words: &mut Words) -> Self {
        let mut terms = QueryTerms::read(wanted, words, true);
        if terms.words.is_empty() {
            terms = QueryTerms::read(wanted, words, false);
        }
        if !terms.words.is_empty() {
            terms.common.clear();
        }
        terms.distinct = terms.words.len().max(terms.common.len());
        terms
    }

    /// Adds what another language asks for.
    fn add(&mut self, other: QueryTerms) {
        for (list, others) in [
            (&mut self.words, other.words),
            (&mut self.body, other.body),
            (&mut self.common, other.common),
        ] {
            others.iter().for_each(|term| add(list, term));
        }
        for pair in other.pairs {
            if !self.pairs.contains(&pair) {
                self.pairs.push(pair);
            }
        }
        self.distinct = self.distinct.max(other.distinct);
    }

    fn read(text: &str, words: &mut Words, drop_question_words: bool) -> Self {
        let mut terms = QueryTerms::default();
        let language = words.language();
        let mut previous: Option<String> = None;
        words.each(text, |token| {
            let term = token.term;
            let full = terms.words.len() >= MOST_WORDS || terms.common.len() >= MOST_WORDS;
            let asking = drop_question_words
                && token.kind == Kind::Word
                && language.asks(&text[token.range.clone()].to_lowercase());
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

    /// The word of which more may follow.
    pub fn begun(&self) -> Option<&Typed> {
        self.typed.iter().find(|typed| typed.begun)
    }

    /// What the words of a text begin with that may be terms of the query.
    pub(crate) fn initials(&self) -> Initials {
        let mut initials = Initials([false; 128]);
        for term in self.words.iter().chain(&self.common) {
            let first = term.bytes().next().map(usize::from);
            if let Some(initial) = first.and_then(|first| initials.0.get_mut(first)) {
                *initial = true;
            }
        }
        initials
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

/// Beginnings of words, of those in ASCII: a stem begins as its word does.
pub(crate) struct Initials([bool; 128]);

impl Initials {
    /// Whether a word, or one of its humps, may begin so. Sooner said than its stem is known.
    pub(crate) fn may_begin(&self, word: &str) -> bool {
        let Some((first, rest)) = word.as_bytes().split_first() else {
            return false;
        };
        let initial = self.0.get(usize::from(first.to_ascii_lowercase()));
        initial.is_none_or(|initial| *initial)
            || rest
                .iter()
                .any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii())
    }
}

/// Adds the words of a text, where it holds any.
fn add_way(ways: &mut Ways, text: &str, words: &mut Words) {
    let mut way = Vec::new();
    words.each(text, |token| {
        if token.kind == Kind::Word {
            way.push(token.term.to_owned());
        }
    });
    if !way.is_empty() && !ways.contains(&way) {
        ways.push(way);
    }
}

fn add(list: &mut Vec<String>, term: &str) {
    if !list.iter().any(|known| known == term) {
        list.push(term.to_owned());
    }
}
