//! A compiled search: a plain value with the whole meaning of a query, which every index runs.

mod marked;
mod terms;
mod weights;

use std::ops::Range;

use crate::corrections::QueryWord;
use crate::meaning::{COMPARED, Meaning, Sum, closeness};
use crate::query::Query;
use crate::terms::titles;
use crate::tokenizer::Language;

pub(crate) use marked::Marked;
pub(crate) use terms::QueryTerms;
pub use terms::{Ways, is_number};
pub use weights::{Bm25Params, Field, Saturation};

/// The terms that an index looks for, and the weight of each match. A page matches if any clause,
/// pair or name does. Its score is the sum of the matches, of its titles and of its links, times
/// [`Plan::list_factor`] for a list of links, and for a question its closeness.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The query that was compiled.
    pub query: Query,
    /// Clauses by field, none of which is empty.
    pub clauses: Vec<Clause>,
    /// Pairs of neighbouring words in the body, weighed with the body's BM25 parameters for early
    /// saturation.
    pub pairs: Vec<[String; 2]>,
    /// Weight of a pair.
    pub pair_weight: f32,
    /// The whole query as a name. Pages and sections that bear it match.
    pub name: Option<String>,
    /// Score of a page that bears the name, or has a section that does.
    pub name_weight: f32,
    /// The entry of pages that are called by the name ([`crate::terms::PageTerms::titles`]).
    pub own_name: Option<String>,
    /// Weight of the links to a page that is called by the name, in addition to
    /// [`Plan::link_weight`]: of several, the one that others link to is meant.
    pub own_name_weight: f32,
    /// The entries of pages whose title holds the words of the query as a phrase, one for each language
    /// that stems them differently.
    pub title_phrases: Vec<String>,
    /// Score of such a page.
    pub title_phrase_weight: f32,
    /// Words of digits alone that stand between other words. They are among the terms of the body, too.
    pub numbers: Vec<String>,
    /// Weight of a number, which is multiplied by its inverse document frequency in the body.
    pub number_weight: f32,
    /// Weight of the links from other pages: a page with link score s gets s / (s + 1) of it. It is
    /// no match by itself.
    pub link_weight: f32,
    /// Factor on the score of a page that is little more than its links.
    pub list_factor: f32,
    /// The vector of a question. The first [`COMPARED`] pages get a score for the closeness of their
    /// sections ([`Plan::closeness`]) and are ordered again.
    pub meaning: Option<Meaning>,
    /// Phrases that the body of every result must hold.
    pub phrases: Vec<Ways>,
    /// Phrases that the body of no result may hold.
    pub unwanted: Vec<Ways>,
    /// Conditions that every result must meet.
    pub filters: Vec<Filter>,
    /// Ranks of the wanted results.
    pub window: Range<usize>,
    /// Words that are checked for spelling.
    pub query_words: Vec<QueryWord>,
    /// Maximum number of different words of the query that a text can hold.
    pub(crate) distinct: usize,
}

/// The terms of one field, any of which may match.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The field.
    pub field: Field,
    /// The terms, without duplicates.
    pub terms: Vec<String>,
    /// Weight of a match.
    pub weight: f32,
    /// Saturation of repeated terms.
    pub saturation: Saturation,
}

impl Clause {
    /// Returns the BM25 parameters.
    pub fn bm25(&self) -> Bm25Params {
        self.field.bm25(self.saturation)
    }
}

/// A condition on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The page belongs to this site.
    Site(String),
    /// The language of the page, in lowercase, is this one or begins with it and a hyphen.
    Language(String),
    /// The path of the page's URL begins with this text.
    Path(String),
}

impl Plan {
    /// Compiles a query for an index with pages in the given languages.
    pub fn compile(query: &Query, languages: &[Language]) -> Self {
        let terms = QueryTerms::of(&query.text, languages);
        let (weighed, pair_weight) = match terms.question {
            true => (weights::QUESTION, weights::QUESTION_PAIR),
            false => (weights::WORDS, weights::PAIR),
        };
        let clauses = weighed.iter().map(|&(field, saturation, weight)| Clause {
            field,
            terms: terms.of_field(field).to_vec(),
            weight,
            saturation,
        });
        let clauses = clauses.filter(|clause| !clause.terms.is_empty());
        let own_name = terms.name.as_deref().map(titles::own_name);
        let title_phrases = terms
            .title_phrases
            .iter()
            .map(|words| titles::phrase(words));
        let language = query.language.as_ref();
        let filters = [
            query.site.clone().map(Filter::Site),
            language.map(|tag| Filter::Language(tag.to_ascii_lowercase())),
            query.path.clone().map(Filter::Path),
        ];
        Plan {
            clauses: clauses.collect(),
            pairs: terms.pairs,
            pair_weight,
            name: terms.name,
            name_weight: weights::NAME,
            own_name,
            own_name_weight: weights::OWN_NAME,
            title_phrases: title_phrases.collect(),
            title_phrase_weight: weights::TITLE_PHRASE,
            numbers: terms.numbers,
            number_weight: weights::NUMBER,
            link_weight: weights::LINKS,
            list_factor: weights::LIST,
            meaning: terms.question.then(|| Sum::of(terms.places).meaning()),
            phrases: terms.phrases,
            unwanted: terms.unwanted,
            filters: filters.into_iter().flatten().collect(),
            window: query.offset..query.offset + query.limit,
            query_words: terms.query_words,
            distinct: terms.distinct,
            query: query.clone(),
        }
    }

    /// Returns the ranks of the pages that an index has to find for the window. Pages after the first
    /// [`COMPARED`] keep their ranks.
    pub fn candidates(&self) -> Range<usize> {
        match self.compares() {
            true => 0..self.window.end.max(COMPARED),
            false => self.window.clone(),
        }
    }

    /// Returns whether the pages of the window are ordered again.
    pub fn compares(&self) -> bool {
        self.meaning.is_some() && self.window.start < COMPARED && !self.window.is_empty()
    }

    /// Returns the score of a page, among the first [`COMPARED`], for its closeness to a question, given
    /// the vectors of its sections.
    pub fn closeness(&self, sections: impl Iterator<Item = Meaning>) -> f32 {
        let question = self.meaning.as_ref();
        question.map_or(0.0, |question| {
            weights::CLOSENESS * closeness(question, sections)
        })
    }

    /// Returns the pages of the window, given the [candidates](Plan::candidates) with their final
    /// scores.
    pub fn in_window<T>(&self, mut pages: Vec<T>, score: impl Fn(&T) -> f32) -> Vec<T> {
        if !self.compares() {
            return pages;
        }
        pages.sort_by(|a, b| score(b).total_cmp(&score(a)));
        let end = self.window.end.min(pages.len());
        pages.drain(self.window.start.min(end)..end).collect()
    }

    /// Returns the terms that are looked for in a field.
    pub fn terms(&self, field: Field) -> &[String] {
        let clause = self.clauses.iter().find(|clause| clause.field == field);
        clause.map_or(&[], |clause| &clause.terms)
    }
}
