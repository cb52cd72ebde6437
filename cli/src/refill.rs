//! Fills what an index has lost, and takes over what an older canter has put into it.

use std::sync::Arc;

use anyhow::{Context, Result};
use canter_core::ports::IndexReader;
use canter_core::publish::{How, When, publish};
use canter_core::time::Moment;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Rest, Store, report};
use canter_http::Clock;
use console::style;

use crate::index::{ReadIndex, WrittenIndex};

/// Fills the folder's own index where it holds fewer pages of a site than were published: it was
/// lost, in part or as a whole, or another version of canter made it.
pub async fn refill(
    folder: &Folder,
    store: &Store,
    archive: &SqliteArchive,
    index: &WrittenIndex,
) -> Result<()> {
    if let WrittenIndex::Server(_) = index {
        return Ok(());
    }
    for site in report(folder)? {
        let name = &site.site;
        let is_elsewhere = site.server.is_some() || site.rest == Some(Rest::Forgotten);
        if is_elsewhere || index.count(name).await? >= site.searchable {
            continue;
        }
        let Some(known) = store.known_site(name, clock()).await? else {
            continue;
        };
        if known.needs_adoption().await? {
            continue;
        }
        eprintln!(
            "The index has lost pages of {}: filling it.",
            style(name).bold()
        );
        let how = How {
            when: When::Lost,
            max_loss: None,
            lost: 0,
            links: true,
        };
        publish(name, &known, archive, index, how, || true).await?;
    }
    Ok(())
}

/// Takes the pages of a site that an older canter has put into an index over into the archive. Must
/// come before a crawl of the site begins, which asks for them again.
pub async fn adopt(
    folder: &Folder,
    store: &Store,
    name: &str,
    archive: &SqliteArchive,
) -> Result<()> {
    let known = store.known_site(name, clock()).await?;
    if let Some(site) = known.as_ref().filter(|site| !site.is_imported()) {
        if site.needs_adoption().await? {
            let index = match site.server().await? {
                Some(server) => ReadIndex::noted(folder, Some(&server)).await,
                // Without an archive there is nothing to make a lost index of.
                None => ReadIndex::open_own(folder),
            };
            let index = index.with_context(|| {
                format!(
                    "an older canter crawled {name} and kept no archive, so only a crawl can fill \
                     the index again"
                )
            })?;
            site.adopt(&index, archive).await?;
        }
        return Ok(());
    }
    // An older canter imported pages into the folder's own index only.
    let Ok(index) = ReadIndex::own(folder) else {
        return Ok(());
    };
    let shown = match &known {
        Some(site) if site.server().await?.is_some() => return Ok(()),
        Some(site) => site.searchable().await?,
        None => 0,
    };
    if index.count(name).await? > shown {
        let site = store.imported_site(name, None, clock()).await?;
        site.adopt(&index, archive).await?;
    }
    Ok(())
}

fn clock() -> Arc<dyn Fn() -> Moment + Send + Sync> {
    let clock = Clock::start();
    Arc::new(move || clock.now())
}
