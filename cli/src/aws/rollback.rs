//! `canter rollback`: what a site's searches found before its last publishing.

use anyhow::{Result, bail};
use canter_aws::CloudGenerations;
use console::style;

use super::deployed::Deployed;
use crate::rollback::Rollback;

/// Points a site back to the generation of its index before the current one.
pub async fn rollback(args: &Rollback) -> Result<()> {
    let Rollback { site, aws: stack } = args;
    let deployed = Deployed::connect(stack).await?;
    if let Some(server) = &deployed.stack.index_url {
        bail!(
            "the index of the stack {stack} is on a server ({server}), which keeps no older one: \
             `canter reindex {site} --aws {stack}` makes it anew from the archive"
        );
    }
    let generations = CloudGenerations::new(deployed.cloud.clone(), deployed.clock.clone());
    match generations.roll_back(site).await? {
        None if deployed.sites().load_now(site).await?.is_some() => {
            bail!("{site} was not published yet: there is no index of it")
        }
        None => Err(deployed.unknown_site(site).await?.into()),
        Some(false) => bail!("{site} was published once only: there is no index before that one"),
        Some(true) => {
            eprintln!(
                "{} shows what it showed before its last publishing, within some seconds. The next \
                 crawl publishes it anew; the same command again takes this back.",
                style(site).bold()
            );
            Ok(())
        }
    }
}
