//! What was meant by a misspelt word.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use canter_core::failure::Failure;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::corrections::{Missing, QueryWord};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer, SearchIndex, search_as_written};
use canter_ranking::tokenizer::Language;

use crate::{plan, query};

/// An index of nothing but words and their numbers of pages.
struct Dictionary<'a>(&'a [(&'a str, u64)]);

impl Dictionary<'_> {
    fn words(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
        let wanted = self.0.iter().filter(|(word, _)| is_wanted(word));
        wanted
            .map(|(word, pages)| ((*word).to_owned(), *pages))
            .collect()
    }
}

impl SearchIndex for Dictionary<'_> {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        Ok(Vec::new())
    }

    async fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        let missing = plan.query_words.iter().map(|it| Missing {
            word: it.word.clone(),
            like: self.words(|_| true),
        });
        Ok(Answer {
            missing: missing
                .filter(|missing| missing.like.iter().all(|(word, _)| *word != missing.word))
                .collect(),
            ..Answer::default()
        })
    }

    async fn names(&self, _: Prefix) -> Result<Vec<Named>, Failure> {
        Ok(Vec::new())
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        Ok(self.words(|word| word.starts_with(&prefix)))
    }
}

fn meant(text: &str, known: &[(&str, u64)]) -> Option<String> {
    let index = Dictionary(known);
    let query = query(text);
    let search = pin!(search_as_written(&index, &query));
    match search.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(hits) => hits.unwrap().meant,
        Poll::Pending => panic!("the index never waits"),
    }
}

#[test]
fn what_was_meant_has_the_fewest_edits_then_the_same_beginning_then_most_pages() {
    let known = [
        ("gather", 3),
        ("father", 90),
        ("gathers", 9),
        ("gathered", 50),
        ("with", 99),
    ];
    for (text, expected) in [
        ("gahter", Some("gather")),
        ("gathr", Some("gather")),
        ("Xather", Some("father")),
        ("asyncio.gahter()", Some("asyncio.gather()")),
        ("gahter", Some("gather")),
        ("  wiht  gahter!", Some("  with  gather!")),
        // Known as it is.
        ("gather", None),
        // As it stands, or not at all.
        ("\"gahter\"", None),
        ("with -gahter", None),
        // Its beginning, at the end of the query.
        ("wit", Some("with")),
        ("to gathe", Some("to gathered")),
        ("gathe with", Some("gather with")),
        ("gathe!", Some("gather!")),
        // Too short, too far, no word of letters.
        ("w", None),
        ("wit gather", None),
        ("gxxxer", None),
        ("gahter2", None),
    ] {
        assert_eq!(meant(text, &known).as_deref(), expected, "{text}");
    }
}

#[test]
fn short_words_may_have_one_typo_and_long_ones_two() {
    let edits = |text: &str| plan(text).query_words.first().map(QueryWord::max_edits);
    let rows = [
        "j",
        "jon ",
        "jon",
        "json",
        "jsonn",
        "string",
        "verschlüsselung",
    ];
    let expected = [None, None, Some(0), Some(1), Some(1), Some(2), Some(2)];
    assert_eq!(rows.map(edits), expected);
}
