//! The index reader, which opens the folder of an index for reading.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::Answer;
use canter_ranking::tokenizer::{Language, Tokenizer};
use tantivy::columnar::Column;
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::query::{EnableScoring, Query as _, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    Directory, DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TERMINATED, TantivyError,
    Term,
};

use crate::schema::{Fields, column, whole};
use crate::statistics::Statistics;
use crate::stored_page::WholePage;
use crate::tokenizer::{SpaceTokenizer, TERMS};
use crate::{completion, search};

/// Number of blocks of stored pages that each segment caches, tens of KiB each. The cache makes the
/// next page of results and a repeated search fast.
const STORED_BLOCKS: usize = 16;

/// Why an index cannot be opened.
#[derive(Debug)]
pub(super) enum Unopened {
    /// It has another layout or is damaged. No reader will ever open it.
    Unusable(Failure),
    /// There is none, or the folder cannot be read.
    Other(Failure),
}

impl Unopened {
    fn of(error: &TantivyError, home: &Home) -> Self {
        let told = failure(error, home);
        match is_damage(error) {
            true => Unopened::Unusable(told),
            false => Unopened::Other(told),
        }
    }
}

impl From<Failure> for Unopened {
    fn from(failure: Failure) -> Self {
        Unopened::Other(failure)
    }
}

impl From<Unopened> for Failure {
    fn from(unopened: Unopened) -> Self {
        let (Unopened::Unusable(failure) | Unopened::Other(failure)) = unopened;
        failure
    }
}

/// Where the files of an index are.
#[derive(Debug)]
pub(super) enum Home {
    Folder(PathBuf),
    /// The bucket of a stack, whose files never change.
    Bucket,
}

impl Home {
    fn stamp(&self) -> Option<Stamp> {
        match self {
            Home::Folder(dir) => Stamp::of(dir),
            Home::Bucket => None,
        }
    }

    /// What to do about damage.
    fn remedy(&self) -> &'static str {
        match self {
            Home::Folder(_) => "remove that folder, and the next crawl of each site makes it anew",
            Home::Bucket => {
                "`canter rollback` goes back to the one before, `canter reindex` makes it anew"
            }
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Home::Folder(dir) => dir.display().fmt(formatter),
            Home::Bucket => formatter.write_str("the stack's bucket"),
        }
    }
}

/// Reads the commits of an index.
pub(super) struct Reader {
    pub(super) home: Home,
    pub(super) index: Index,
    pub(super) fields: Fields,
    reader: IndexReader,
    statistics: Statistics,
    /// The commit that is read.
    seen: Mutex<Option<Stamp>>,
    /// Tokenizers that no search is using, kept for their cached stems.
    tokenizers: Mutex<Vec<Tokenizer>>,
}

impl Reader {
    /// Opens the index of a folder, and creates missing files.
    pub(super) fn create(dir: &Path) -> Result<Self, Unopened> {
        fs::create_dir_all(dir).map_err(|error| {
            Failure::permanent(format!("cannot make the folder {}: {error}", dir.display()))
        })?;
        let home = Home::Folder(dir.to_owned());
        let directory = directory(dir)?;
        if Index::exists(&directory).map_err(|error| failure(&error.into(), &home))? {
            return Reader::open(dir);
        }
        let (fields, schema) = Fields::new();
        let index = Index::open_or_create(directory, schema);
        let index = index.map_err(|error| failure(&error, &home))?;
        Reader::over(home, index, fields)
    }

    /// Opens the index of a folder.
    pub(super) fn open(dir: &Path) -> Result<Self, Unopened> {
        let home = Home::Folder(dir.to_owned());
        let nothing = || Failure::permanent(format!("there is no index in {}", dir.display()));
        if !dir.is_dir() {
            return Err(nothing().into());
        }
        let directory = directory(dir)?;
        if !Index::exists(&directory).map_err(|error| failure(&error.into(), &home))? {
            return Err(nothing().into());
        }
        Reader::opened(home, Index::open(directory))
    }

    /// Opens the generations of an index in a bucket.
    pub(super) fn in_bucket(directory: impl Directory) -> Result<Self, Unopened> {
        Reader::opened(Home::Bucket, Index::open(directory))
    }

    fn opened(home: Home, opened: tantivy::Result<Index>) -> Result<Self, Unopened> {
        let (fields, schema) = Fields::new();
        match opened {
            Ok(index) if index.schema() == schema => Reader::over(home, index, fields),
            Ok(_) | Err(TantivyError::IncompatibleIndex(_)) => {
                Err(Unopened::Unusable(Failure::permanent(format!(
                    "the index in {home} was made by another version of canter"
                ))))
            }
            Err(error) => Err(Unopened::of(&error, &home)),
        }
    }

    fn over(home: Home, index: Index, fields: Fields) -> Result<Self, Unopened> {
        let seen = home.stamp();
        index
            .tokenizers()
            .register(TERMS, SpaceTokenizer::default());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(STORED_BLOCKS)
            .try_into()
            .map_err(|error| Unopened::of(&error, &home))?;
        Ok(Reader {
            home,
            index,
            fields,
            reader,
            statistics: Statistics::default(),
            seen: Mutex::new(seen),
            tokenizers: Mutex::default(),
        })
    }

    /// Switches to the newest commit of any process. Costs one `stat` if there is no new commit.
    pub(super) fn refresh(&self) -> Result<(), Failure> {
        // The stamp is taken before the reload, so that the next call detects a commit in between.
        let stamp = self.home.stamp();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != stamp {
            self.reload()?;
            *seen = stamp;
        }
        Ok(())
    }

    /// Switches to the newest commit.
    pub(super) fn reload(&self) -> Result<(), Failure> {
        self.reader.reload().map_err(|error| self.failure(&error))
    }

    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    pub(super) fn failure(&self, error: &TantivyError) -> Failure {
        failure(error, &self.home)
    }

    pub(super) fn languages(&self) -> Result<Vec<Language>, Failure> {
        let languages = self.statistics.languages(&self.searcher());
        languages.map_err(|error| self.failure(&error))
    }

    pub(super) fn run(&self, plan: &Plan) -> Result<Answer, Failure> {
        let unused = || {
            self.tokenizers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let mut tokenizer = unused().pop().unwrap_or_default();
        let (searcher, fields) = (self.searcher(), &self.fields);
        let answer = search::run(&searcher, fields, &self.statistics, plan, &mut tokenizer);
        unused().push(tokenizer);
        answer.map_err(|error| self.failure(&error))
    }

    pub(super) fn names(&self, prefix: &Prefix) -> Result<Vec<Named>, Failure> {
        let names = completion::names(&self.searcher(), &self.fields, prefix);
        names.map_err(|error| self.failure(&error))
    }

    pub(super) fn words(&self, prefix: &str) -> Result<Vec<(String, u64)>, Failure> {
        let words = completion::words(&self.searcher(), &self.fields, prefix);
        words.map_err(|error| self.failure(&error))
    }

    pub(super) fn get(&self, id: UrlKey) -> Result<Option<Stored>, Failure> {
        let searcher = self.searcher();
        let stored = self
            .page(&searcher, id)
            .and_then(|page| page.map(|page| load(&searcher, page)).transpose());
        stored.map_err(|error| self.failure(&error))
    }

    /// Returns the version of a committed document.
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
        each_page(&self.searcher(), term, |_| {
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
        // Deleted pages stay in their segment for a while.
        let present = counted.filter(|it| !matches!(it, Ok((_, 0))));
        present.collect()
    }

    pub(super) fn versions(&self, site: &str) -> Result<Vec<(UrlKey, u64)>, Failure> {
        let searcher = self.searcher();
        let versions = || -> tantivy::Result<_> {
            let versions = versions(&searcher)?;
            let version = |page: DocAddress| {
                let of_segment = versions.get(page.segment_ord as usize)?.as_ref();
                of_segment.and_then(|column| column.first(page.doc_id))
            };
            let pages = self.pages(&searcher, site)?.into_iter();
            Ok(pages
                .map(|(id, page)| (id, version(page).unwrap_or_default()))
                .collect())
        };
        versions().map_err(|error| self.failure(&error))
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

    /// Returns the ids of a site's pages and their addresses.
    fn pages(&self, searcher: &Searcher, site: &str) -> tantivy::Result<Vec<(UrlKey, DocAddress)>> {
        let mut pages = Vec::new();
        let ids = search::Ids::of(searcher)?;
        let term = Term::from_field_text(self.fields.site, site);
        each_page(searcher, term, |page| {
            pages.push((whole(ids.id(page)), page));
            Ok(true)
        })?;
        Ok(pages)
    }

    /// Returns the address of a page.
    fn page(&self, searcher: &Searcher, id: UrlKey) -> tantivy::Result<Option<DocAddress>> {
        let mut address = None;
        each_page(searcher, self.fields.id_term(id), |page| {
            address = Some(page);
            Ok(false)
        })?;
        Ok(address)
    }
}

/// Returns the versions of the pages of each segment.
fn versions(searcher: &Searcher) -> tantivy::Result<Vec<Option<Column<u64>>>> {
    let segments = searcher.segment_readers().iter();
    let columns = segments.map(|segment| segment.fast_fields().column_opt::<u64>(column::VERSION));
    columns.collect()
}

/// Reads the stored form of a page.
fn load(searcher: &Searcher, page: DocAddress) -> tantivy::Result<Stored> {
    searcher.doc::<WholePage>(page)?.read()
}

/// Returns the terms of a field, sorted and without duplicates.
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

/// Passes each page with a term to `give`, segment by segment, until `give` returns `false`.
fn each_page(
    searcher: &Searcher,
    term: Term,
    mut give: impl FnMut(DocAddress) -> tantivy::Result<bool>,
) -> tantivy::Result<()> {
    let query = TermQuery::new(term, IndexRecordOption::Basic);
    let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
    for (segment_ord, segment) in (0..).zip(searcher.segment_readers()) {
        let mut pages = weight.scorer(segment, 1.0)?;
        while pages.doc() != TERMINATED {
            let doc = pages.doc();
            if !segment.is_deleted(doc) && !give(DocAddress::new(segment_ord, doc))? {
                return Ok(());
            }
            pages.advance();
        }
    }
    Ok(())
}

/// Identifies a commit by the file that Tantivy replaces with each commit.
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
    let home = Home::Folder(dir.to_owned());
    MmapDirectory::open(dir).map_err(|error| failure(&error.into(), &home))
}

/// Returns the failure for an error of Tantivy, with a message for the user.
fn failure(error: &TantivyError, home: &Home) -> Failure {
    let text = error.to_string();
    let failure = match (error, io_error(error).map(io::Error::kind)) {
        (TantivyError::LockFailure(LockError::LockBusy, _), _) => Failure::permanent(format!(
            "another canter is writing the index in {home}: wait for it, or name another folder \
             with --data"
        )),
        (_, Some(ErrorKind::StorageFull)) => Failure::permanent(format!(
            "the disk that holds {home} is full: make room and run the same command again"
        )),
        _ if is_damage(error) => Failure::permanent(format!(
            "the index in {home} is damaged: {} ({text})",
            home.remedy()
        )),
        _ => Failure::transient(format!("the index in {home} failed: {text}")),
    };
    failure.with_source(error.clone())
}

/// Returns whether an error means that files of the index are damaged or missing.
fn is_damage(error: &TantivyError) -> bool {
    matches!(
        error,
        TantivyError::DataCorruption(_)
            | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_))
    ) || io_error(error).is_some_and(|error| error.kind() == ErrorKind::InvalidData)
        || error.to_string().contains("corrupted")
}

/// Returns the I/O error inside an error of Tantivy, which does not expose it as its source.
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

    /// The failure must not depend on how Tantivy wraps the I/O error, or on the error's text.
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
            let said = failure(&error, &Home::Folder("/data".into()));
            assert!(matches!(&said, Failure::Permanent(why) if why.contains("/data is full")));
            let source = std::error::Error::source(&said);
            assert!(source.is_some_and(|source| source.is::<TantivyError>()));
        }
        let other = io::Error::other("No space left on device is what a page says");
        let said = failure(&other.into(), &Home::Folder("/data".into()));
        assert!(matches!(said, Failure::Transient(_)));
    }
}
