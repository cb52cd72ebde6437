//! `canter export`: a site's pages as JSON lines.

use std::io::{BufWriter, Write, stdout};

use anyhow::Result;
use canter_core::failure::Failure;
use canter_core::inlinks::Counted;
use canter_core::ports::IndexReader;
use canter_embedded::folder::Folder;
use canter_embedded::store::report;
use clap::Args;

use crate::args::{Data, Server};
use crate::index::ReadIndex;
use crate::status::unknown_site;
use crate::usage::UsageError;

#[derive(Debug, Args)]
pub struct Export {
    /// Name of the site, as the crawl's summary gives it
    pub site: String,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

/// Writes one page per line, in a stable order.
pub async fn export(args: Export) -> Result<()> {
    let index = open(&args).await?;
    let mut out = BufWriter::new(stdout());
    let mut written = Ok(());
    let exported = index.export(&args.site, |mut page| {
        // The counted links are internal: the next crawl needs them.
        page.inlinks = Counted::default();
        let line = serde_json::to_string(&page).map_err(Failure::permanent)?;
        writeln!(out, "{line}").map_err(|error| {
            let failure = Failure::permanent(&error);
            written = Err(error);
            failure
        })
    });
    let exported = exported.await;
    // The I/O error itself says more than the failure made from it.
    written?;
    exported?;
    out.flush()?;
    Ok(())
}

/// Opens the index that holds the pages of the site.
async fn open(args: &Export) -> Result<ReadIndex> {
    if let Some(server) = args.index.url()? {
        let index = ReadIndex::server(&server).await?;
        if index.count(&args.site).await? == 0 {
            let unknown = format!("there are no pages of a site {:?} in {server}", args.site);
            return Err(UsageError::new(unknown).into());
        }
        return Ok(index);
    }
    let folder = Folder::existing(&args.data.folder()?)?;
    let sites = report(&folder)?;
    let site = sites.iter().find(|site| site.site == args.site);
    let noted = site.and_then(|site| site.server.as_deref());
    let index = ReadIndex::noted(&folder, noted).await;
    // Without an index of the folder's own, the site is unknown all the same.
    if index.is_err() && site.is_none() && !sites.is_empty() {
        return Err(unknown_site(&args.site, &folder)?.into());
    }
    let index = index?;
    if index.count(&args.site).await? == 0 {
        return Err(unknown_site(&args.site, &folder)?.into());
    }
    Ok(index)
}
