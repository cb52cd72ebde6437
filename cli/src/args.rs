//! Arguments that several commands share.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use canter_elastic::Settings;
use clap::Args;
use directories::ProjectDirs;
use url::Url;

use crate::printable::printable;
use crate::usage::UsageError;

#[derive(Debug, Args)]
pub struct Data {
    /// Folder of the index and the crawl's state [default: the user's data folder]
    #[arg(long = "data", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl Data {
    /// The named folder, or the user's data folder.
    pub fn folder(&self) -> Result<PathBuf> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        ProjectDirs::from("", "", "canter")
            .map(|dirs| dirs.data_dir().to_owned())
            .context("there is no home folder to keep data in: name a folder with --data")
    }
}

#[derive(Debug, Args)]
pub struct Server {
    /// An Elasticsearch or OpenSearch server instead of the embedded index, with the index's name as
    /// its path if you like [default name: canter]; its API key (or USER:PASSWORD) by
    /// CANTER_INDEX_API_KEY; requests to Amazon OpenSearch are signed with the shell's credentials
    #[arg(long = "index", value_name = "URL")]
    url: Option<String>,
}

impl Server {
    /// The server, if one was named. Not parsed by clap, because clap's message would show a
    /// password in the URL.
    pub fn url(&self) -> Result<Option<Url>, UsageError> {
        let Some(text) = &self.url else {
            return Ok(None);
        };
        Settings::new(text, None).map_err(UsageError::new)?;
        Url::parse(text).map(Some).map_err(UsageError::new)
    }
}

/// Parses the name of a stack. Only CloudFormation knows which names are valid, so this just
/// requires one.
pub fn stack(text: &str) -> Result<String, String> {
    let name = text.trim();
    (!name.is_empty())
        .then(|| name.to_owned())
        .ok_or_else(|| "a stack has a name: the one that `sam deploy` was given".to_owned())
}

/// Parses the name of a site: one line that fits a table and a file.
pub fn site_name(text: &str) -> Result<String, String> {
    let most = 100;
    let fine = !text.trim().is_empty() && text.chars().count() <= most && printable(text) == text;
    fine.then(|| text.trim().to_owned())
        .ok_or_else(|| format!("a name has 1 to {most} characters, on one line"))
}

/// Parses an address to listen on. Without a host, or with `localhost`, it is the loopback address.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let local = matches!(host, "" | "localhost");
    let address = if local {
        format!("127.0.0.1:{port}")
    } else {
        text.to_owned()
    };
    address.parse().map_err(|_| {
        "an address is written 127.0.0.1:8080, or 8080 for this machine alone".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let here = Ok(SocketAddr::from(([127, 0, 0, 1], 8028)));
        for same in ["127.0.0.1:8028", "localhost:8028", ":8028", "8028"] {
            assert_eq!(listen(same), here, "{same}");
        }
        assert_eq!(listen("[::1]:8028"), Ok("[::1]:8028".parse().unwrap()));
        for bad in [
            "",
            "example.org:80",
            "127.0.0.1",
            "70000",
            "http://127.0.0.1:80",
        ] {
            assert!(listen(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_sites() {
        assert_eq!(site_name(" docs "), Ok("docs".to_owned()));
        let long = "x".repeat(101);
        for bad in ["", " ", "x\u{1b}[31m", "a\nb", long.as_str()] {
            assert!(site_name(bad).is_err(), "{bad:?}");
        }
    }
}
