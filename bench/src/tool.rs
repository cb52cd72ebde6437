//! The crawlers that are measured: canter, and installed peers.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// An installed crawler.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name in the tables.
    pub name: String,
    /// The version that it reports.
    pub version: String,
    /// What it does with a page, and what it does not do.
    pub does: &'static str,
    kind: Kind,
    program: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Canter,
    Peer(Peer),
}

/// Crawlers that are measured next to canter if they are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// The command of the crate `spider_cli`.
    Spider,
    /// GNU Wget.
    Wget,
    /// The Python framework.
    Scrapy,
}

impl Peer {
    /// Its program, and its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Spider => "spider",
            Peer::Wget => "wget",
            Peer::Scrapy => "scrapy",
        }
    }

    fn does(self) -> &'static str {
        match self {
            Peer::Spider => "text and links of each page as JSON; no index, no robots.txt",
            Peer::Wget => "follows links and keeps the files, one connection; no text, no index",
            Peer::Scrapy => {
                "title, text and links of each page as JSON, 16 requests at a time; no index, no robots.txt"
            }
        }
    }
}

const SCRAPY: &str = include_str!("peers/scrapy.py");

impl Tool {
    /// A build of canter.
    pub fn canter(program: &Path, name: String) -> Result<Self> {
        let version = version(program, "--version").with_context(|| {
            let program = program.display();
            format!("there is no canter at {program}: build it by cargo build --release")
        })?;
        if !version.starts_with("canter ") {
            bail!("{} is not canter: it is {version:?}", program.display());
        }
        Ok(Tool {
            name,
            version,
            does: "text, sections and links of each page, an index to search, a state to resume; robots.txt",
            kind: Kind::Canter,
            program: program.to_owned(),
        })
    }

    /// A peer, if a program of its name is on the PATH and identifies itself as such.
    pub fn peer(peer: Peer) -> Option<Self> {
        let argument = if peer == Peer::Scrapy {
            "version"
        } else {
            "--version"
        };
        let version = version(Path::new(peer.name()), argument)?;
        let is_it = version.to_lowercase().contains(peer.name());
        is_it.then(|| Tool {
            name: peer.name().to_owned(),
            version,
            does: peer.does(),
            kind: Kind::Peer(peer),
            program: peer.name().into(),
        })
    }

    /// Whether it is a build of canter.
    pub fn is_canter(&self) -> bool {
        self.kind == Kind::Canter
    }

    /// The command that crawls from `url` in the folder `within`, at `rate` requests per second or
    /// without a limit.
    pub fn argv(&self, url: &str, rate: Option<f64>, within: &Path) -> Result<Vec<OsString>> {
        let mut argv = vec![self.program.clone().into_os_string()];
        let mut add = |words: &[&str]| argv.extend(words.iter().map(OsString::from));
        // Each by its own setting. The pause is the mean time between requests.
        let pause = rate.map(|rate| 1.0 / rate);
        match self.kind {
            Kind::Canter => {
                let rps = rate.map_or("unlimited".to_owned(), |rate| rate.to_string());
                add(&["crawl", url, "--allow-private", "--json", "--data", "data"]);
                add(&["--rps", &rps]);
            }
            Kind::Peer(Peer::Spider) => {
                add(&["--http", "--url", url, "--return-format", "text"]);
                if let Some(pause) = pause {
                    add(&["--delay", &format!("{:.0}", pause * 1000.0)]);
                }
                add(&["scrape", "--output-links"]);
            }
            Kind::Peer(Peer::Wget) => {
                add(&["--quiet", "--recursive", "--level=inf", "--no-parent"]);
                add(&[
                    "--accept=html,htm,xhtml",
                    "--tries=1",
                    "--directory-prefix=files",
                ]);
                if let Some(pause) = pause {
                    add(&[&format!("--wait={pause}")]);
                }
                add(&[url]);
            }
            Kind::Peer(Peer::Scrapy) => {
                fs::write(within.join("pages.py"), SCRAPY)?;
                add(&[
                    "runspider",
                    "pages.py",
                    "--nolog",
                    "-a",
                    &format!("first={url}"),
                ]);
                let settings = [
                    "CONCURRENT_REQUESTS=16".to_owned(),
                    "CONCURRENT_REQUESTS_PER_DOMAIN=16".to_owned(),
                    "COOKIES_ENABLED=False".to_owned(),
                    "RETRY_ENABLED=False".to_owned(),
                    "ROBOTSTXT_OBEY=False".to_owned(),
                    "TELNETCONSOLE_ENABLED=False".to_owned(),
                    "RANDOMIZE_DOWNLOAD_DELAY=False".to_owned(),
                    format!("DOWNLOAD_DELAY={}", pause.unwrap_or(0.0)),
                ];
                for setting in &settings {
                    add(&["-s", setting]);
                }
            }
        }
        Ok(argv)
    }
}

/// The first line of a program's version; none if it cannot be run.
fn version(program: &Path, argument: &str) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.arg(argument).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?.trim().to_owned();
    output.status.success().then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn row(kind: Kind, rate: Option<f64>, expected: &[&str]) {
        let within = tempfile::tempdir().unwrap();
        let tool = Tool {
            name: String::new(),
            version: String::new(),
            does: "",
            kind,
            program: "x".into(),
        };
        let argv = tool.argv("http://h/a.html", rate, within.path()).unwrap();
        let argv: Vec<&str> = argv.iter().filter_map(|word| word.to_str()).collect();
        for words in expected {
            let found = argv.join(" ").contains(words);
            assert!(found, "{words:?} is not in {argv:?}");
        }
    }

    #[test]
    fn a_rate_is_said_in_each_tools_own_words() {
        row(
            Kind::Canter,
            None,
            &["--rps unlimited", "crawl http://h/a.html"],
        );
        row(Kind::Canter, Some(2.5), &["--rps 2.5"]);
        row(Kind::Peer(Peer::Spider), Some(50.0), &["--delay 20 scrape"]);
        row(
            Kind::Peer(Peer::Wget),
            Some(10.0),
            &["--wait=0.1 http://h/a.html"],
        );
        row(
            Kind::Peer(Peer::Scrapy),
            Some(10.0),
            &["-s DOWNLOAD_DELAY=0.1"],
        );
        row(Kind::Peer(Peer::Scrapy), None, &["-s DOWNLOAD_DELAY=0"]);
    }

    #[test]
    fn a_program_that_is_not_there_is_no_canter() {
        let error = Tool::canter(Path::new("/no/canter"), String::new()).unwrap_err();
        assert!(
            error.to_string().contains("cargo build --release"),
            "{error}"
        );
    }
}
