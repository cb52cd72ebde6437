//! Searches an index through its port, [`SearchIndex`].

use std::future::Future;

use canter_core::failure::Failure;

use crate::completion::{Completion, Named, Prefix};
use crate::corrections::{Missing, corrected};
use crate::plan::{Plan, QueryTerms};
use crate::query::{Hits, Query};
use crate::tokenizer::Language;

/// Minimum length of a word that is left uncompleted if pages hold it, in characters.
const WHOLE_WORD: usize = 3;

/// An index that can be searched.
pub trait SearchIndex: Send + Sync {
    /// Returns the languages of the index's pages. A page without a language counts as English.
    fn languages(&self) -> impl Future<Output = Result<Vec<Language>, Failure>> + Send;

    /// Runs a plan. Results are ordered by score, and ties by document id, so that pages of results
    /// are disjoint.
    fn run(&self, plan: &Plan) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Returns the best names with a prefix; see [`Named::best`].
    fn names(&self, prefix: Prefix) -> impl Future<Output = Result<Vec<Named>, Failure>> + Send;

    /// Returns the words of pages that start with a prefix and their numbers of pages, largest
    /// number first. The words are spelled as in
    /// [`QueryWord::word`](crate::corrections::QueryWord::word). A large index may estimate the
    /// numbers.
    fn words(
        &self,
        prefix: String,
    ) -> impl Future<Output = Result<Vec<(String, u64)>, Failure>> + Send;
}

/// The answer of an index to a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The results. [`Hits::meant`] is none.
    pub hits: Hits,
    /// The words of [`Plan::query_words`] that no page holds, regardless of the filters.
    pub missing: Vec<Missing>,
}

/// Searches for a query. If it has misspelt words, the results are those of the corrected query,
/// [`Hits::meant`].
///
/// # Errors
///
/// Returns the errors of the index.
pub async fn search<I: SearchIndex>(index: &I, query: &Query) -> Result<Hits, Failure> {
    let languages = languages(index, query).await?;
    let hits = as_written(index, query, &languages).await?;
    let Some(text) = hits.meant else {
        return Ok(hits);
    };
    let meant = Some(text.clone());
    let query = Query {
        text,
        ..query.clone()
    };
    let plan = Plan {
        // A corrected query is not corrected again.
        query_words: Vec::new(),
        ..Plan::compile(&query, &languages)
    };
    let Answer { hits, .. } = index.run(&plan).await?;
    Ok(Hits { meant, ..hits })
}

/// Searches for a query as it is written. [`Hits::meant`] is the corrected query, if there is one.
///
/// # Errors
///
/// Returns the errors of the index.
pub async fn search_as_written<I: SearchIndex>(index: &I, query: &Query) -> Result<Hits, Failure> {
    let languages = languages(index, query).await?;
    as_written(index, query, &languages).await
}

/// Returns the languages in which a query is stemmed.
async fn languages<I: SearchIndex>(index: &I, query: &Query) -> Result<Vec<Language>, Failure> {
    match &query.language {
        Some(tag) => Ok(vec![Language::of_tag(Some(tag))]),
        None => index.languages().await,
    }
}

async fn as_written<I: SearchIndex>(
    index: &I,
    query: &Query,
    languages: &[Language],
) -> Result<Hits, Failure> {
    let plan = Plan::compile(query, languages);
    let Answer { hits, missing } = index.run(&plan).await?;
    let is_missing = |word: &str| missing.iter().any(|missing| missing.word == word);
    let begun = plan.query_words.iter().find(|word| word.begun);
    let longer = match begun.filter(|begun| is_missing(&begun.word)) {
        Some(begun) => index.words(begun.word.clone()).await?,
        None => Vec::new(),
    };
    Ok(Hits {
        meant: corrected(&query.text, &plan.query_words, &missing, &longer),
        ..hits
    })
}

/// Completes an unfinished query with names that begin like it, best first.
///
/// # Errors
///
/// Returns the errors of the index.
pub async fn names<I: SearchIndex>(
    index: &I,
    text: &str,
    site: Option<String>,
    limit: usize,
) -> Result<Vec<Completion>, Failure> {
    let Some(prefix) = Prefix::of(text, site, limit) else {
        return Ok(Vec::new());
    };
    let names = index.names(prefix).await?.into_iter();
    let names = names.map(|named| Completion {
        text: named.text,
        url: Some(named.url),
    });
    Ok(names.collect())
}

/// Completes an unfinished query, best completions first: with names, then with words in place of
/// its last word. Words are left out if the last word is complete, or if the query is the beginning
/// of a single name.
///
/// # Errors
///
/// Returns the errors of the index.
pub async fn completions<I: SearchIndex>(
    index: &I,
    text: &str,
    site: Option<String>,
    limit: usize,
) -> Result<Vec<Completion>, Failure> {
    let mut all = names(index, text, site, limit).await?;
    let a_name = !all.is_empty() && !text.trim().contains(char::is_whitespace);
    let terms = QueryTerms::of(text, &[]);
    let begun = terms.query_words.iter().find(|word| word.begun);
    let Some(last) = begun.filter(|_| !a_name && all.len() < limit) else {
        return Ok(all);
    };
    let words = index.words(last.word.clone()).await?;
    let is_word = words.iter().any(|(word, _)| *word == last.word);
    if is_word && last.word.chars().count() >= WHOLE_WORD {
        return Ok(all);
    }
    for (word, _) in words {
        let text = last.replaced(text, &word);
        let same = |other: &Completion| other.text.to_lowercase() == text.to_lowercase();
        if word != last.word && all.len() < limit && !all.iter().any(same) {
            all.push(Completion { text, url: None });
        }
    }
    Ok(all)
}
