//! `canter import`: pages from JSON lines into the index, as `canter export` writes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, stderr, stdin};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use canter_core::document::{Document, Stored, Write};
use canter_core::inlinks::Inlinks;
use canter_core::ports::IndexWriter;
use canter_core::time::Moment;
use canter_embedded::folder::Folder;
use canter_http::Clock;
use canter_page::url::{is_http, normalise};
use clap::Args;
use console::style;
use indicatif::ProgressBar;

use crate::args::{Data, Server, site_name};
use crate::count::counted;
use crate::crawl::bar_style;
use crate::index::WrittenIndex;

/// Maximum number of pages in one commit, and maximum size of their lines in bytes.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 16 << 20;
/// Maximum length of a line, in bytes: far more than a crawl keeps of a page.
const MAX_LINE: u64 = 256 << 20;
/// Time between two lines about progress if there is no bar.
const SAID_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter export docs.example.org/3 > docs.jsonl && canter import docs.jsonl --data elsewhere\n  \
    canter export docs.example.org/3 | canter import - --index https://search.example.org:9200\n\n\
    A line is a page: an object with site, url, text and fetched_at_ms (Unix time in ms), and with\n\
    title, language, sections and links where there are such, as `canter export` writes them. A page\n\
    that was fetched later than the one in the index takes its place; an older one changes nothing.")]
pub struct Import {
    /// JSON lines, one page a line; - for standard input
    pub file: PathBuf,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

/// Puts every page into the index, then counts the links between them.
pub async fn import(args: Import) -> Result<()> {
    let server = args.index.url()?;
    let mut lines = Lines::open(&args.file)?;
    let folder = Folder::create(&args.data.folder()?)?;
    let _lock = folder.lock()?;
    let index = WrittenIndex::open(&folder, server.as_ref()).await?;
    let mut sites = BTreeMap::<String, u64>::new();
    let mut said = Instant::now();
    loop {
        let (pages, broken) = match lines.batch() {
            Ok(pages) => (pages, None),
            Err((pages, broken)) => (pages, Some(broken)),
        };
        let ended = pages.is_empty();
        put(&index, pages, &mut sites).await?;
        if !stderr().is_terminal() && said.elapsed() > SAID_AGAIN {
            said = Instant::now();
            eprintln!("{} so far", counted(sites.values().sum(), "page"));
        }
        if let Some(broken) = broken {
            let before = counted(sites.values().sum(), "page");
            bail!("{broken}; {before} before it went into the index");
        }
        if ended {
            break;
        }
    }
    lines.bar.finish_and_clear();
    if sites.is_empty() {
        bail!("{} holds no page", lines.name);
    }
    for (site, pages) in &sites {
        let pages = counted(*pages, "page");
        eprintln!("{pages} of {} went into the index.", style(site).bold());
    }
    Ok(())
}

/// Puts pages durably into the index and counts them by site. Names those that the index refuses.
async fn put(
    index: &WrittenIndex,
    pages: Vec<Stored>,
    sites: &mut BTreeMap<String, u64>,
) -> Result<()> {
    if pages.is_empty() {
        return Ok(());
    }
    let now = Clock::start().now();
    let documents: Vec<Document> = pages.into_iter().map(|page| document(page, now)).collect();
    let known = |it: &Document| (it.id(), it.site.clone(), it.url.clone());
    let known: Vec<_> = documents.iter().map(known).collect();
    let (put, flushed) = tokio::join!(index.put(documents), index.flush());
    let refused = put?;
    flushed?;
    for (id, site, url) in known {
        match refused.iter().find(|refused| refused.id == id) {
            Some(refused) => eprintln!("{} {url}: {}", style("left out:").yellow(), refused.why),
            None => *sites.entry(site).or_default() += 1,
        }
    }
    Ok(())
}

/// The document of a page, before any links were counted. A time in the future counts as now, so
/// that a later crawl can replace the page.
fn document(page: Stored, now: Moment) -> Document {
    let fetched_at = Moment::from_millis(page.fetched_at_ms).min(now);
    let version = fetched_at.millis();
    Document {
        site: page.site.clone(),
        url: page.url.clone(),
        fetched_at,
        version: Write { version, pass: 0 }.number(),
        page: page.into_page(),
        inlinks: Inlinks::default(),
    }
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
