//! Which pages a query wants, whatever they score.

use std::ops::{Bound, Range};

use canter_core::query::Query;
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, SegmentReader};

use super::entry::column;

/// Which pages of a segment a query wants, as ranges of the numbers that its words have there.
pub(super) struct Filter(Vec<Rule>);

/// A column, where the segment has it, and the numbers that are wanted there.
type Rule = (Option<Column<u64>>, Vec<Range<u64>>);

impl Filter {
    pub(super) fn new(segment: &SegmentReader, query: &Query) -> tantivy::Result<Self> {
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
        Ok(Filter(rules))
    }

    pub(super) fn allows(&self, page: DocId) -> bool {
        self.0.iter().all(|(column, ranges)| {
            let number = column.as_ref().and_then(|column| column.first(page));
            number.is_some_and(|number| ranges.iter().any(|range| range.contains(&number)))
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
                // No byte of UTF-8 is 0xFF, so this lies behind all words with the prefix.
                let mut behind = prefix.clone().into_bytes();
                behind.push(0xFF);
                let (from, to) = words.term_bounds_to_ord(
                    Bound::Included(prefix.as_bytes()),
                    Bound::Excluded(behind.as_slice()),
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
