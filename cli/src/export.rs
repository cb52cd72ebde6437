//! `canter export`: a site's pages as JSON lines.

use std::io::{BufWriter, Write, stdout};

use anyhow::Result;
use canter_core::failure::Failure;
use canter_core::ports::Catalog;
use canter_embedded::folder::Folder;
use canter_embedded::index::TantivyReader;

use crate::args::Export;
use crate::usage::UsageError;

/// Writes one page a line, in an order that stays the same.
pub async fn export(args: Export) -> Result<()> {
    let folder = Folder::existing(&crate::folder(&args.data)?)?;
    let index = TantivyReader::open(&folder.index())?;
    if index.count(&args.site).await? == 0 {
        return Err(UsageError::unknown_site(&args.site, &folder)?.into());
    }
    let mut out = BufWriter::new(stdout());
    let mut written = Ok(());
    let exported = index.export(&args.site, |page| {
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
