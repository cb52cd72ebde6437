//! The terms of a query.

use std::cell::RefCell;

use crate::corrections::{QueryWord, query_words};
use crate::meaning::Place;
use crate::operators::parse_query;
use crate::terms::titles::PHRASE;
use crate::tokenizer::{Language, TokenKind, Tokenizer, name};

use super::Field;

/// Maximum number of words of a query; the rest of a pasted text is ignored.
const MAX_WORDS: usize = 32;
/// Minimum number of words of a question, stop words included.
const MIN_QUESTION: usize = 5;

thread_local! {
    /// Reused by the queries of a thread, since it caches stems.
    static TOKENIZER: RefCell<Tokenizer> = RefCell::default();
}

/// The terms of a query in the languages of the pages. No list holds a term twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueryTerms {
    /// Words, for sections, addresses and anchor text.
    pub(crate) words: Vec<String>,
    /// Words and identifiers, for the body.
    pub(crate) body: Vec<String>,
    /// Pairs of neighbouring words, for the body.
    pub(crate) pairs: Vec<[String; 2]>,
    /// Stop words and signs; empty unless the query holds nothing else.
    pub(crate) common: Vec<String>,
    /// The whole query as a name.
    pub(crate) name: Option<String>,
    /// Whether the query is a question in any of the languages: a sentence, with words that say
    /// nothing of its subject.
    pub(crate) question: bool,
    /// Places of the vectors of the English words.
    pub(crate) places: Vec<Place>,
    /// Words of digits alone, if the query has other words and is no question.
    pub(crate) numbers: Vec<String>,
    /// All words as a phrase, if they are as few as in the phrases of a title.
    pub(crate) title_phrases: Vec<String>,
    /// Quoted phrases.
    pub(crate) phrases: Vec<Ways>,
    /// Phrases after a minus.
    pub(crate) unwanted: Vec<Ways>,
    /// Words that may be misspelt.
    pub(crate) query_words: Vec<QueryWord>,
    /// Maximum number of different words that a text can hold.
    pub(crate) distinct: usize,
}

/// The stems of a phrase, once for each language that stems it differently. A match of any of them
/// is a match of the phrase.
pub type Ways = Vec<Vec<String>>;

impl QueryTerms {
    /// Returns the terms of a query for pages in some languages, by default English. Any text is a
    /// valid query. Phrases ignore stop words.
    pub(crate) fn of(text: &str, languages: &[Language]) -> Self {
        TOKENIZER.with_borrow_mut(|tokenizer| Self::by(tokenizer, text, languages))
    }

    fn by(tokenizer: &mut Tokenizer, text: &str, languages: &[Language]) -> Self {
        let parsed = parse_query(text);
        let mut terms = QueryTerms {
            name: name(&parsed.wanted),
            phrases: parsed.quoted.iter().map(|_| Ways::new()).collect(),
            unwanted: parsed.unwanted.iter().map(|_| Ways::new()).collect(),
            ..QueryTerms::default()
        };
        let english = [Language::ENGLISH];
        let languages = if languages.is_empty() {
            &english
        } else {
            languages
        };
        for language in languages {
            tokenizer.set_language(*language);
            terms.add(QueryTerms::in_language(&parsed.wanted, tokenizer));
            let quoted = terms.phrases.iter_mut().zip(&parsed.quoted);
            let unwanted = terms.unwanted.iter_mut().zip(&parsed.unwanted);
            for (ways, part) in quoted.chain(unwanted) {
                add_way(ways, part, tokenizer);
            }
            query_words(text, &parsed, tokenizer, &mut terms.query_words);
        }
        terms.phrases.retain(|ways| !ways.is_empty());
        terms.unwanted.retain(|ways| !ways.is_empty());
        terms.query_words.truncate(MAX_WORDS);
        if terms.question {
            terms.numbers.clear();
        }
        terms
    }

    /// Returns the terms that are looked for in a field.
    pub(crate) fn of_field(&self, field: Field) -> &[String] {
        match field {
            Field::Body => &self.body,
            Field::AnchorText | Field::Address | Field::Sections => &self.words,
            Field::Common => &self.common,
        }
    }

    /// Returns the terms in the tokenizer's language.
    fn in_language(wanted: &str, tokenizer: &mut Tokenizer) -> Self {
        let mut terms = QueryTerms::read(wanted, tokenizer, true);
        if terms.words.is_empty() {
            terms = QueryTerms::read(wanted, tokenizer, false);
        }
        if !terms.words.is_empty() {
            terms.common.clear();
        }
        terms.distinct = terms.words.len().max(terms.common.len());
        terms.question &= !terms.words.is_empty();
        if terms.words.len() > 1 {
            let numbers = terms.words.iter().filter(|word| is_number(word));
            terms.numbers = numbers.cloned().collect();
        }
        // An identifier is a name, and its parts are no phrase.
        let is_phrase = wanted.trim().contains(char::is_whitespace);
        if is_phrase && PHRASE.contains(&terms.words.len()) {
            terms.title_phrases = vec![terms.words.join(" ")];
        }
        terms
    }

    /// Adds the terms of another language.
    fn add(&mut self, other: QueryTerms) {
        for (list, others) in [
            (&mut self.words, other.words),
            (&mut self.body, other.body),
            (&mut self.common, other.common),
            (&mut self.numbers, other.numbers),
            (&mut self.title_phrases, other.title_phrases),
        ] {
            others.iter().for_each(|term| add(list, term));
        }
        for pair in other.pairs {
            if !self.pairs.contains(&pair) {
                self.pairs.push(pair);
            }
        }
        self.distinct = self.distinct.max(other.distinct);
        self.question |= other.question;
        self.places.extend(other.places);
    }

    fn read(text: &str, tokenizer: &mut Tokenizer, drop_question_words: bool) -> Self {
        let mut terms = QueryTerms::default();
        let language = tokenizer.language();
        let mut previous: Option<String> = None;
        let (mut said, mut asks) = (0, false);
        tokenizer.tokenize(text, |token| {
            let term = token.term;
            let full = terms.words.len() >= MAX_WORDS || terms.common.len() >= MAX_WORDS;
            let asking = token.kind == TokenKind::Word
                && language.asks(&text[token.range.clone()].to_lowercase());
            said += usize::from(matches!(token.kind, TokenKind::Word | TokenKind::Stop));
            asks |= asking || token.kind == TokenKind::Stop;
            if full || (asking && drop_question_words) {
                return;
            }
            match token.kind {
                TokenKind::Word => {
                    if !terms.words.iter().any(|known| known == term) {
                        terms.places.push(token.place);
                    }
                    add(&mut terms.words, term);
                    add(&mut terms.body, term);
                    if let Some(previous) = previous.replace(term.to_owned()) {
                        let pair = [previous, term.to_owned()];
                        // `line by line` is not about the words `line line`; 3.3.3 is a version.
                        let repeated = pair[0] == pair[1] && !is_number(term);
                        if !repeated && !terms.pairs.contains(&pair) {
                            terms.pairs.push(pair);
                        }
                    }
                }
                TokenKind::Whole | TokenKind::Part => add(&mut terms.body, term),
                TokenKind::Stop | TokenKind::Signs => add(&mut terms.common, term),
                TokenKind::Single => {}
            }
        });
        terms.question = asks && said >= MIN_QUESTION;
        terms
    }
}

/// Adds the words of a text as a phrase, if it has any.
fn add_way(ways: &mut Ways, text: &str, tokenizer: &mut Tokenizer) {
    let mut way = Vec::new();
    tokenizer.tokenize(text, |token| {
        if token.kind == TokenKind::Word {
            way.push(token.term.to_owned());
        }
    });
    if !way.is_empty() && !ways.contains(&way) {
        ways.push(way);
    }
}

/// Returns whether a word is a number: ASCII digits alone.
pub fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

fn add(list: &mut Vec<String>, term: &str) {
    if !list.iter().any(|known| known == term) {
        list.push(term.to_owned());
    }
}
