//! `canter demo`: a whole crawl on one machine, without a network.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use clap::Parser;

use crate::args::{Cli, Command, Demo};
use crate::{crawl, demo_site, serve};

/// Serves the demo site, crawls it at 10 requests per second and serves the search meanwhile.
pub async fn demo(args: Demo) -> Result<()> {
    let (listener, site) = serve::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let router = demo_site::site()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir()?;
    eprintln!(
        "A part of SQLite's documentation is served at http://{site}/ and crawled from there."
    );
    let typed = [
        "canter".to_owned(),
        "crawl".to_owned(),
        format!("http://{site}/"),
        "--site=sqlite-demo".to_owned(),
        "--rps=10".to_owned(),
        "--allow-private".to_owned(),
        format!("--data={}", folder.path().display()),
    ];
    let serve = (!args.once).then(|| format!("--serve={}", args.listen));
    eprintln!(
        "$ {}{}",
        typed.join(" "),
        serve
            .as_ref()
            .map(|serve| format!(" {serve}"))
            .unwrap_or_default()
    );
    match Cli::try_parse_from(typed.into_iter().chain(serve))?.command {
        Command::Crawl(args) => crawl::crawl(*args).await,
        _ => Ok(()),
    }
}
