//! Judged queries, and scores of search results.
//!
//! A file has one JSON object per line: `query`, and `rel`, the relevant pages by path without the
//! leading slash, each with a grade of at least 1:
//!
//! ```json
//! {"query": "write-ahead log", "rel": {"wal.html": 2, "pragma.html": 1}}
//! ```

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// Number of results that are scored.
pub const DEPTH: usize = 10;

/// A query and its relevant pages.
#[derive(Debug, Clone, Deserialize)]
pub struct Judged {
    /// What a person types.
    pub query: String,
    /// Grades of pages by path; all others are irrelevant.
    pub rel: BTreeMap<String, u32>,
}

/// Scores of one query, or means over many; each from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    /// Reciprocal rank: 1 / rank of the first page with the best grade.
    pub mrr: f64,
    /// Normalized discounted cumulative gain: (2^grade - 1) / log2(rank + 1), relative to the best
    /// order.
    pub ndcg: f64,
    /// Share of the relevant pages among the results.
    pub recall: f64,
}

impl Judged {
    /// Parses a file. Leaves out queries without a relevant page.
    ///
    /// # Errors
    ///
    /// Fails at the first line that cannot be parsed, with its number and the reason.
    pub fn read(text: &str) -> Result<Vec<Judged>, String> {
        let mut all = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let judged: Judged = serde_json::from_str(line)
                .map_err(|error| format!("line {}: {error}", number + 1))?;
            if judged.rel.values().any(|grade| *grade > 0) {
                all.push(judged);
            }
        }
        Ok(all)
    }

    /// Scores the results of a search, best first. A repeated page keeps its rank and gains
    /// nothing.
    pub fn score(&self, pages: &[String]) -> Scores {
        let graded: BTreeMap<String, u32> = self
            .rel
            .iter()
            .filter(|(_, grade)| **grade > 0)
            .map(|(path, grade)| (plain(path), *grade))
            .collect();
        let best = graded.values().copied().max().unwrap_or_default();
        let gain = |grade: u32, place: usize| {
            (2_f64.powi(grade.try_into().unwrap_or(i32::MAX)) - 1.0) / (place as f64 + 1.0).log2()
        };
        let (mut scores, mut found) = (Scores::default(), HashSet::new());
        for (place, page) in (1..).zip(pages.iter().take(DEPTH)) {
            let page = plain(page);
            let Some(&grade) = graded.get(&page) else {
                continue;
            };
            if !found.insert(page) {
                continue;
            }
            if grade == best && scores.mrr == 0.0 {
                scores.mrr = 1.0 / place as f64;
            }
            scores.ndcg += gain(grade, place);
        }
        let mut grades: Vec<u32> = graded.values().copied().collect();
        grades.sort_unstable_by(|one, other| other.cmp(one));
        let ideal = (1..).zip(grades.into_iter().take(DEPTH));
        scores.ndcg /= ideal.map(|(place, grade)| gain(grade, place)).sum::<f64>();
        scores.recall = found.len() as f64 / graded.len() as f64;
        scores
    }
}

impl Scores {
    /// The means over queries; zeros for none.
    pub fn mean(all: &[Scores]) -> Scores {
        let mean =
            |of: fn(&Scores) -> f64| all.iter().map(of).sum::<f64>() / all.len().max(1) as f64;
        Scores {
            mrr: mean(|it| it.mrr),
            ndcg: mean(|it| it.ndcg),
            recall: mean(|it| it.recall),
        }
    }
}

/// The results of an answer of `/api/v1/search`, in order: their paths below `base`. None if it is
/// not such an answer.
pub fn pages(answer: &Value, base: &str) -> Option<Vec<String>> {
    let results = answer["results"].as_array()?.iter();
    results
        .map(|result| {
            let url: Url = result["url"].as_str()?.parse().ok()?;
            let path = url.path();
            Some(path.strip_prefix(base).unwrap_or(path).to_owned())
        })
        .collect()
}

/// A path in the form in which paths are compared: without leading slash and trailing `index.html`.
fn plain(path: &str) -> String {
    let path = path.trim_start_matches('/');
    match path.strip_suffix("index.html") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => folder.to_owned(),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(rel: &str) -> Judged {
        let line = format!(r#"{{"query": "q", "rel": {rel}}}"#);
        Judged::read(&line).unwrap().remove(0)
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn scores_are_those_of_the_textbook() {
        let query = judged(r#"{"a.html": 2, "b.html": 1, "c.html": 1}"#);
        let pages = ["x", "b.html", "b.html", "a.html"].map(String::from);
        let scores = query.score(&pages);
        assert!(close(scores.mrr, 0.25), "{scores:?}");
        assert!(close(scores.recall, 2.0 / 3.0), "{scores:?}");
        // 1 / log2(3) + 3 / log2(5), against 3 + 1 / log2(3) + 1 / log2(4).
        let expected = (0.630_929_753_6 + 1.292_029_675_2) / (3.0 + 0.630_929_753_6 + 0.5);
        assert!((scores.ndcg - expected).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn what_lies_deep_or_is_not_there_counts_nothing() {
        let query = judged(r#"{"a.html": 1}"#);
        let mut pages = vec![String::from("x"); DEPTH];
        pages.push("a.html".into());
        assert_eq!(query.score(&pages), Scores::default());
        assert_eq!(query.score(&[]), Scores::default());
    }

    #[test]
    fn an_index_is_its_folder() {
        let query = judged(r#"{"docs/index.html": 1, "index.html": 1, "myindex.html": 1}"#);
        let pages = ["/docs/", "", "/myindex.html"].map(String::from);
        let scores = query.score(&pages);
        assert!(
            close(scores.ndcg, 1.0) && close(scores.recall, 1.0),
            "{scores:?}"
        );
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let text = "{\"query\": \"a\", \"rel\": {\"p\": 1}}\n\n{\"query\": 1}\n";
        assert!(Judged::read(text).unwrap_err().starts_with("line 3: "));
        let none = r#"{"query": "a", "rel": {}}"#;
        assert_eq!(Judged::read(none).unwrap().len(), 0);
    }
}
