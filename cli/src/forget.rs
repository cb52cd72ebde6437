//! `canter forget`: removes a site. Its pages leave the index first, then its rows are deleted.

use std::io::{IsTerminal, stderr, stdin};

use anyhow::{Result, bail};
use canter_core::ports::{Archive, IndexReader, IndexWriter};
use canter_core::task::UrlKey;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Store, report};
use clap::Args;
use console::style;

use crate::args::Data;
use crate::count::counted;
use crate::index::WrittenIndex;
use crate::refill::refill;
use crate::status;

/// Maximum number of pages that are deleted in one commit.
const BATCH: usize = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter forget docs.example.org/3          asks first\n  \
    canter forget docs.example.org/3 --yes    for scripts\n\n\
    Cut off, the same command finishes.")]
pub struct Forget {
    /// Name of the site, as `canter status` gives it
    pub site: String,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,

    #[command(flatten)]
    pub data: Data,
}

/// Removes the site for good.
pub async fn forget(args: Forget) -> Result<()> {
    let folder = Folder::existing(&args.data.folder()?)?;
    let site = &args.site;
    let known = status::standings(&folder, report(&folder)?, folder.is_locked())?;
    let known = status::find(known, site, |it| &it.site)?;
    let _lock = folder.lock()?;
    if !args.yes {
        match confirm(site, known.searchable.unwrap_or_default())? {
            Some(true) => {}
            Some(false) => bail!("nothing was removed"),
            None => bail!("nothing was removed: add --yes to forget {site}"),
        }
    }
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

/// Asks the user; none if there is no terminal.
fn confirm(site: &str, pages: u64) -> Result<Option<bool>> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        return Ok(None);
    }
    let pages = counted(pages, "page");
    eprint!("Remove {pages} of {site} and all that is known of it? [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(Some(answer.trim().eq_ignore_ascii_case("y")))
}
