//! `canter export`: a site's pages as JSON lines.

use std::collections::HashMap;
use std::io::{BufWriter, Write, stdout};

use anyhow::{Result, bail};
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, Place};
use canter_embedded::archive::ArchiveReader;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Reading, report};
use clap::Args;
use url::Url;

use crate::args::{Data, Server};
use crate::index::ReadIndex;
use crate::status::unknown_site;
use crate::usage::UsageError;

#[derive(Debug, Args)]
pub struct Export {
    /// Name of the site, as the crawl's summary gives it
    pub site: String,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

/// Number of pages that are read from the archive at a time.
const READ: usize = 64;

/// Writes one page per line, in a stable order.
pub async fn export(args: Export) -> Result<()> {
    let mut out = BufWriter::new(stdout());
    match source(&args).await? {
        Source::Archive(reading, archive, shown) => {
            for shown in shown.chunks(READ) {
                let lines = lines(&reading, &archive, &args.site, shown).await?;
                for line in lines.into_iter().flatten() {
                    writeln!(out, "{line}")?;
                }
            }
        }
        Source::Index(index) => {
            let mut written = Ok(());
            let exported = index.export(&args.site, |page| {
                let line = serde_json::to_string(&page).map_err(Failure::permanent)?;
                writeln!(out, "{line}").map_err(|error| {
                    let failure = Failure::permanent(&error);
                    written = Err(error);
                    failure
                })
            });
            let exported = exported.await;
            // The I/O error itself says more than the failure made from it.
            written?;
            exported?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Reads pages as they are exported. A page that is no longer where it was has been published anew
/// meanwhile, or is shown no more: `None`.
async fn lines(
    reading: &Reading,
    archive: &ArchiveReader,
    site: &str,
    shown: &[(Url, Place)],
) -> Result<Vec<Option<String>>> {
    let places: Vec<Place> = shown.iter().map(|(_, place)| place.clone()).collect();
    let pages = archive.get(site, &places).await?;
    let links = archive.links(site, &places).await?;
    let found = pages.into_iter().zip(links).map(|found| match found {
        (Some(page), Some(links)) => Ok(Some(serde_json::to_string(&page.exported(&links)?)?)),
        _ => Ok(None),
    });
    let mut lines = found.collect::<Result<Vec<_>>>()?;
    if lines.iter().all(Option::is_some) {
        return Ok(lines);
    }
    let now: HashMap<Url, Place> = reading.published(site)?.into_iter().collect();
    let (mut numbers, mut moved) = (Vec::new(), Vec::new());
    for (number, (url, place)) in shown.iter().enumerate() {
        match now.get(url).filter(|_| lines[number].is_none()) {
            None => {}
            Some(now) if now == place => {
                bail!("the archive has lost a page: crawl the site again")
            }
            Some(now) => {
                numbers.push(number);
                moved.push((url.clone(), now.clone()));
            }
        }
    }
    if !moved.is_empty() {
        let again = Box::pin(self::lines(reading, archive, site, &moved)).await?;
        for (number, line) in numbers.into_iter().zip(again) {
            lines[number] = line;
        }
    }
    Ok(lines)
}

/// Where the pages of a site are.
enum Source {
    /// The archive, with the pages that the index shows and their places.
    Archive(Reading, ArchiveReader, Vec<(Url, Place)>),
    /// An index whose pages no archive of the folder holds.
    Index(ReadIndex),
}

/// Opens the archive or the index that holds the pages of the site.
async fn source(args: &Export) -> Result<Source> {
    if let Some(server) = args.index.url()? {
        let index = ReadIndex::server(&server).await?;
        if index.count(&args.site).await? == 0 {
            let unknown = format!("there are no pages of a site {:?} in {server}", args.site);
            return Err(UsageError::new(unknown).into());
        }
        return Ok(Source::Index(index));
    }
    let folder = Folder::existing(&args.data.folder()?)?;
    if let (Some(reading), Some(archive)) = (Reading::open(&folder)?, ArchiveReader::open(&folder)?)
    {
        let shown = reading.published(&args.site)?;
        if !shown.is_empty() {
            return Ok(Source::Archive(reading, archive, shown));
        }
    }
    let sites = report(&folder)?;
    let site = sites.iter().find(|site| site.site == args.site);
    let noted = site.and_then(|site| site.server.as_deref());
    let index = ReadIndex::noted(&folder, noted).await;
    // Without an index of the folder's own, the site is unknown all the same.
    if index.is_err() && site.is_none() && !sites.is_empty() {
        return Err(unknown_site(&args.site, &folder)?.into());
    }
    let index = index?;
    if index.count(&args.site).await? == 0 {
        return Err(unknown_site(&args.site, &folder)?.into());
    }
    Ok(Source::Index(index))
}
