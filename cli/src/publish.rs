//! `canter publish` and `canter reindex`: the index of a site, made of what the archive holds.

use anyhow::{Result, bail};
use canter_core::publish::{Changes, Done, How, When, publish as run};
use canter_core::solo::SoloCrawl;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{SiteStore, Store, report};
use canter_http::Clock;
use clap::Args;
use console::style;

use crate::args::{Data, Server, stack};
use crate::count::counted;
use crate::index::WrittenIndex;
use crate::status::unknown_site;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  canter publish docs.example.org/3\n\n\
    A refresh is held if it would take too much of a site out of the search (--max-loss of canter\n\
    crawl). This command publishes it as it is.")]
pub struct Publish {
    /// Name of the site, as `canter status` gives it
    pub site: String,

    #[command(flatten)]
    pub data: Data,

    /// A site of a deployed stack, instead of a folder's
    #[arg(long, value_name = "STACK", value_parser = stack, conflicts_with = "dir")]
    pub aws: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter reindex docs.example.org/3\n  \
    canter reindex docs.example.org/3 --index https://search.example.org:9200\n\n\
    Pages are read from the archive; the site is not asked. The index answers meanwhile.")]
pub struct Reindex {
    /// Name of the site, as `canter status` gives it
    pub site: String,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,

    /// A site of a deployed stack, instead of a folder's
    #[arg(long, value_name = "STACK", value_parser = stack, conflicts_with_all = ["dir", "url"])]
    pub aws: Option<String>,
}

/// Publishes a site as it was crawled last.
pub async fn publish(args: Publish) -> Result<()> {
    let folder = Folder::existing(&args.data.folder()?)?;
    let _lock = folder.lock()?;
    let store = Store::open(&folder.state())?;
    let (site, ended) = open(&store, &args.site, &folder).await?;
    let server = site.server().await?;
    let index = WrittenIndex::open_noted(&folder, server.as_deref()).await?;
    let when = if ended { When::Ended } else { When::Resting };
    let changes = published(&folder, &args.site, &site, &index, when).await?;
    eprint!("{}", told(&args.site, &changes));
    Ok(())
}

/// Makes the index of a site anew.
pub async fn reindex(args: Reindex) -> Result<()> {
    let server = args.index.url()?;
    let folder = Folder::existing(&args.data.folder()?)?;
    let _lock = folder.lock()?;
    let store = Store::open(&folder.state())?;
    let (site, _) = open(&store, &args.site, &folder).await?;
    let index = match &server {
        Some(_) => WrittenIndex::open(&folder, server.as_ref()).await?,
        None => WrittenIndex::open_noted(&folder, site.server().await?.as_deref()).await?,
    };
    published(&folder, &args.site, &site, &index, When::Again).await?;
    if let Some(server) = server {
        site.note_server(Some(server.to_string())).await?;
    }
    let pages = counted(site.searchable().await?, "page");
    eprintln!("{pages} of {} are in the index.", style(&args.site).bold());
    Ok(())
}

/// Opens a site that was crawled, and tells whether its newest crawl has ended.
async fn open(store: &Store, name: &str, folder: &Folder) -> Result<(SiteStore, bool)> {
    let clock = Clock::start();
    let now = std::sync::Arc::new(move || clock.now());
    let Some(site) = store.known_site(name, now).await? else {
        return Err(unknown_site(name, folder)?.into());
    };
    let sites = report(folder)?;
    let ended = sites.iter().any(|site| site.site == name && site.ended);
    Ok((site, ended))
}

async fn published(
    folder: &Folder,
    name: &str,
    site: &SiteStore,
    index: &WrittenIndex,
    when: When,
) -> Result<Changes> {
    let archive = SqliteArchive::open(&folder.archive())?;
    let how = How {
        when,
        max_loss: None,
        links: true,
    };
    let done = run(name, site, &archive, index, how, || true).await?;
    site.record_published(&done).await?;
    match done {
        Done::Published(changes) => Ok(*changes),
        Done::Held(_) | Done::Part => bail!("{name} was not published"),
    }
}

/// What was published, for a person.
fn told(site: &str, changes: &Changes) -> String {
    let all = changes
        .all()
        .into_iter()
        .filter(|(_, change)| change.count > 0);
    let all: Vec<String> = all
        .map(|(name, change)| format!("{} {name}", counted(change.count, "page")))
        .collect();
    let what = match all.is_empty() {
        true => "nothing to change".to_owned(),
        false => all.join(", "),
    };
    format!("{} is published: {what}.\n", style(site).bold())
}
