//! `canter publish --aws` and `canter reindex --aws`.

use anyhow::{Result, bail};
use canter_aws::Crawling;
use console::style;

use super::deployed::Deployed;

/// Has a site published as its last crawl has seen it.
pub async fn publish(site: &str, stack: &str) -> Result<()> {
    let deployed = Deployed::connect(stack).await?;
    let sent = deployed.steering.publish(site).await?;
    told(&deployed, site, sent, "is being published").await
}

/// Has the index of a site made anew.
pub async fn reindex(site: &str, stack: &str) -> Result<()> {
    let deployed = Deployed::connect(stack).await?;
    let sent = deployed.steering.reindex(site).await?;
    told(&deployed, site, sent, "is being indexed anew").await
}

async fn told(
    deployed: &Deployed,
    site: &str,
    sent: Option<(Crawling, bool)>,
    what: &str,
) -> Result<()> {
    let Some((_, sent)) = sent else {
        return Err(deployed.unknown_site(site).await?.into());
    };
    if !sent {
        bail!("{site} is being crawled: it is published when the crawl ends");
    }
    eprintln!("{} {what}.", style(site).bold());
    Ok(())
}
