//! `canter export`: a site's pages as JSON lines.

use std::io::{BufWriter, Write, stdout};

use anyhow::Result;
use canter_core::failure::Failure;
use canter_core::inbound::Counted;
use canter_core::ports::IndexReader;
use canter_embedded::folder::Folder;
use canter_embedded::store::report;

use crate::args::Export;
use crate::index::ReadIndex;
use crate::usage::UsageError;

/// Writes one page a line, in an order that stays the same.
pub async fn export(args: Export) -> Result<()> {
    let index = open(&args).await?;
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

/// The index that holds pages of the site.
async fn open(args: &Export) -> Result<ReadIndex> {
    if let Some(server) = args.index.url()? {
        let index = ReadIndex::server(&server).await?;
        if index.count(&args.site).await? == 0 {
            let unknown = format!("there are no pages of a site {:?} in {server}", args.site);
            return Err(UsageError::new(unknown).into());
        }
        return Ok(index);
    }
    let folder = Folder::existing(&crate::folder(&args.data)?)?;
    let sites = report(&folder)?;
    let site = sites.iter().find(|site| site.site == args.site);
    let noted = site.and_then(|site| site.server.as_deref());
    let index = ReadIndex::noted(&folder, noted).await;
    // Where the folder has no index of its own, the name was wrong all the same.
    if index.is_err() && site.is_none() && !sites.is_empty() {
        return Err(UsageError::unknown_site(&args.site, &folder)?.into());
    }
    let index = index?;
    if index.count(&args.site).await? == 0 {
        return Err(UsageError::unknown_site(&args.site, &folder)?.into());
    }
    Ok(index)
}
