//! What `canter crawl` takes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use canter_core::publish::MAX_LOSS;
use clap::Args;

use super::values::{Rps, bytes, duration, every, header, header_text, percent, rps};
use crate::args::{Data, Server, listen, site_name, stack};
use crate::visitors::Visitors;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter crawl https://docs.example.org/3/ --rps 5\n  \
    canter crawl https://example.org/ --include '/docs/**' --exclude '/docs/old/**' --serve\n  \
    canter crawl http://127.0.0.1:8000/ --allow-private --rps unlimited\n  \
    canter crawl https://docs.example.org/3/ --rps 10 --aws canter\n\n\
    The rate holds for each domain (example.org with all its hosts) and counts everything: pages,\n\
    redirects, retries, sitemaps and robots.txt. Ctrl-C stops; the same command goes on where it\n\
    was. A refresh that would lose more than --max-loss of the pages is held (exit status 3): the\n\
    search goes on showing what it showed, and `canter publish` publishes it as it is. Of one page 100,000 links are followed; of one sitemap 50,000 URLs, within 50 MB.\n\n\
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

    /// Publish a refresh only if it loses at most this share of the pages, in percent; 100 to
    /// publish it in any case
    #[arg(long, value_name = "PERCENT", default_value_t = MAX_LOSS, value_parser = percent)]
    pub max_loss: f64,

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

    /// Header to send to the origins of the given URLs (scheme, host, port) only; repeatable
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

    /// Have the stack refresh the site at this interval (6h, 1d), in whole hours as nearly as it can,
    /// in the place of the stack's own schedule
    #[arg(long, value_name = "TIME", value_parser = every, requires = "aws")]
    pub every: Option<Duration>,

    /// Serve search while crawling and after
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8080", value_parser = listen)]
    pub serve: Option<SocketAddr>,

    #[command(flatten)]
    pub visitors: Visitors,

    /// Write a page about the crawl when it ends: rate, outcomes, dead links with the pages that
    /// link to them, slow and large pages
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// One JSON object per line on standard output: progress, then the summary
    #[arg(long)]
    pub json: bool,
}
