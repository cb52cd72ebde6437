//! `canter stop`: asks the crawl of a site to stop cleanly, and waits for that.

use std::time::Duration;

use anyhow::{Result, bail};
use canter_embedded::folder::Folder;
use canter_embedded::store::{SiteReport, report};
use clap::Args;
use console::style;
use tokio::time::{Instant, sleep};

use crate::args::{Data, stack};
use crate::count::counted;
use crate::status;

/// Maximum wait for a stop, which takes as long as the answers under way and one commit.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two looks at the crawl, which itself looks once a second.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter stop docs.example.org/3\n  \
    canter stop docs.example.org/3 --aws canter    in the stack `canter`\n\n\
    What is under way is seen to its end, as with Ctrl-C. Other sites of the same command go on.")]
pub struct Stop {
    /// Name of the site, as `canter status` gives it
    pub site: String,

    #[command(flatten)]
    pub data: Data,

    /// The site of a deployed stack, instead of a folder's
    #[arg(long, value_name = "STACK", value_parser = stack, conflicts_with = "dir")]
    pub aws: Option<String>,
}

/// Stops the crawl of a site and waits for its end.
pub async fn stop(args: Stop) -> Result<()> {
    let folder = Folder::existing(&args.data.folder()?)?;
    let site = &args.site;
    if !is_running(&folder, site)? {
        eprintln!("{} is not being crawled.", style(site).bold());
        return Ok(());
    }
    folder.ask_to_stop(site)?;
    let stopped = wait(&folder, site).await;
    folder.end_stopping(site);
    if !stopped? {
        bail!(
            "the crawl of {site} has not stopped within {} s: it may wait for a slow server or \
             disk; Ctrl-C in its own terminal, twice, ends it at once, and nothing is lost",
            PATIENCE.as_secs()
        );
    }
    let report = status::find(report(&folder)?, site, |it| &it.site)?;
    let site = style(site).bold();
    if report.ended {
        eprintln!("{site} was complete before it could stop.");
    } else {
        eprintln!(
            "{site} stopped: {}, {} waiting. Run the same crawl command again to continue.",
            counted(report.counts.pages, "page"),
            report.counts.waiting
        );
    }
    Ok(())
}

async fn wait(folder: &Folder, site: &str) -> Result<bool> {
    let began = Instant::now();
    while is_running(folder, site)? {
        if began.elapsed() > PATIENCE {
            return Ok(false);
        }
        sleep(LOOK).await;
    }
    Ok(true)
}

fn is_running(folder: &Folder, site: &str) -> Result<bool> {
    // In this order, because a crawl notes how it ended before it unlocks the folder.
    let busy = folder.is_locked();
    let report: SiteReport = status::find(report(folder)?, site, |it| &it.site)?;
    Ok(report.is_running(busy))
}
