//! `canter forget`: removes a site. Its pages leave the index first, then its rows are deleted.

use std::io::{IsTerminal, stderr, stdin};

use anyhow::{Result, bail};
use canter_core::failure::Failure;
use canter_core::ports::{Archive, IndexReader, IndexWriter};
use canter_core::task::UrlKey;
use canter_elastic::Settings;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Store, report};
use clap::Args;
use console::style;
use url::Url;

use crate::args::{Data, Server};
use crate::count::counted;
use crate::index::{ReadIndex, WrittenIndex};
use crate::refill::refill;
use crate::status;
use crate::usage::UsageError;

/// Maximum number of pages that are deleted in one commit.
const BATCH: usize = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter forget docs.example.org/3          asks first\n  \
    canter forget docs.example.org/3 --yes    for scripts\n  \
    canter forget docs.example.org/3 --index https://search.example.org/docs\n\n\
    Cut off, the same command finishes. With --index, the site leaves that index; the folder and other\n\
    indexes forget it too if that is where the folder has its pages.")]
pub struct Forget {
    /// Name of the site, as `canter status` gives it
    pub site: String,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub index: Server,

    #[command(flatten)]
    pub data: Data,
}

/// Removes the site for good.
pub async fn forget(args: Forget) -> Result<()> {
    let site = &args.site;
    let folder = Folder::existing(&args.data.folder()?);
    if let Some(server) = args.index.url()?
        && !is_noted(&folder, site, &server)?
    {
        return forget_elsewhere(&server, site, args.yes).await;
    }
    let folder = folder?;
    let known = status::standings(&folder, report(&folder)?, folder.is_locked())?;
    let known = status::find(known, site, |it| &it.site)?;
    let _lock = folder.lock()?;
    confirm(args.yes, site, known.searchable.unwrap_or_default())?;
    let store = Store::open(&folder.state())?;
    let index = WrittenIndex::open_noted(&folder, known.server.as_deref()).await?;
    store.begin_forgetting(site).await?;
    let pages = remove(&index, site).await?;
    if known.server.is_some() && folder.index().exists() {
        // The site may have been here before it was on the server.
        remove(&WrittenIndex::open(&folder, None).await?, site).await?;
    }
    let archive = SqliteArchive::open(&folder.archive())?;
    archive.forget(site).await?;
    let urls = store.forget_site(site).await?;
    refill(&folder, &store, &archive, &index).await?;
    eprintln!(
        "{} is forgotten: {} and {}.",
        style(site).bold(),
        counted(pages, "page"),
        counted(urls, "known URL")
    );
    Ok(())
}

/// Returns whether the folder has the site's pages on this server.
fn is_noted(folder: &Result<Folder, Failure>, site: &str, server: &Url) -> Result<bool> {
    let Ok(folder) = folder else {
        return Ok(false);
    };
    let sites = report(folder)?;
    let known = sites.iter().find(|known| known.site == site);
    let noted = known.and_then(|known| known.server.as_deref());
    let noted = noted.map(|noted| Settings::new(noted, None)).transpose()?;
    let server = Settings::new(server.as_str(), None)?;
    Ok(noted.is_some_and(|noted| noted.is_same_index(&server)))
}

/// Removes a site from an index that the folder does not have its pages in.
async fn forget_elsewhere(server: &Url, site: &str, yes: bool) -> Result<()> {
    let pages = ReadIndex::server(server).await?.count(site).await?;
    if pages == 0 {
        let unknown = format!("there are no pages of a site {site:?} in {server}");
        return Err(UsageError::new(unknown).into());
    }
    confirm(yes, site, pages)?;
    let index = WrittenIndex::server(server).await?;
    let pages = remove(&index, site).await?;
    let pages = counted(pages, "page");
    eprintln!("{} has left {server}: {pages}.", style(site).bold());
    Ok(())
}

/// Removes a site's pages from an index, and returns their number.
async fn remove(index: &WrittenIndex, site: &str) -> Result<u64> {
    let versions = index.versions(site).await?.into_iter();
    let ids: Vec<UrlKey> = versions.map(|(id, _)| id).collect();
    for ids in ids.chunks(BATCH) {
        let deleted = index.delete(ids.to_vec());
        let (deleted, flushed) = tokio::join!(deleted, index.flush());
        deleted.and(flushed)?;
    }
    Ok(ids.len() as u64)
}

/// Asks the user, unless the command has the answer.
fn confirm(yes: bool, site: &str, pages: u64) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        bail!("nothing was removed: add --yes to forget {site}");
    }
    let pages = counted(pages, "page");
    eprint!("Remove {pages} of {site} and all that is known of it? [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if !answer.trim().eq_ignore_ascii_case("y") {
        bail!("nothing was removed");
    }
    Ok(())
}
