//! `canter import`: pages from JSON lines, as `canter export` writes them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, stderr, stdin};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use canter_core::document::Stored;
use canter_core::publish::{Done, How, MAX_LOSS, When, publish};
use canter_core::solo::SoloCrawl;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{SiteStore, Store};
use canter_http::Clock;
use canter_page::url::{is_http, normalise};
use clap::Args;
use console::style;
use indicatif::ProgressBar;
use url::Url;

use crate::args::{Data, Server, site_name};
use crate::count::counted;
use crate::crawl::bar_style;
use crate::index::WrittenIndex;
use crate::refill::{adopt, refill};

/// Maximum number of pages that are read at a time, and maximum size of their lines in bytes.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 16 << 20;
/// Maximum length of a line, in bytes: far more than a crawl keeps of a page.
const MAX_LINE: u64 = 256 << 20;
/// Maximum number of refused pages of a site that are named.
const REFUSED: usize = 20;
/// Time between two lines about progress if there is no bar.
const SAID_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter export docs.example.org/3 > docs.jsonl && canter import docs.jsonl --data elsewhere\n  \
    canter export docs.example.org/3 | canter import - --index https://search.example.org:9200\n\n\
    A line is a page: an object with site, url, text and fetched_at_ms (Unix time in ms), and with\n\
    title, language, sections and links where there are such, as `canter export` writes them. A page\n\
    that was fetched later than the one that is known takes its place; another one changes nothing.\n\
    A crawl of the site visits the pages again.")]
pub struct Import {
    /// JSON lines, one page a line; - for standard input
    pub file: PathBuf,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

/// Puts every page into the archive, then publishes their sites.
pub async fn import(args: Import) -> Result<()> {
    let server = args.index.url()?;
    let mut lines = Lines::open(&args.file)?;
    let folder = Folder::create(&args.data.folder()?)?;
    let _lock = folder.lock()?;
    let mut importer = Importer::open(&folder, server).await?;
    let mut said = Instant::now();
    let broken = loop {
        let (pages, broken) = match lines.batch() {
            Ok(pages) => (pages, None),
            Err((pages, broken)) => (pages, Some(broken)),
        };
        let ended = pages.is_empty();
        importer.put(pages).await?;
        if !stderr().is_terminal() && said.elapsed() > SAID_AGAIN {
            said = Instant::now();
            eprintln!("{} so far", counted(importer.pages(), "page"));
        }
        if ended || broken.is_some() {
            break broken;
        }
    };
    lines.bar.finish_and_clear();
    importer.publish().await?;
    if let Some(broken) = broken {
        let before = counted(importer.pages(), "page");
        bail!("{broken}; {before} before it went into the index");
    }
    if importer.pages() == 0 {
        bail!("{} holds no page", lines.name);
    }
    for (name, site) in &importer.sites {
        let pages = counted(site.pages, "page");
        eprintln!("{pages} of {} went into the index.", style(name).bold());
    }
    Ok(())
}

/// Imports pages into a folder.
struct Importer {
    folder: Folder,
    store: Store,
    archive: SqliteArchive,
    /// The server that the user named.
    server: Option<String>,
    /// Its index, or the folder's own.
    index: WrittenIndex,
    sites: BTreeMap<String, Importing>,
}

/// A site of which pages are imported.
struct Importing {
    store: SiteStore,
    /// Number of pages read so far.
    pages: u64,
}

impl Importer {
    async fn open(folder: &Folder, server: Option<Url>) -> Result<Self> {
        let store = Store::open(&folder.state())?;
        let archive = SqliteArchive::open(&folder.archive())?;
        let index = WrittenIndex::open(folder, server.as_ref()).await?;
        refill(folder, &store, &archive, &index).await?;
        Ok(Importer {
            folder: folder.clone(),
            store,
            archive,
            server: server.map(String::from),
            index,
            sites: BTreeMap::new(),
        })
    }

    /// Number of pages read so far.
    fn pages(&self) -> u64 {
        self.sites.values().map(|site| site.pages).sum()
    }

    async fn put(&mut self, pages: Vec<Stored>) -> Result<()> {
        let mut by_site = BTreeMap::<String, Vec<Stored>>::new();
        for page in pages {
            by_site.entry(page.site.clone()).or_default().push(page);
        }
        for (name, pages) in by_site {
            let site = match self.sites.entry(name) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    adopt(&self.folder, &self.store, new.key(), &self.archive).await?;
                    let store = begin(&self.store, new.key(), &self.server).await?;
                    new.insert(Importing { store, pages: 0 })
                }
            };
            site.pages += pages.len() as u64;
            site.store.import(pages, &self.archive).await?;
        }
        Ok(())
    }

    /// Brings the pages into the index of each site. Names those that the index refuses.
    async fn publish(&self) -> Result<()> {
        for (name, Importing { store, .. }) in &self.sites {
            let noted = store.server().await?;
            let other = match self.server == noted {
                true => None,
                false => Some(WrittenIndex::open_noted(&self.folder, noted.as_deref()).await?),
            };
            // What a crawl left unpublished must not slip in unchecked.
            let max_loss = (!store.is_imported()).then_some(MAX_LOSS);
            let how = How {
                when: When::Resting,
                max_loss,
                lost: 0,
                links: true,
            };
            let index = other.as_ref().unwrap_or(&self.index);
            let done = publish(name, store, &self.archive, index, how, || true).await?;
            if let Done::Held(held) = &done {
                bail!(
                    "the pages of {name} are imported and not published, since {} of {} {}: crawl \
                     the site, or publish it with `canter publish {name}`",
                    held.lost,
                    held.of,
                    held.reason
                );
            }
            if store.is_imported() {
                store.record_published(done).await?;
            }
            for trouble in store.troubles("failed", REFUSED).await? {
                let url = &trouble.url;
                eprintln!("{} {url}: {}", style("left out:").yellow(), trouble.what);
            }
        }
        Ok(())
    }
}

async fn begin(store: &Store, name: &str, server: &Option<String>) -> Result<SiteStore> {
    let clock = Clock::start();
    let now = Arc::new(move || clock.now());
    let site = store.imported_site(name, server.clone(), now).await?;
    if server.is_some() {
        site.note_server(server.clone()).await?;
    }
    Ok(site)
}

/// Reads the pages of a file.
struct Lines {
    name: String,
    reader: Box<dyn BufRead>,
    number: u64,
    bar: ProgressBar,
}

impl Lines {
    fn open(path: &Path) -> Result<Self> {
        let (name, length, input): (_, _, Box<dyn Read>) = if path == Path::new("-") {
            ("standard input".to_owned(), None, Box::new(stdin()))
        } else {
            let name = path.display().to_string();
            let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
            let length = file.metadata().ok().map(|it| it.len()).filter(|it| *it > 0);
            (name, length, Box::new(file))
        };
        let bar = match length {
            Some(length) => ProgressBar::new(length).with_style(bar_style(
                "{spinner:.cyan} {wide_bar:.cyan/238} {bytes}/{total_bytes}",
            )),
            None => ProgressBar::no_length().with_style(bar_style("{spinner:.cyan} {bytes}")),
        };
        let reader = Box::new(BufReader::new(bar.wrap_read(input)));
        Ok(Lines {
            name,
            reader,
            number: 0,
            bar,
        })
    }

    /// The next batch of pages; empty at the end. If a line is invalid, the pages before it and
    /// what is wrong.
    fn batch(&mut self) -> Result<Vec<Stored>, (Vec<Stored>, String)> {
        let (mut pages, mut bytes) = (Vec::new(), 0);
        while pages.len() < BATCH && bytes < BATCH_BYTES {
            match self.next() {
                Ok(None) => break,
                Ok(Some((page, length))) => {
                    bytes += length;
                    pages.push(page);
                }
                Err(why) => {
                    let broken = format!("{}, line {}: {why}", self.name, self.number);
                    return Err((pages, broken));
                }
            }
        }
        Ok(pages)
    }

    /// The page of the next line that is not blank, and the length of the line.
    fn next(&mut self) -> Result<Option<(Stored, usize)>, String> {
        loop {
            let mut line = Vec::new();
            self.number += 1;
            let read = (&mut self.reader)
                .take(MAX_LINE)
                .read_until(b'\n', &mut line);
            let length = read.map_err(|error| error.to_string())?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 == MAX_LINE && !line.ends_with(b"\n") {
                return Err(format!("longer than {} MB", MAX_LINE >> 20));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some((page(&line)?, length)));
            }
        }
    }
}

/// Parses the page of a line, or says what is wrong with it.
fn page(line: &[u8]) -> Result<Stored, String> {
    let page: Stored = serde_json::from_slice(line).map_err(|error| {
        let text = error.to_string();
        // serde_json sees one line only; the caller knows its number in the file.
        let what = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(what, _)| what);
        format!("{what} (column {})", error.column())
    })?;
    let site = site_name(&page.site).map_err(|why| format!("site: {why}"))?;
    if !is_http(&page.url) {
        return Err(format!("url: {} is no http or https URL", page.url));
    }
    for section in &page.sections {
        if page.text.get(section.start..section.end).is_none() {
            return Err(format!(
                "sections: {:?} lies at {} to {}, which is no part of the {} bytes of text",
                section.title,
                section.start,
                section.end,
                page.text.len()
            ));
        }
    }
    let url = normalise(page.url);
    Ok(Stored { site, url, ..page })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Stored, String> {
        page(line.as_bytes())
    }

    #[test]
    fn any_line() {
        bolero::check!().for_each(|line: &[u8]| {
            let Ok(page) = page(line) else {
                return;
            };
            assert!(is_http(&page.url));
            assert_eq!(normalise(page.url.clone()), page.url);
            for section in &page.sections {
                assert!(page.text.get(section.start..section.end).is_some());
            }
        });
    }

    #[test]
    fn a_line_needs_little() {
        let line = r#"{"site":"d","url":"HTTPS://d.test/%7ea#x","text":"words","fetched_at_ms":1}"#;
        let page = read(line).unwrap();
        assert_eq!(
            (page.url.as_str(), page.title.as_str()),
            ("https://d.test/~a", "")
        );
    }

    #[test]
    fn what_is_no_page_says_why() {
        let with = |rest: &str| {
            format!(r#"{{"site":"d","text":"é","title":"t","fetched_at_ms":1,{rest}}}"#)
        };
        let url = r#""url":"https://d.test/""#;
        for (line, why) in [
            ("{", "EOF"),
            (r#"{"site":"d"}"#, "missing field `url`"),
            (&with(r#""url":"javascript:alert(1)""#), "no http or https"),
            (&with(r#""url":"a b""#), "relative URL"),
            (
                &with(&format!(
                    r#"{url},"sections":[{{"t":"s","l":1,"s":0,"e":1}}]"#
                )),
                "no part of the 2",
            ),
            (
                &with(&format!(
                    r#"{url},"sections":[{{"t":"s","l":1,"s":2,"e":0}}]"#
                )),
                "no part of the 2",
            ),
            (&with(url).replace(r#""d""#, r#""\u001b[31m""#), "one line"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
