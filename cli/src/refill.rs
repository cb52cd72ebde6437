//! Fills what an index has lost, and takes over what an older canter has put into it.

use std::sync::Arc;

use anyhow::Result;
use canter_core::failure::Failure;
use canter_core::ports::IndexReader;
use canter_core::publish::{How, When, publish};
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{SiteStore, Store, report};
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
        if site.server.is_some() || index.count(name).await? >= site.searchable {
            continue;
        }
        let clock = Clock::start();
        let now = Arc::new(move || clock.now());
        let Some(known) = store.known_site(name, now).await? else {
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
            when: When::Again,
            max_loss: None,
            links: true,
        };
        publish(name, &known, archive, index, how, || true).await?;
    }
    Ok(())
}

/// Takes the pages that an older canter has put into a site's index over into the archive.
pub async fn settle(
    folder: &Folder,
    site: &SiteStore,
    archive: &SqliteArchive,
) -> Result<(), Failure> {
    if site.needs_adoption().await? {
        let index = ReadIndex::noted(folder, site.server().await?.as_deref()).await?;
        site.adopt(&index, archive).await?;
    }
    Ok(())
}
