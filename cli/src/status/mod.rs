//! `canter status`: what is known of each site, how fresh it is, and how far its crawl is.

pub mod show;
mod standing;

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use anyhow::Result;
use canter_core::failure::Failure;
use canter_embedded::folder::{FORMAT, Folder, nothing};
use canter_embedded::store::{Reading, SiteReport, report};
use canter_tantivy::TantivyReader;
use clap::Args;
use console::style;
use indicatif::HumanBytes;
use serde_json::json;

use crate::args::{Data, stack};
use crate::usage::UsageError;
pub use standing::Standing;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter status                             all sites\n  \
    canter status docs.example.org/3          one, with what was skipped and why\n  \
    canter status docs.example.org/3 --json\n  \
    canter status docs.example.org/3 --aws canter      in the stack `canter`, with its bill\n\n\
    In JSON each site is one object on a line: site, state (running, complete, stopped, limit, paused,\n\
    cut_off, forgotten, imported), why, pages, searchable, indexed, unchanged, duplicates, redirected,\n\
    gone, skipped, skipped_by, failed, waiting, held, changes.{new, changed, moved, removed, withdrawn,\n\
    duplicates}.{count, examples}, index, rps_limit, began_at, fetched_at,\n\
    folder.{path, bytes, format, state_format}. With --aws, in the place of folder: alive_at, ended_at,\n\
    requests, bytes, retries, every_seconds, stack.{name, search_url, month.{since, crawls, dollars}},\n\
    bill. The rows of a crawl that has not ended are counted: a million of them are read for about a\n\
    cent. A month has the crawls that began in it, by UTC.")]
pub struct Status {
    /// Only this site
    pub site: Option<String>,

    #[command(flatten)]
    pub data: Data,

    /// The sites of a deployed stack, instead of a folder's
    #[arg(long, value_name = "STACK", value_parser = stack, conflicts_with = "dir")]
    pub aws: Option<String>,

    /// One JSON object per site, each on a line
    #[arg(long)]
    pub json: bool,
}

/// Prints the state of each site.
pub fn status(args: &Status) -> Result<()> {
    let path = args.data.folder()?;
    let folder = Folder::existing(&path)?;
    // Before the rows are read, because a crawl notes how it ended before it unlocks the folder.
    let busy = folder.is_locked();
    let reading = Reading::open(&folder)?;
    let crawled = reading.as_ref().map_or(Ok(Vec::new()), Reading::report)?;
    let mut standings = standings(&folder, crawled, busy)?;
    if standings.is_empty() {
        return Err(nothing(&path).into());
    }
    if let Some(name) = &args.site {
        standings = vec![find(standings, name, |site| &site.site)?];
    }
    let bytes = size(folder.path());
    let mut out = stdout().lock();
    for standing in &standings {
        if args.json {
            let mut object = standing.object();
            object["folder"] = json!({
                "path": path.display().to_string(),
                "bytes": bytes,
                "format": FORMAT,
                "state_format": reading.as_ref().map(Reading::version),
            });
            writeln!(out, "{object}")?;
        } else if standings.len() == 1 {
            write!(out, "{}", show::site(standing))?;
        }
    }
    if !args.json {
        if standings.len() > 1 {
            write!(
                out,
                "{}",
                show::table(&standings.iter().collect::<Vec<_>>())
            )?;
        }
        let state = reading.map_or_else(String::new, |it| format!(".{}", it.version()));
        let (path, bytes) = (path.display(), HumanBytes(bytes));
        let line = format!("{path}: {bytes}, format {FORMAT}{state}");
        writeln!(out, "{}", style(line).dim())?;
    }
    Ok(())
}

/// All sites of a folder, both crawled and imported.
pub fn standings(folder: &Folder, crawled: Vec<SiteReport>, busy: bool) -> Result<Vec<Standing>> {
    let imported = imported(folder, &crawled)?.into_iter();
    let imported = imported.map(|(site, pages)| Standing::imported(site, pages));
    let crawled = crawled.into_iter().map(|site| Standing::of(site, busy));
    Ok(crawled.chain(imported).collect())
}

/// Imported sites, with their numbers of pages: those in the folder's own index that were never
/// crawled.
fn imported(folder: &Folder, crawled: &[SiteReport]) -> Result<Vec<(String, u64)>, Failure> {
    let Ok(index) = TantivyReader::open(&folder.index()) else {
        return Ok(Vec::new());
    };
    index.sites(|site| crawled.iter().all(|known| known.site != site))
}

/// Finds a site by name; a usage error if there is none.
pub fn find<T>(sites: Vec<T>, name: &str, name_of: impl Fn(&T) -> &str) -> Result<T> {
    let unknown = no_such_site(name, sites.iter().map(&name_of));
    let found = sites.into_iter().find(|site| name_of(site) == name);
    found.ok_or_else(|| UsageError::new(unknown).into())
}

/// The error for a name that no site of the folder has.
pub fn unknown_site(site: &str, folder: &Folder) -> Result<UsageError, Failure> {
    let sites = report(folder)?;
    let imported = imported(folder, &sites)?;
    let crawled = sites.into_iter().map(|site| site.site);
    let names = crawled.chain(imported.into_iter().map(|(site, _)| site));
    Ok(UsageError::new(format!(
        "there are no pages of a site {site:?}; known sites: {}",
        names.collect::<Vec<_>>().join(", ")
    )))
}

/// The message for a name that no site has.
pub fn no_such_site<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    if known.is_empty() {
        return format!("there is no site {name:?}: none was crawled yet");
    }
    format!(
        "there is no site {name:?}; known sites: {}",
        known.join(", ")
    )
}

/// Size of all files in a folder, in bytes. Files that vanish meanwhile count as nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
