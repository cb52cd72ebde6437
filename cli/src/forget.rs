//! `canter forget`: removes a site. Its pages leave the index first, then its rows are deleted.

use std::io::{IsTerminal, stderr, stdin};

use anyhow::{Result, bail};
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
    let path = args.data.folder()?;
    if let Some(server) = args.index.url()? {
        let noted = match Folder::find(&path)? {
            Some(folder) => noted(&folder, site)?,
            None => None,
        };
        let named = Settings::new(server.as_str(), None)?;
        if !noted
            .as_ref()
            .is_some_and(|(_, noted)| noted.is_same_index(&named))
        {
            forget_elsewhere(&server, site, args.yes).await?;
            if let Some((noted, _)) = noted {
                eprintln!("{site} stays in {noted}; `canter forget {site}` removes it there.");
            }
            return Ok(());
        }
    }
    let folder = Folder::existing(&path)?;
    let known = status::standings(&folder, report(&folder)?, folder.is_locked())?;
    let known = status::find(known, site, |it| &it.site)?;
    let _lock = folder.lock()?;
    let pages = counted(known.searchable.unwrap_or_default(), "page");
    confirm(
        args.yes,
        site,
        &format!("{pages} of {site} and all that is known of it"),
    )?;
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

/// Returns the server on which the folder has a site's pages.
fn noted(folder: &Folder, site: &str) -> Result<Option<(String, Settings)>> {
    let known = report(folder)?.into_iter().find(|known| known.site == site);
    let Some(noted) = known.and_then(|known| known.server) else {
        return Ok(None);
    };
    let settings = Settings::new(&noted, None)?;
    Ok(Some((noted, settings)))
}

/// Removes a site from an index that the folder does not have its pages in.
async fn forget_elsewhere(server: &Url, site: &str, yes: bool) -> Result<()> {
    let pages = ReadIndex::server(server).await?.count(site).await?;
    if pages == 0 {
        let unknown = format!("there are no pages of a site {site:?} in {server}");
        return Err(UsageError::new(unknown).into());
    }
    let pages = counted(pages, "page");
    confirm(yes, site, &format!("{pages} of {site} from {server}"))?;
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
        let deleted = index.delete(site, ids.to_vec());
        let (deleted, flushed) = tokio::join!(deleted, index.flush());
        deleted.and(flushed)?;
    }
    Ok(ids.len() as u64)
}

/// Asks the user, unless the command has the answer.
fn confirm(yes: bool, site: &str, what: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        bail!("nothing was removed: add --yes to forget {site}");
    }
    eprint!("Remove {what}? [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if !answer.trim().eq_ignore_ascii_case("y") {
        bail!("nothing was removed");
    }
    Ok(())
}
