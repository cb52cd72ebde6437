//! `canter stop --aws`: stops the crawl of a site in a stack.

use anyhow::Result;
use console::style;

use super::deployed::Deployed;
use crate::count::counted;
use crate::stop::Stop;

/// Asks the crawl to stop. Workers look for the request before each task, and finish tasks under
/// way.
pub async fn stop(args: &Stop, stack: &str) -> Result<()> {
    let deployed = Deployed::connect(stack).await?;
    let site = &args.site;
    let Some((crawling, rests)) = deployed.steering.stop(site).await? else {
        return Err(deployed.unknown_site(site).await?.into());
    };
    let name = style(site).bold();
    if rests {
        eprintln!(
            "{name} stops: {}, about {} waiting. What is under way is seen to its end. Run the same \
             crawl command again to continue.",
            counted(crawling.progress.pages, "page"),
            crawling.progress.waiting()
        );
    } else if crawling.ended_ms.is_none() && crawling.rest.is_none() {
        eprintln!("{name} was complete before it could stop.");
    } else {
        eprintln!("{name} is not being crawled.");
    }
    Ok(())
}
