//! Which pages a query wants, whatever they score: by what is known of a page, and by the words that
//! it has to hold or must not.

use std::ops::{Bound, Range};

use canter_ranking::query::Query;
use canter_ranking::terms::QueryTerms;
use tantivy::columnar::{Column, StrColumn};
use tantivy::query::{EnableScoring, PhraseQuery, Query as _, Scorer, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, Searcher, SegmentReader, Term};

use super::entry::{Fields, column};

/// Words that pages have to hold side by side, or must not, ready for each segment.
pub(super) struct Phrases(Vec<(Vec<Box<dyn Weight>>, bool)>);

impl Phrases {
    pub(super) fn of(
        searcher: &Searcher,
        fields: &Fields,
        terms: &QueryTerms,
    ) -> tantivy::Result<Self> {
        let unscored = EnableScoring::disabled_from_searcher(searcher);
        let weight = |words: &Vec<String>| {
            let terms = words.iter();
            let terms = terms.map(|word| Term::from_field_text(fields.body, word));
            let mut terms: Vec<Term> = terms.collect();
            match terms.len() {
                1 => TermQuery::new(terms.remove(0), IndexRecordOption::Basic).weight(unscored),
                _ => PhraseQuery::new(terms).weight(unscored),
            }
        };
        let wanted = terms.phrases.iter().map(|ways| (ways, true));
        let unwanted = terms.without.iter().map(|ways| (ways, false));
        let weights = wanted.chain(unwanted).map(|(ways, wanted)| {
            let ways = ways.iter().map(weight);
            Ok((ways.collect::<tantivy::Result<_>>()?, wanted))
        });
        Ok(Phrases(weights.collect::<tantivy::Result<_>>()?))
    }
}

/// Which pages of a segment a query wants.
pub(super) struct Filter {
    /// As ranges of the numbers that words have in the segment.
    rules: Vec<Rule>,
    /// Pages that hold words in one of some ways, and whether these are wanted.
    holders: Vec<(Vec<Box<dyn Scorer>>, bool)>,
}

/// A column, where the segment has it, and the numbers that are wanted there.
type Rule = (Option<Column<u64>>, Vec<Range<u64>>);

impl Filter {
    pub(super) fn new(
        segment: &SegmentReader,
        query: &Query,
        phrases: &Phrases,
    ) -> tantivy::Result<Self> {
        let mut rules = Vec::new();
        let mut rule = |name: &str, spans: &[Span]| -> tantivy::Result<()> {
            let column = segment.fast_fields().str(name)?;
            let mut ranges = Vec::new();
            for span in spans {
                if let Some(column) = &column {
                    ranges.push(span.numbers(column)?);
                }
            }
            rules.push((column.map(|column| column.ords().clone()), ranges));
            Ok(())
        };
        if let Some(site) = &query.site {
            rule(column::SITE, &[Span::Equal(site.clone())])?;
        }
        if let Some(language) = &query.language {
            let language = language.to_ascii_lowercase();
            let regional = Span::Begins(format!("{language}-"));
            rule(column::LANGUAGE, &[Span::Equal(language), regional])?;
        }
        if let Some(path) = &query.path {
            rule(column::PATH, &[Span::Begins(path.clone())])?;
        }
        let holders = phrases.0.iter();
        let holders = holders.map(|(ways, wanted)| {
            let ways = ways.iter().map(|weight| weight.scorer(segment, 1.0));
            Ok((ways.collect::<tantivy::Result<_>>()?, *wanted))
        });
        Ok(Filter {
            rules,
            holders: holders.collect::<tantivy::Result<_>>()?,
        })
    }

    /// Whether a page is wanted. Pages are asked for in their order.
    pub(super) fn allows(&mut self, page: DocId) -> bool {
        let ruled = self.rules.iter().all(|(column, ranges)| {
            let number = column.as_ref().and_then(|column| column.first(page));
            number.is_some_and(|number| ranges.iter().any(|range| range.contains(&number)))
        });
        ruled
            && self.holders.iter_mut().all(|(ways, wanted)| {
                let holds = |holders: &mut Box<dyn Scorer>| match holders.doc() < page {
                    true => holders.seek(page) == page,
                    false => holders.doc() == page,
                };
                ways.iter_mut().any(holds) == *wanted
            })
    }
}

enum Span {
    Equal(String),
    Begins(String),
}

impl Span {
    /// The numbers of its words in a column, whose words are numbered in order.
    fn numbers(&self, column: &StrColumn) -> tantivy::Result<Range<u64>> {
        let words = column.dictionary();
        Ok(match self {
            Span::Equal(word) => words
                .term_ord(word)?
                .map_or(0..0, |number| number..number + 1),
            Span::Begins(prefix) => {
                let (from, to) = words.term_bounds_to_ord(
                    Bound::Included(prefix.as_bytes()),
                    Bound::Excluded(behind(prefix).as_slice()),
                )?;
                let number = |bound, open| match bound {
                    Bound::Included(number) | Bound::Excluded(number) => number,
                    Bound::Unbounded => open,
                };
                number(from, 0)..number(to, u64::MAX)
            }
        })
    }
}

/// What lies behind all words with a prefix, and before all others: no byte of UTF-8 is 0xFF.
pub(super) fn behind(prefix: &str) -> Vec<u8> {
    let mut behind = prefix.as_bytes().to_vec();
    behind.push(0xFF);
    behind
}
