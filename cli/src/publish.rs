//! `canter publish` and `canter reindex`: the index of a site, made of what the archive holds.

use std::sync::Arc;

use anyhow::{Result, bail};
use canter_core::ports::IndexReader;
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
use crate::refill::{adopt, refill};
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
    let known = Known::open(&folder, &args.site).await?;
    let when = match known.ended {
        true => When::Ended,
        false => When::Resting,
    };
    let noted = known.site.server().await?;
    let index = WrittenIndex::open_noted(&folder, noted.as_deref()).await?;
    let changes = known.publish(&index, when).await?;
    refill(&folder, &known.store, &known.archive, &index).await?;
    eprint!("{}", told(&args.site, &changes));
    Ok(())
}

/// Makes the index of a site anew.
pub async fn reindex(args: Reindex) -> Result<()> {
    let server = args.index.url()?;
    let folder = Folder::existing(&args.data.folder()?)?;
    let _lock = folder.lock()?;
    let known = Known::open(&folder, &args.site).await?;
    let noted = known.site.server().await?;
    let index = match &server {
        Some(_) => WrittenIndex::open(&folder, server.as_ref()).await?,
        None => WrittenIndex::open_noted(&folder, noted.as_deref()).await?,
    };
    known.publish(&index, When::Again).await?;
    // The others of a folder's index that was replaced.
    refill(&folder, &known.store, &known.archive, &index).await?;
    if let Some(server) = server {
        known.site.note_server(Some(server.to_string())).await?;
    }
    let (there, published) = (
        index.count(&args.site).await?,
        known.site.searchable().await?,
    );
    let (pages, site) = (counted(there, "page"), style(&args.site).bold());
    eprintln!("{pages} of {site} are in the index.");
    if there < published {
        let lost = counted(published - there, "page");
        eprintln!("{lost} are no longer in the archive: the next crawl fetches them.");
    }
    Ok(())
}

/// A site of a folder, open for publishing.
struct Known {
    store: Store,
    archive: SqliteArchive,
    name: String,
    site: SiteStore,
    /// Whether the newest crawl has seen every page.
    ended: bool,
}

impl Known {
    async fn open(folder: &Folder, name: &str) -> Result<Self> {
        let store = Store::open(&folder.state())?;
        let archive = SqliteArchive::open(&folder.archive())?;
        adopt(folder, &store, name, &archive).await?;
        let clock = Clock::start();
        let now = Arc::new(move || clock.now());
        let Some(site) = store.known_site(name, now).await? else {
            return Err(unknown_site(name, folder)?.into());
        };
        let sites = report(folder)?;
        Ok(Known {
            ended: sites.iter().any(|site| site.site == name && site.ended),
            name: name.to_owned(),
            store,
            archive,
            site,
        })
    }

    async fn publish(&self, index: &WrittenIndex, when: When) -> Result<Changes> {
        let how = How {
            when,
            max_loss: Some(100.0),
            lost: 0,
            links: true,
        };
        let published = run(&self.name, &self.site, &self.archive, index, how, || true);
        match published.await? {
            Done::Published(changes) if when == When::Again => Ok(*changes),
            Done::Published(changes) => {
                let done = Done::Published(changes.clone());
                self.site.record_published(done).await?;
                Ok(*changes)
            }
            Done::Held(_) | Done::Part(_) => bail!("{} was not published", self.name),
        }
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
