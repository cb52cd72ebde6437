//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::tool::Peer;

/// Measure canter on a folder of documentation, beside the crawlers that are installed.
///
/// The folder is served from memory over loopback, to a fresh run of each crawler in turn. What
/// they fetched, and when, is read from the server's log.
#[derive(Debug, Parser)]
#[command(
    name = "canter-bench",
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Args {
    #[command(subcommand)]
    pub internal: Option<Internal>,

    /// Folder of HTML pages
    #[arg(required = true)]
    pub folder: Option<PathBuf>,

    /// Path of the page where all begin
    #[arg(long, value_name = "PATH", default_value = "/index.html", value_parser = start)]
    pub start: String,

    /// A build of canter; repeatable, ratios are to the first [default: the one built beside this]
    #[arg(long, value_name = "FILE")]
    pub canter: Vec<PathBuf>,

    /// Peers to look for on the PATH; "" for none
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "spider,wget,scrapy", value_parser = peer)]
    pub peers: Vec<Option<Peer>>,

    /// Runs of each crawler
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub repeats: u16,

    /// What to measure [default: both]
    #[arg(long, value_enum)]
    pub only: Option<What>,

    /// Rates to ask for, in requests a second
    #[arg(long, value_name = "RATES", value_delimiter = ',', default_value = "10,50", value_parser = rate)]
    pub pace: Vec<f64>,

    /// Length of a run at a rate, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub seconds: Duration,

    /// Longest time for a run as fast as it goes, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub patience: Duration,

    /// Time until the server answers, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency: u64,

    /// Do not wait for the machine to become idle
    #[arg(long)]
    pub busy: bool,

    /// One JSON object on standard output, with every run
    #[arg(long)]
    pub json: bool,
}

/// Commands that the benchmark runs itself with.
#[derive(Debug, Subcommand)]
pub enum Internal {
    #[command(hide = true)]
    Measure {
        limit_ms: u64,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        argv: Vec<OsString>,
    },
}

/// One half of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Time, CPU and memory of a crawl as fast as it goes
    Speed,
    /// How rates are kept
    Pace,
}

fn start(text: &str) -> Result<String, String> {
    let path = text.strip_prefix('/').unwrap_or(text);
    Ok(format!("/{path}"))
}

fn peer(text: &str) -> Result<Option<Peer>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    Peer::from_str(text, false)
        .map(Some)
        .map_err(|_| "the peers are spider, wget and scrapy".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate| (0.1..=1000.0).contains(rate))
        .ok_or_else(|| "a rate lies between 0.1 and 1000".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok();
    number
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "a time is a number of seconds, more than none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &str) -> Result<Args, String> {
        let words = ["canter-bench"].into_iter().chain(words.split(' '));
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn a_folder_is_enough() {
        let args = args("docs").unwrap();
        assert_eq!(args.folder, Some("docs".into()));
        assert_eq!(args.start, "/index.html");
        assert_eq!(args.pace, [10.0, 50.0]);
        let peers = [Peer::Spider, Peer::Wget, Peer::Scrapy];
        assert_eq!(args.peers, peers.map(Some));
    }

    #[test]
    fn lists_are_written_with_commas() {
        let args = args("docs --pace 0.5,200 --peers wget --start 3/toc.html").unwrap();
        assert_eq!(args.pace, [0.5, 200.0]);
        assert_eq!(args.peers, [Some(Peer::Wget)]);
        assert_eq!(args.start, "/3/toc.html");
    }

    #[test]
    fn mistakes_are_named() {
        for (words, named) in [
            ("--json", "<FOLDER>"),
            ("docs --pace 0", "between 0.1 and 1000"),
            ("docs --pace ten", "between 0.1 and 1000"),
            ("docs --seconds 0", "more than none"),
            ("docs --repeats 0", "--repeats"),
            ("docs --peers curl", "spider, wget and scrapy"),
        ] {
            let error = args(words).unwrap_err();
            assert!(error.contains(named), "{words}: {error}");
        }
    }

    #[test]
    fn what_it_asks_of_itself_is_not_read_as_its_own_options() {
        let args = args("measure 500 wget --json -x").unwrap();
        let Some(Internal::Measure { limit_ms, argv }) = args.internal else {
            panic!("{args:?}");
        };
        assert_eq!(
            (limit_ms, argv),
            (500, ["wget", "--json", "-x"].map(OsString::from).into())
        );
    }
}
