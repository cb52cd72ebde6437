//! The folder of an index, open for reading.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use canter_ranking::completion::{Beginning, Named};
use canter_ranking::query::{Hits, Query};
use canter_ranking::words::Words;
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::query::{EnableScoring, Query as _, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TERMINATED, TantivyError, Term,
};

use super::cutter::{Cutter, TERMS};
use super::entry::{Fields, column, whole};
use super::kept::{Whole, broken};
use super::sizes::Measured;
use super::{offers, search};

/// Blocks of stored pages that each segment keeps unpacked, tens of KiB each: the next page of
/// results and the same search again are quick, and many segments stay small.
const STORED_BLOCKS: usize = 16;

/// An open index.
pub(super) struct Shelf {
    pub(super) dir: PathBuf,
    pub(super) index: Index,
    pub(super) fields: Fields,
    reader: IndexReader,
    measured: Measured,
    /// The commit that the reader shows.
    seen: Mutex<Option<Stamp>>,
    /// Resting between searches: each remembers stems.
    words: Mutex<Vec<Words>>,
}

impl Shelf {
    /// Opens a folder's index, and makes both where they are missing.
    pub(super) fn create(dir: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(dir).map_err(|error| {
            Failure::permanent(format!("cannot make the folder {}: {error}", dir.display()))
        })?;
        let directory = directory(dir)?;
        if Index::exists(&directory).map_err(|error| failure(&error.into(), dir))? {
            return Shelf::open(dir);
        }
        let (fields, schema) = Fields::new();
        let index = Index::open_or_create(directory, schema);
        Shelf::over(dir, index.map_err(|error| failure(&error, dir))?, fields)
    }

    /// Opens a folder's index.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        let nothing = || {
            Failure::permanent(format!(
                "there is no index in {} yet: crawl a site first (`canter crawl URL`), or name \
                 another folder with --data",
                dir.display()
            ))
        };
        if !dir.is_dir() {
            return Err(nothing());
        }
        let directory = directory(dir)?;
        if !Index::exists(&directory).map_err(|error| failure(&error.into(), dir))? {
            return Err(nothing());
        }
        let (fields, schema) = Fields::new();
        match Index::open(directory) {
            Ok(index) if index.schema() == schema => Shelf::over(dir, index, fields),
            Ok(_) | Err(TantivyError::IncompatibleIndex(_)) => Err(Failure::permanent(format!(
                "the index in {} was made by another version of canter: remove that folder and \
                 crawl again, or use the version that made it",
                dir.display()
            ))),
            Err(error) => Err(failure(&error, dir)),
        }
    }

    fn over(dir: &Path, index: Index, fields: Fields) -> Result<Self, Failure> {
        let seen = Stamp::of(dir);
        index.tokenizers().register(TERMS, Cutter::default());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(STORED_BLOCKS)
            .try_into()
            .map_err(|error| failure(&error, dir))?;
        Ok(Shelf {
            dir: dir.to_owned(),
            index,
            fields,
            reader,
            measured: Measured::default(),
            seen: Mutex::new(seen),
            words: Mutex::default(),
        })
    }

    /// Shows the newest commit of whatever process. Costs one look at a file when there is none.
    pub(super) fn refresh(&self) -> Result<(), Failure> {
        // Looked at before reading: a commit in between is found by the next call.
        let stamp = Stamp::of(&self.dir);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != stamp {
            self.reload()?;
            *seen = stamp;
        }
        Ok(())
    }

    /// Shows the commit that this process just made.
    pub(super) fn reload(&self) -> Result<(), Failure> {
        self.reader.reload().map_err(|error| self.failure(&error))
    }

    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    pub(super) fn failure(&self, error: &TantivyError) -> Failure {
        failure(error, &self.dir)
    }

    pub(super) fn search(&self, query: &Query) -> Result<Hits, Failure> {
        let resting = || self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = resting().pop().unwrap_or_default();
        let searcher = self.searcher();
        let hits = search::search(&searcher, &self.fields, &self.measured, query, &mut words);
        resting().push(words);
        hits.map_err(|error| self.failure(&error))
    }

    pub(super) fn names(&self, beginning: &Beginning) -> Result<Vec<Named>, Failure> {
        let names = offers::names(&self.searcher(), &self.fields, beginning);
        names.map_err(|error| self.failure(&error))
    }

    pub(super) fn words(&self, beginning: &str) -> Result<Vec<(String, u64)>, Failure> {
        let words = offers::words(&self.searcher(), &self.fields, beginning);
        words.map_err(|error| self.failure(&error))
    }

    pub(super) fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        let searcher = self.searcher();
        let found = self
            .page(&searcher, id)
            .and_then(|page| page.map(|page| load(&searcher, page)).transpose());
        found.map_err(|error| self.failure(&error))
    }

    /// The version of a committed document.
    pub(super) fn version(&self, searcher: &Searcher, id: UrlKey) -> tantivy::Result<Option<u64>> {
        let Some(page) = self.page(searcher, id)? else {
            return Ok(None);
        };
        let segment = searcher.segment_reader(page.segment_ord);
        Ok(segment
            .fast_fields()
            .column_opt::<u64>(column::VERSION)?
            .and_then(|versions| versions.first(page.doc_id)))
    }

    pub(super) fn count(&self, site: &str) -> Result<u64, Failure> {
        let mut count = 0;
        let term = Term::from_field_text(self.fields.site, site);
        each_entry(&self.searcher(), term, |_| {
            count += 1;
            Ok(true)
        })
        .map_err(|error| self.failure(&error))?;
        Ok(count)
    }

    pub(super) fn sites(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, u64)>, Failure> {
        let names = names_in(&self.searcher(), self.fields.site);
        let names = names.map_err(|error| self.failure(&error))?;
        let names = names.into_iter().filter(|site| wanted(site));
        let counted = names.map(|site| {
            let count = self.count(&site)?;
            Ok((site, count))
        });
        // What was deleted stays in its segment for a while.
        let there = counted.filter(|it| !matches!(it, Ok((_, 0))));
        there.collect()
    }

    pub(super) fn ids(&self, site: &str) -> Result<Vec<UrlKey>, Failure> {
        let pages = self.pages(&self.searcher(), site);
        let pages = pages.map_err(|error| self.failure(&error))?;
        Ok(pages.into_iter().map(|(id, _)| id).collect())
    }

    pub(super) fn export(
        &self,
        site: &str,
        mut each: impl FnMut(Stored) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let searcher = self.searcher();
        let mut pages = self
            .pages(&searcher, site)
            .map_err(|error| self.failure(&error))?;
        pages.sort_unstable();
        for (_, page) in pages {
            let stored = load(&searcher, page);
            each(stored.map_err(|error| self.failure(&error))?)?;
        }
        Ok(())
    }

    /// The pages of a site, and where their entries lie.
    fn pages(&self, searcher: &Searcher, site: &str) -> tantivy::Result<Vec<(UrlKey, DocAddress)>> {
        let mut pages = Vec::new();
        let ids = search::Ids::of(searcher)?;
        let term = Term::from_field_text(self.fields.site, site);
        each_entry(searcher, term, |page| {
            pages.push((whole(ids.id(page)), page));
            Ok(true)
        })?;
        Ok(pages)
    }

    /// Gives the head of each page of a site and its links, both as JSON, in the order in which they
    /// lie on the disk.
    pub(super) fn each_stored(
        &self,
        site: &str,
        mut each: impl FnMut(&str, &str) -> serde_json::Result<()>,
    ) -> Result<(), Failure> {
        let searcher = self.searcher();
        let term = Term::from_field_text(self.fields.site, site);
        each_entry(&searcher, term, |page| {
            let page: Whole = searcher.doc(page)?;
            let (head, links) = page.head_and_links();
            each(head, links).map_err(broken)?;
            Ok(true)
        })
        .map_err(|error| self.failure(&error))
    }

    /// Where a page's entry lies.
    fn page(&self, searcher: &Searcher, id: UrlKey) -> tantivy::Result<Option<DocAddress>> {
        let mut found = None;
        each_entry(searcher, self.fields.id_term(id), |entry| {
            found = Some(entry);
            Ok(false)
        })?;
        Ok(found)
    }
}

/// Reads the stored form of a page.
fn load(searcher: &Searcher, page: DocAddress) -> tantivy::Result<Stored> {
    searcher.doc::<Whole>(page)?.read()
}

/// The terms of a field, each once and in order.
fn names_in(searcher: &Searcher, field: Field) -> tantivy::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut terms = index.terms().stream()?;
        while terms.advance() {
            names.insert(String::from_utf8_lossy(terms.key()).into_owned());
        }
    }
    Ok(names)
}

/// Gives each living entry with a term, segment by segment, until it is told `false`.
fn each_entry(
    searcher: &Searcher,
    term: Term,
    mut give: impl FnMut(DocAddress) -> tantivy::Result<bool>,
) -> tantivy::Result<()> {
    let query = TermQuery::new(term, IndexRecordOption::Basic);
    let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
    for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
        let mut entries = weight.scorer(segment, 1.0)?;
        while entries.doc() != TERMINATED {
            let doc = entries.doc();
            if !segment.is_deleted(doc) && !give(DocAddress::new(segment_ord, doc))? {
                return Ok(());
            }
            entries.advance();
        }
    }
    Ok(())
}

/// Tells one commit from another: Tantivy puts a new file in the place of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    file: u64,
}

impl Stamp {
    fn of(dir: &Path) -> Option<Stamp> {
        let meta = fs::metadata(dir.join("meta.json")).ok()?;
        #[cfg(unix)]
        let file = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let file = 0;
        Some(Stamp {
            modified: meta.modified().ok(),
            length: meta.len(),
            file,
        })
    }
}

fn directory(dir: &Path) -> Result<MmapDirectory, Failure> {
    MmapDirectory::open(dir).map_err(|error| failure(&error.into(), dir))
}

/// What went wrong in Tantivy, in a sentence for a person.
fn failure(error: &TantivyError, dir: &Path) -> Failure {
    let dir = dir.display();
    let text = error.to_string();
    let damaged = || {
        Failure::permanent(format!(
            "the index in {dir} is damaged: remove that folder, and the next crawl of each site \
             makes it anew ({text})"
        ))
    };
    let failure = match (error, io_error(error).map(io::Error::kind)) {
        (TantivyError::LockFailure(LockError::LockBusy, _), _) => Failure::permanent(format!(
            "another canter is writing the index in {dir}: wait for it, or name another folder \
             with --data"
        )),
        (_, Some(ErrorKind::StorageFull)) => Failure::permanent(format!(
            "the disk that holds {dir} is full: make room and run the same command again"
        )),
        (TantivyError::DataCorruption(_), _) | (_, Some(ErrorKind::InvalidData)) => damaged(),
        _ if text.contains("corrupted") => damaged(),
        _ => Failure::transient(format!("the index in {dir} failed: {text}")),
    };
    failure.with_source(error.clone())
}

/// The error of the system behind one of Tantivy, which does not name it as its source.
fn io_error(error: &TantivyError) -> Option<&io::Error> {
    match error {
        TantivyError::IoError(error)
        | TantivyError::LockFailure(LockError::IoError(error), _)
        | TantivyError::OpenDirectoryError(
            OpenDirectoryError::FailedToCreateTempDir(error)
            | OpenDirectoryError::IoError {
                io_error: error, ..
            },
        )
        | TantivyError::OpenReadError(OpenReadError::IoError {
            io_error: error, ..
        })
        | TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: error, ..
        }) => Some(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// However Tantivy wraps the error of the system, and whatever its text is.
    #[test]
    fn a_full_disk_is_told_as_one() {
        let full = || Arc::new(io::Error::new(ErrorKind::StorageFull, "nothing goes in"));
        let filepath = PathBuf::from("0.store");
        for error in [
            TantivyError::IoError(full()),
            TantivyError::LockFailure(LockError::IoError(full()), None),
            OpenWriteError::IoError {
                io_error: full(),
                filepath,
            }
            .into(),
        ] {
            let said = failure(&error, Path::new("/data"));
            assert!(matches!(&said, Failure::Permanent(why) if why.contains("/data is full")));
            let source = std::error::Error::source(&said);
            assert!(source.is_some_and(|source| source.is::<TantivyError>()));
        }
        let other = io::Error::other("No space left on device is what a page says");
        let said = failure(&other.into(), Path::new("/data"));
        assert!(matches!(said, Failure::Transient(_)));
    }
}
