//! Reads what a search needs at the same time: over an index in a bucket, each read may wait for a
//! request, and a search reads a hundred places of it.
//!
//! What is read is kept on this machine; the search then finds it there. A read that fails here is
//! not told: the search fails at the same place.

use std::sync::atomic::{AtomicUsize, Ordering};

use canter_ranking::plan::{Field, Plan};
use tantivy::schema::{Field as IndexField, IndexRecordOption};
use tantivy::{DocAddress, Searcher, SegmentReader, Term};

use crate::schema::Fields;
use crate::statistics::Statistics;
use crate::stored_page::StoredPage;

/// Maximum number of reads at the same time.
const ABREAST: usize = 64;

/// Reads the posting lists of a plan in all segments, and what tells of the fields that are scored.
pub(super) fn read_terms(searcher: &Searcher, fields: &Fields, plan: &Plan) {
    let (terms, scored) = (terms(fields, plan), Statistics::fields(fields));
    let mut reads = Vec::new();
    for segment in searcher.segment_readers() {
        let scored = scored.iter().map(|field| (segment, *field, None));
        reads.extend(scored);
        let terms = terms.iter();
        reads.extend(terms.map(|term| (segment, term.0.field(), Some(term))));
    }
    at_once(&reads, |(segment, field, term)| {
        // The search fails at the same place.
        let _ = read(segment, *field, *term);
    });
}

fn read(
    segment: &SegmentReader,
    field: IndexField,
    term: Option<&(Term, IndexRecordOption)>,
) -> tantivy::Result<()> {
    let index = segment.inverted_index(field)?;
    if let Some((term, option)) = term {
        index.read_postings(term, *option)?;
    }
    Ok(())
}

/// Returns the terms of a plan, and what is read of their posting lists.
fn terms(fields: &Fields, plan: &Plan) -> Vec<(Term, IndexRecordOption)> {
    let mut terms = Vec::new();
    let mut add = |field, term: &str, option| {
        let term = (Term::from_field_text(field, term), option);
        if !terms.contains(&term) {
            terms.push(term);
        }
    };
    for clause in &plan.clauses {
        let (field, option) = match clause.field {
            Field::Body | Field::Sections => {
                (fields.body, IndexRecordOption::WithFreqsAndPositions)
            }
            Field::AnchorText => (fields.anchor_text, IndexRecordOption::WithFreqs),
            Field::Address => (fields.address, IndexRecordOption::WithFreqs),
            Field::Common => (fields.common, IndexRecordOption::WithFreqs),
        };
        let terms = clause.terms.iter();
        terms.for_each(|term| add(field, term, option));
    }
    let phrases = plan
        .phrases
        .iter()
        .chain(&plan.unwanted)
        .flatten()
        .flatten();
    let option = IndexRecordOption::WithFreqsAndPositions;
    phrases.for_each(|word| add(fields.body, word, option));
    let titles = plan.own_name.iter().chain(&plan.title_phrases);
    for name in plan.name.iter().chain(titles) {
        add(fields.name, name, IndexRecordOption::Basic);
    }
    terms
}

/// Reads stored pages.
pub(super) fn read_pages(searcher: &Searcher, pages: &[DocAddress]) {
    at_once(pages, |page| {
        // The search fails at the same place.
        let _ = searcher.doc::<StoredPage>(*page);
    });
}

/// Reads on as many threads as there are reads, up to some.
fn at_once<T: Sync>(all: &[T], read: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            read(one);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..all.len().min(ABREAST) {
            scope.spawn(work);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io;
    use std::ops::Range;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Barrier, Mutex};

    use canter_core::ports::IndexWriter;
    use canter_tests::contract::index::{document, query};
    use tantivy::HasLen;
    use tantivy::directory::{FileHandle, OwnedBytes};

    use super::*;
    use crate::TantivyIndex;
    use crate::generations::ReadOnlyDirectory;
    use crate::reader::Reader;

    type Reads = Arc<Mutex<Vec<(PathBuf, Range<usize>)>>>;

    /// A file that notes what is read of it.
    #[derive(Debug)]
    struct Noted {
        name: PathBuf,
        content: Vec<u8>,
        reads: Reads,
    }

    impl FileHandle for Noted {
        fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
            let read = (self.name.clone(), range.clone());
            self.reads.lock().unwrap().push(read);
            Ok(OwnedBytes::new(self.content[range].to_vec()))
        }
    }

    impl HasLen for Noted {
        fn len(&self) -> usize {
            self.content.len()
        }
    }

    fn open(folder: &Path, reads: &Reads) -> Reader {
        let mut files: HashMap<PathBuf, Arc<dyn FileHandle>> = HashMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = Noted {
                name: entry.as_ref().unwrap().file_name().into(),
                content: std::fs::read(entry.unwrap().path()).unwrap(),
                reads: Arc::clone(reads),
            };
            files.insert(file.name.clone(), Arc::new(file));
        }
        let directory = ReadOnlyDirectory {
            meta: Arc::new(std::fs::read(folder.join("meta.json")).unwrap()),
            files: Arc::new(files),
            coming: Arc::new(AtomicBool::new(true)),
        };
        Reader::in_bucket(directory).unwrap()
    }

    /// Two segments, since each segment is read apart.
    async fn fill(folder: &Path) {
        let index = TantivyIndex::open(folder).unwrap();
        for pages in [0..20, 20..40] {
            let pages = pages.map(|it| document(&format!("/{it}"), 1, "ponies and their carts"));
            let (put, flushed) = tokio::join!(biased; index.put(pages.collect()), index.flush());
            assert!(put.unwrap().is_empty() && flushed.is_ok());
        }
    }

    #[tokio::test]
    async fn a_search_reads_what_was_read_ahead() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path()).await;
        for text in ["ponies", "page 17", "\"their carts\" -horses"] {
            let reads = Reads::default();
            let reader = open(folder.path(), &reads);
            let (searcher, fields) = (reader.searcher(), reader.fields);
            let plan = Plan::compile(&query(text), &reader.languages().unwrap());
            read_terms(&searcher, &fields, &plan);
            let ahead = std::mem::take(&mut *reads.lock().unwrap());
            let mut tokenizer = Default::default();
            let statistics = Statistics::default();
            let search = crate::search::run(
                &searcher,
                &fields,
                &statistics,
                &plan,
                &mut tokenizer,
                false,
            );
            assert!(!search.unwrap().hits.hits.is_empty(), "{text}");
            let was_read = |(file, range): &(PathBuf, Range<usize>)| {
                ahead.iter().any(|(other, there)| {
                    file == other && there.start <= range.start && range.end <= there.end
                })
            };
            for read in reads.lock().unwrap().iter() {
                let kind = read.0.extension().unwrap_or_default();
                let is_here = ["fast", "fieldnorm", "store"].iter().any(|it| kind == *it);
                assert!(is_here || was_read(read), "{text}: {read:?}");
            }
        }
    }

    #[test]
    fn what_may_wait_is_read_side_by_side() {
        let all: Vec<usize> = (0..8).collect();
        let together = Barrier::new(all.len());
        let read = Mutex::new(Vec::new());
        at_once(&all, |one| {
            together.wait();
            read.lock().unwrap().push(*one);
        });
        let mut read = read.into_inner().unwrap();
        read.sort_unstable();
        assert_eq!(read, all);
    }

    /// [`Reader::searched`] rests on this.
    #[test]
    fn names_for_completions_come_last_in_a_dictionary() {
        let (fields, schema) = Fields::new();
        let indexed = schema.fields().filter(|(_, entry)| entry.is_indexed());
        assert_eq!(
            indexed.last().map(|(field, _)| field),
            Some(fields.completions)
        );
    }
}
