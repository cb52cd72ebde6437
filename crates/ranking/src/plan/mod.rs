//! A compiled search: a plain value with the whole meaning of a query, which every index runs.

mod marked;
mod terms;
mod weights;

use std::ops::Range;

use crate::corrections::QueryWord;
use crate::query::Query;
use crate::terms::titles;
use crate::tokenizer::Language;

pub(crate) use marked::Marked;
pub(crate) use terms::QueryTerms;
pub use terms::Ways;
pub use weights::{Bm25Params, Field, Saturation};

/// The terms that an index looks for, and the weight of each match. A page matches if any clause,
/// pair or name does. Its score is the sum of the matches and of its links, times
/// [`Plan::list_factor`] for a list of links.
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
    /// Titles that are looked for ([`crate::terms::PageTerms::titles`]), each with the score of a page
    /// that has it. Such a page matches by its name or by its words.
    pub titles: Vec<(String, f32)>,
    /// Words of digits alone that stand between other words. The body of a page that holds one is a
    /// match.
    pub numbers: Vec<String>,
    /// Weight of a number, which is multiplied by its inverse document frequency in the body.
    pub number_weight: f32,
    /// Weight of the links from other pages: a page with link score s gets s / (s + 1) of it. It is
    /// no match by itself.
    pub link_weight: f32,
    /// Factor on the score of a page that is little more than its links.
    pub list_factor: f32,
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
        let name = terms.name.iter();
        let name = name.map(|name| (titles::own_name(name), weights::TITLE));
        let phrases = terms.title_phrases.iter();
        let phrases = phrases.map(|phrase| (titles::phrase(phrase), weights::TITLE_PHRASE));
        let titles = name.chain(phrases).collect();
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
            titles,
            numbers: terms.numbers,
            number_weight: weights::NUMBER,
            link_weight: weights::LINKS,
            list_factor: weights::LIST,
            phrases: terms.phrases,
            unwanted: terms.unwanted,
            filters: filters.into_iter().flatten().collect(),
            window: query.offset..query.offset + query.limit,
            query_words: terms.query_words,
            distinct: terms.distinct,
            query: query.clone(),
        }
    }

    /// Returns the terms that are looked for in a field.
    pub fn terms(&self, field: Field) -> &[String] {
        let clause = self.clauses.iter().find(|clause| clause.field == field);
        clause.map_or(&[], |clause| &clause.terms)
    }
}
