//! Counts the facets of matching pages.

use std::collections::HashMap;

use canter_ranking::facets::Facets;
use canter_ranking::query::Query;
use tantivy::columnar::StrColumn;
use tantivy::{DocId, SegmentReader};

use crate::schema::column;

/// Counts of all segments.
#[derive(Default)]
pub(super) struct Totals {
    sites: HashMap<String, u64>,
    languages: HashMap<String, u64>,
    folders: HashMap<String, u64>,
}

impl Totals {
    pub(super) fn facets(self, query: &Query, total: u64) -> Facets {
        let [sites, languages, folders] = [self.sites, self.languages, self.folders]
            .map(|counts| counts.into_iter().collect::<Vec<_>>());
        Facets::of(sites, languages, folders, query.path.as_deref(), total)
    }
}

/// Counts of one segment.
pub(super) struct Tally {
    sites: Option<Column>,
    languages: Option<Column>,
    folders: Option<Column>,
}

struct Column {
    values: StrColumn,
    counts: Vec<u64>,
}

impl Tally {
    pub(super) fn new(segment: &SegmentReader) -> tantivy::Result<Self> {
        let column = |name| -> tantivy::Result<Option<Column>> {
            let values = segment.fast_fields().str(name)?;
            Ok(values.map(|values| Column {
                counts: vec![0; values.num_terms()],
                values,
            }))
        };
        Ok(Tally {
            sites: column(column::SITE)?,
            languages: column(column::LANGUAGE)?,
            folders: column(column::FOLDERS)?,
        })
    }

    /// Counts a page.
    pub(super) fn add(&mut self, page: DocId) {
        let all = [&mut self.sites, &mut self.languages, &mut self.folders];
        for column in all.into_iter().flatten() {
            for number in column.values.ords().values_for_doc(page) {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                if let Some(count) = column.counts.get_mut(number) {
                    *count += 1;
                }
            }
        }
    }

    /// Adds the counts to the totals.
    pub(super) fn end(self, totals: &mut Totals) -> tantivy::Result<()> {
        add(self.sites, &mut totals.sites, |site| site)?;
        add(self.languages, &mut totals.languages, |tag| {
            tag.split('-').next().unwrap_or(tag)
        })?;
        add(self.folders, &mut totals.folders, |folder| folder)
    }
}

fn add(
    column: Option<Column>,
    totals: &mut HashMap<String, u64>,
    counted_as: impl Fn(&str) -> &str,
) -> tantivy::Result<()> {
    let Some(Column { values, counts }) = column else {
        return Ok(());
    };
    let mut value = String::new();
    for (number, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
        value.clear();
        if values.ord_to_str(number, &mut value)? {
            *totals.entry(counted_as(&value).to_owned()).or_default() += count;
        }
    }
    Ok(())
}
