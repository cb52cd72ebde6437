//! The command line.

use std::sync::LazyLock;

use canter_embedded::folder::FORMAT;
use canter_tantivy::LAYOUT;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand};

use crate::crawl::Crawl;
use crate::demo::Demo;
use crate::explain::Explain;
use crate::export::Export;
use crate::forget::Forget;
use crate::import::Import;
use crate::manual::{Completions, Man};
use crate::publish::{Publish, Reindex};
use crate::report::Report;
use crate::rollback::Rollback;
use crate::search::Search;
use crate::serve::Serve;
use crate::status::Status;
use crate::stop::Stop;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The version with the formats of data folders that it reads, so that users see them before a
/// folder is refused.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    format!("{version} (data format {FORMAT}, index {LAYOUT})")
});

/// Crawl a website at an exact pace and make it searchable.
#[derive(Debug, Parser)]
#[command(
    name = "canter", version = VERSION.as_str(), styles = STYLES, max_term_width = 100,
    subcommand_value_name = "COMMAND",
    after_help = "Examples:\n  \
        canter demo                                    see it work, without a network\n  \
        canter crawl https://docs.example.org/ --serve crawl a site and search it meanwhile\n  \
        canter search asyncio gather                   search what was crawled\n  \
        canter status                                  how far and how fresh each site is\n  \
        canter explain https://docs.example.org/a      why a page was fetched, or not\n  \
        canter serve                                   the search page at http://127.0.0.1:8080/"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Crawl the sites of these URLs and index them
    ///
    /// A crawl stays on the host of its URL and below the URL's path. The same command run again
    /// continues a crawl that was cut off, and refreshes one that had ended.
    Crawl(Box<Crawl>),
    /// Search what was crawled
    Search(Search),
    /// Serve the search page and the search API
    Serve(Serve),
    /// Write the pages of a site as JSON lines to standard output
    Export(Export),
    /// Publish a refresh that was held back
    Publish(Publish),
    /// Make the index of a site anew from the archive, without a request to the site
    Reindex(Reindex),
    /// Have searches of a deployed stack find what they found before the last publishing
    Rollback(Rollback),
    /// Put pages into the index that `canter export` wrote, or another program
    Import(Import),
    /// Say whether a URL would be fetched, and why, and what is known of it
    Explain(Explain),
    /// Say what is known of each site, how fresh it is, and how far its crawl is
    Status(Status),
    /// Ask the crawl of a site to stop
    Stop(Stop),
    /// Remove a site and its pages
    Forget(Forget),
    /// Write a page about the last crawl of a site: outcomes, dead links, slow and large pages
    Report(Report),
    /// Crawl a small real site that ships with canter, over loopback, and serve its search
    Demo(Demo),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the man page of canter or of a command, or write all of them into a folder
    Man(Man),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
