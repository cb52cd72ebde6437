//! The index reader, which opens the folder of an index for reading.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use canter_core::document::Stored;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::Answer;
use canter_ranking::tokenizer::{Language, Tokenizer};
use tantivy::columnar::Column;
use tantivy::directory::MmapDirectory;
use tantivy::query::{EnableScoring, Query as _, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TERMINATED, TantivyError, Term,
};

use crate::generations::ReadOnlyDirectory;
use crate::home::{Home, Stamp, Unopened, failure};
use crate::schema::{Fields, column, whole};
use crate::statistics::Statistics;
use crate::stored_page::WholePage;
use crate::tokenizer::{SpaceTokenizer, TERMS};
use crate::{completion, search};

/// Number of blocks of stored pages that each segment caches, tens of KiB each. The cache makes the
/// next page of results and a repeated search fast.
const STORED_BLOCKS: usize = 16;

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
            let reader = Reader::open(dir)?;
            // What is written has the newest layout.
            return match reader.index.schema() == Fields::new().1 {
                true => Ok(reader),
                false => Err(unreadable(&reader.home)),
            };
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
    pub(super) fn in_bucket(directory: ReadOnlyDirectory) -> Result<Self, Unopened> {
        let home = Home::Bucket(Arc::clone(&directory.coming));
        Reader::opened(home, Index::open(directory))
    }

    fn opened(home: Home, opened: tantivy::Result<Index>) -> Result<Self, Unopened> {
        let (fields, _) = Fields::new();
        match opened {
            Ok(index) if Fields::can_read(&index.schema()) => Reader::over(home, index, fields),
            Ok(_) | Err(TantivyError::IncompatibleIndex(_)) => Err(unreadable(&home)),
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

    /// Returns how many bytes of each dictionary searches read, by the name of the file. The names
    /// for completions come last, and are most of it.
    pub(super) fn searched(&self) -> Result<HashMap<String, u64>, Failure> {
        let completions = self.index.schema();
        let completions = completions.get_field_name(self.fields.completions);
        let segments = self.searcher();
        let searched = segments.segment_readers().iter().map(|segment| {
            let used = segment.space_usage()?;
            let fields = used.termdict().fields();
            let fields = fields.filter(|field| field.field_name() != completions);
            let bytes = fields.map(|field| field.total().get_bytes()).sum();
            let name = format!("{}.term", segment.segment_id().uuid_string());
            Ok((name, bytes))
        });
        let searched = searched.collect::<tantivy::Result<_>>();
        searched.map_err(|error| self.failure(&error))
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
        let is_far = self.home.is_far();
        let statistics = &self.statistics;
        let answer = search::run(&searcher, fields, statistics, plan, &mut tokenizer, is_far);
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

fn directory(dir: &Path) -> Result<MmapDirectory, Failure> {
    let home = Home::Folder(dir.to_owned());
    MmapDirectory::open(dir).map_err(|error| failure(&error.into(), &home))
}

fn unreadable(home: &Home) -> Unopened {
    Unopened::Unusable(Failure::permanent(format!(
        "the index in {home} was made by another version of canter"
    )))
}
