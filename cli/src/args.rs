//! What a person types.

mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use canter_api::Origin;
use canter_elastic::Settings;
use canter_embedded::folder::FORMAT;
use canter_embedded::index::LAYOUT;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use url::Url;

use crate::explain::Explain;
use crate::forget::Forget;
use crate::import::Import;
use crate::status::Status;
use crate::stop::Stop;
use crate::usage::UsageError;
use values::{Rps, bytes, duration, header, header_text, listen, rps};
pub use values::{site_name, stack};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The version, and which data folders it reads: what a folder was made with is seen before it is
/// refused.
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

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter crawl https://docs.example.org/3/ --rps 5\n  \
    canter crawl https://example.org/ --include '/docs/**' --exclude '/docs/old/**' --serve\n  \
    canter crawl http://127.0.0.1:8000/ --allow-private --rps unlimited\n  \
    canter crawl https://docs.example.org/3/ --rps 10 --aws canter\n\n\
    The rate holds for each domain (example.org with all its hosts) and counts everything: pages,\n\
    redirects, retries, sitemaps and robots.txt. Ctrl-C stops; the same command goes on where it\n\
    was. Of one page 100,000 links are followed; of one sitemap 50,000 URLs, within 50 MB.\n\n\
    A stack is what `sam deploy` has made; it is looked up with the credentials and the region that\n\
    every AWS tool takes (AWS_PROFILE, AWS_REGION), and AWS_ENDPOINT_URL names a LocalStack. The crawl\n\
    there needs nobody to watch it: `canter status` and `canter stop` with --aws see to it later.\n\
    Its summary has the bill, and --json ends with the event \"left\" after Ctrl-C.")]
pub struct Crawl {
    /// Where to start: http or https URLs
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,

    /// At most N requests started in any second per domain; fractions are rounded up per second,
    /// below 1 they are spaced; "unlimited" for a server of your own
    #[arg(long, value_name = "N", default_value = "10", value_parser = rps)]
    pub rps: Rps,

    /// Requests in flight per domain [default: enough for --rps when an answer takes a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: Option<u16>,

    /// Stop after N pages
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_pages: u64,

    /// Follow links at most N deep from the start: what is generated without end must end
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub max_depth: u32,

    /// Stop after this long (90s, 10m, 2h)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_time: Option<Duration>,

    /// Leave out pages larger than this (500k, 10M)
    #[arg(long, value_name = "BYTES", default_value = "10M", value_parser = bytes)]
    pub max_page_bytes: usize,

    /// Give up on a URL longer than this
    #[arg(long, value_name = "BYTES", default_value = "2000")]
    pub max_url_bytes: usize,

    /// Longest time for one page, from its request to its last byte
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,

    /// Only paths that match, in the place of the URL's own path; repeatable
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,

    /// No paths that match, whatever else speaks for them; repeatable
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,

    /// Take in the hosts below the URL's host
    #[arg(long)]
    pub subdomains: bool,

    /// Sitemap to read beside those that robots.txt names; repeatable
    #[arg(long, value_name = "URL")]
    pub sitemap: Vec<String>,

    /// Name of the site [default: host, port and path of the URL]
    #[arg(long, value_name = "NAME", value_parser = site_name)]
    pub site: Option<String>,

    /// Crawl a known site anew with another scope
    #[arg(long)]
    pub change_scope: bool,

    /// Name that the crawler gives itself [default: canter, its version and its home page]
    #[arg(long, value_name = "TEXT", value_parser = header_text)]
    pub user_agent: Option<String>,

    /// Mail address or URL for the site's owner, added to the user agent
    #[arg(long, value_name = "MAIL-OR-URL", value_parser = header_text)]
    pub contact: Option<String>,

    /// Header to send to the hosts of the given URLs, and to no others; repeatable
    #[arg(long, value_name = "NAME:VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,

    /// Permit a private or loopback address, for the given URLs' own host and port
    #[arg(long)]
    pub allow_private: bool,

    /// Crawl in a deployed stack, and show how it goes; Ctrl-C ends that, and the crawl goes on
    #[arg(
        long, value_name = "STACK", value_parser = stack,
        conflicts_with_all = ["dir", "url", "serve", "report", "max_time", "concurrency"]
    )]
    pub aws: Option<String>,

    /// Serve search while crawling and after
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8080", value_parser = listen)]
    pub serve: Option<SocketAddr>,

    /// Write a page about the crawl when it ends: rate, outcomes, dead links with the pages that
    /// link to them, slow and large pages
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// One JSON object per line on standard output: progress, then the summary
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Server {
    /// An Elasticsearch or OpenSearch server instead of the embedded index, with the index's name as
    /// its path if you like [default name: canter]; its API key by CANTER_INDEX_API_KEY
    #[arg(long = "index", value_name = "URL")]
    url: Option<String>,
}

impl Server {
    /// The server, if one was named. Not read by clap, whose message would show what the URL should
    /// not hold: a password.
    pub fn url(&self) -> Result<Option<Url>, UsageError> {
        let Some(text) = &self.url else {
            return Ok(None);
        };
        Settings::new(text, None).map_err(UsageError::new)?;
        Url::parse(text).map(Some).map_err(UsageError::new)
    }
}

#[derive(Debug, Args)]
pub struct Data {
    /// Folder of the index and the crawl's state [default: the user's data folder]
    #[arg(long = "data", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter search asyncio gather --limit 3\n  \
    canter search '\"with statement\" -deprecated'       side by side; without a word")]
pub struct Search {
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,

    /// Results to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub limit: u16,

    /// Results to leave out before the first
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,

    /// The answer as one JSON object, as the search API gives it
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = listen)]
    pub listen: SocketAddr,

    /// A site whose pages may ask the API, as https://docs.example.org; repeatable [default: all]
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<Origin>,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Name of the site, as the crawl's summary gives it
    pub site: String,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  canter report docs.example.org report.html\n\n\
    The rate over time is only known to the crawl itself: canter crawl --report FILE.html"
)]
pub struct Report {
    /// Name of the site, as the crawl's summary gives it
    pub site: String,

    /// Where to write the page
    #[arg(value_name = "FILE.html")]
    pub file: PathBuf,

    #[command(flatten)]
    pub data: Data,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Address of the search page
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = listen)]
    pub listen: SocketAddr,

    /// Crawl, say what was found, and end
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter completions bash > ~/.local/share/bash-completion/completions/canter\n  \
    canter completions zsh > ~/.zfunc/_canter         with ~/.zfunc in fpath before compinit\n  \
    canter completions fish > ~/.config/fish/completions/canter.fish")]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter man crawl | man -l -                        read a page\n  \
    canter man --dir ~/.cargo/share/man/man1           then: man canter, man canter-crawl")]
pub struct Man {
    /// The command whose page it is [default: canter itself]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,

    /// Write the pages of canter and all its commands into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
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
