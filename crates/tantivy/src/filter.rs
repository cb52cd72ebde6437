//! Filters: the pages that a plan allows, by their columns and by phrases.

use std::ops::{Bound, Range};

use canter_ranking::plan::{Filter, Plan};
use tantivy::columnar::{Column, StrColumn};
use tantivy::query::{EnableScoring, PhraseQuery, Query as _, Scorer, TermQuery, Weight};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, Searcher, SegmentReader, Term};

use crate::schema::{Fields, column};

/// Wanted and unwanted phrases, ready to run over each segment.
pub(super) struct Phrases(Vec<(Vec<Box<dyn Weight>>, bool)>);

impl Phrases {
    pub(super) fn of(searcher: &Searcher, fields: &Fields, plan: &Plan) -> tantivy::Result<Self> {
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
        let wanted = plan.phrases.iter().map(|ways| (ways, true));
        let unwanted = plan.unwanted.iter().map(|ways| (ways, false));
        let weights = wanted.chain(unwanted).map(|(ways, wanted)| {
            let ways = ways.iter().map(weight);
            Ok((ways.collect::<tantivy::Result<_>>()?, wanted))
        });
        Ok(Phrases(weights.collect::<tantivy::Result<_>>()?))
    }
}

/// The pages of a segment that a plan allows.
pub(super) struct Allowed {
    /// Conditions on columns, as ranges of the ordinals of values in the segment.
    rules: Vec<Rule>,
    /// Pages that hold a phrase in one of its forms, and whether the phrase is wanted.
    holders: Vec<(Vec<Box<dyn Scorer>>, bool)>,
}

/// A column, if the segment has it, and the ordinals allowed in it.
type Rule = (Option<Column<u64>>, Vec<Range<u64>>);

impl Allowed {
    pub(super) fn new(
        segment: &SegmentReader,
        filters: &[Filter],
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
        for filter in filters {
            match filter {
                Filter::Site(site) => rule(column::SITE, &[Span::Equal(site.clone())])?,
                Filter::Language(tag) => {
                    let regional = Span::Begins(format!("{tag}-"));
                    rule(column::LANGUAGE, &[Span::Equal(tag.clone()), regional])?;
                }
                Filter::Path(path) => rule(column::PATH, &[Span::Begins(path.clone())])?,
            }
        }
        let holders = phrases.0.iter();
        let holders = holders.map(|(ways, wanted)| {
            let ways = ways.iter().map(|weight| weight.scorer(segment, 1.0));
            Ok((ways.collect::<tantivy::Result<_>>()?, *wanted))
        });
        Ok(Allowed {
            rules,
            holders: holders.collect::<tantivy::Result<_>>()?,
        })
    }

    /// Returns whether a page is allowed. Pages must be asked for in order.
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
    /// Returns the ordinals of the span's values in a column, whose values are numbered in order.
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

/// Returns the end of all values with a prefix. No byte of UTF-8 is 0xFF.
pub(super) fn behind(prefix: &str) -> Vec<u8> {
    let mut behind = prefix.as_bytes().to_vec();
    behind.push(0xFF);
    behind
}
