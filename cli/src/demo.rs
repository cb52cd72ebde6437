//! `canter demo`: a whole crawl on one machine, without a network.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use clap::{Args, Command, FromArgMatches};

use crate::args::listen;
use crate::crawl::{self, Crawl};
use crate::visitors::Visitors;
use crate::{demo_site, serve};

#[derive(Debug, Args)]
pub struct Demo {
    /// Address of the search page
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = listen)]
    pub listen: SocketAddr,

    /// Crawl, say what was found, and end
    #[arg(long)]
    pub once: bool,

    #[command(flatten)]
    pub visitors: Visitors,
}

/// Serves the demo site, crawls it at 10 requests per second, and serves the search meanwhile.
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
    let origins = args.visitors.origins.iter();
    let origins = origins.map(|origin| format!("--origin={origin}"));
    let words = typed.into_iter().skip(1).chain(serve).chain(origins);
    let words = Crawl::augment_args(Command::new("crawl")).try_get_matches_from(words)?;
    crawl::crawl(Crawl::from_arg_matches(&words)?).await?;
    Ok(())
}
