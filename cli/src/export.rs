//! `canter export`: a site's pages as JSON lines.

use std::io::{BufWriter, Write, stdout};

use anyhow::Result;
use canter_core::failure::Failure;
use canter_core::inbound::Counted;
use canter_core::ports::Catalog;
use canter_embedded::folder::Folder;
use canter_embedded::store::report;

use crate::args::Export;
use crate::index::AnyIndex;
use crate::usage::UsageError;

/// Writes one page a line, in an order that stays the same.
pub async fn export(args: Export) -> Result<()> {
    let index = match args.index.url()? {
        Some(server) => AnyIndex::read_from(&server).await?,
        None => {
            let folder = Folder::existing(&crate::folder(&args.data)?)?;
            let sites = report(&folder)?;
            let site = sites.iter().find(|site| site.site == args.site);
            let noted = site.and_then(|site| site.server.as_deref());
            let index = match (site, AnyIndex::read_noted(&folder, noted).await) {
                // Where the folder has no index of its own, the name was wrong all the same.
                (None, Err(_)) if !sites.is_empty() => None,
                (_, index) => Some(index?),
            };
            match index {
                Some(index) if index.count(&args.site).await? > 0 => index,
                _ => return Err(UsageError::unknown_site(&args.site, &folder)?.into()),
            }
        }
    };
    let mut out = BufWriter::new(stdout());
    let mut written = Ok(());
    let exported = index.export(&args.site, |mut page| {
        // What a crawl's end keeps for the next one.
        page.inbound = Counted::default();
        let line = serde_json::to_string(&page).map_err(Failure::permanent)?;
        writeln!(out, "{line}").map_err(|error| {
            let failure = Failure::permanent(&error);
            written = Err(error);
            failure
        })
    });
    let exported = exported.await;
    // The reason itself says more than the failure made of it.
    written?;
    exported?;
    out.flush()?;
    Ok(())
}
