//! `canter status`: what is known, how fresh, how far.

mod show;

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use anyhow::Result;
use canter_embedded::folder::{FORMAT, Folder, nothing};
use canter_embedded::store::{Reading, Rest, SiteReport};
use clap::Args;
use console::style;
use indicatif::HumanBytes;
use serde_json::{Value, json};

use crate::args::Data;
use crate::usage::UsageError;
use crate::when::iso;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter status                             all sites\n  \
    canter status docs.example.org/3          one, with what was skipped and why\n  \
    canter status docs.example.org/3 --json\n\n\
    In JSON each site is one object on a line: site, state (running, complete, stopped, limit, paused,\n\
    cut_off, forgotten), why, pages, searchable, indexed, unchanged, duplicates, redirected, gone,\n\
    skipped, skipped_by, failed, waiting, rps_limit, began_at, fetched_at,\n\
    folder.{path, bytes, format, state_format}.")]
pub struct Status {
    /// Only this site
    pub site: Option<String>,

    #[command(flatten)]
    pub data: Data,

    /// One JSON object per site, each on a line
    #[arg(long)]
    pub json: bool,
}

/// Prints the state of each site.
pub fn status(args: &Status) -> Result<()> {
    let path = crate::folder(&args.data)?;
    let folder = Folder::existing(&path)?;
    // Before the rows are read: a crawl that ends in between has noted how.
    let busy = folder.is_locked();
    let Some(reading) = Reading::open(&folder)? else {
        return Err(nothing(&path).into());
    };
    let mut sites = reading.report()?;
    if let Some(site) = &args.site {
        sites = vec![find(sites, site)?];
    }
    if sites.is_empty() {
        return Err(nothing(&path).into());
    }
    let bytes = size(folder.path());
    let mut out = stdout().lock();
    for site in &sites {
        if args.json {
            let mut object = object(site, busy);
            object["folder"] = json!({
                "path": path.display().to_string(),
                "bytes": bytes,
                "format": FORMAT,
                "state_format": reading.version(),
            });
            writeln!(out, "{object}")?;
        } else if sites.len() == 1 {
            write!(out, "{}", show::site(site, busy))?;
        }
    }
    if !args.json {
        if sites.len() > 1 {
            write!(out, "{}", show::table(&sites, busy))?;
        }
        let line = format!(
            "{}: {}, format {FORMAT}.{}",
            path.display(),
            HumanBytes(bytes),
            reading.version()
        );
        writeln!(out, "{}", style(line).dim())?;
    }
    Ok(())
}

/// The site of a name; a mistake on the command line when there is none.
pub fn find(sites: Vec<SiteReport>, name: &str) -> Result<SiteReport> {
    let names: Vec<String> = sites.iter().map(|site| site.site.clone()).collect();
    let found = sites.into_iter().find(|site| site.site == name);
    let names = names.iter().map(String::as_str);
    found.ok_or_else(|| UsageError::new(no_such_site(name, names)).into())
}

/// What is said of a name that no site has.
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

/// Name of the state, and a reason where there is one.
fn state(site: &SiteReport, busy: bool) -> (&'static str, Option<&str>) {
    match &site.rest {
        Some(Rest::Forgotten) => ("forgotten", None),
        _ if site.ended => ("complete", None),
        _ if site.is_running(busy) => ("running", None),
        None | Some(Rest::CutOff) => ("cut_off", None),
        Some(Rest::Stopped) => ("stopped", None),
        Some(Rest::Limit { option }) => ("limit", Some(option)),
        Some(Rest::Paused { why }) => ("paused", Some(why)),
    }
}

fn object(site: &SiteReport, busy: bool) -> Value {
    let (state, why) = state(site, busy);
    let counts = &site.counts;
    json!({
        "site": site.site,
        "state": state,
        "why": why,
        "pages": counts.pages,
        "searchable": site.searchable,
        "indexed": counts.indexed,
        "unchanged": counts.unchanged,
        "duplicates": counts.duplicates,
        "redirected": counts.redirected,
        "gone": counts.gone,
        "skipped": counts.skipped,
        "skipped_by": counts.skipped_by,
        "failed": counts.failed,
        "waiting": counts.waiting,
        "index": site.server,
        "rps_limit": site.rps,
        "began_at": iso(site.began_ms),
        "fetched_at": site.fetched_ms.map(iso),
    })
}

/// Bytes of all files of a folder; what goes away meanwhile counts for nothing.
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
