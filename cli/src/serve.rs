//! `canter serve`: the search page and the API over a data folder.

use std::io::stderr;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use canter_api::{Crawl, NoStatus, Report, State, Status, router_for};
use canter_core::failure::Failure;
use canter_core::time::Moment;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Rest, SiteReport, report};
use clap::Args;
use console::style;
use tokio::net::TcpListener;

use crate::args::{Data, Server, listen};
use crate::http_server;
use crate::index::ReadIndex;
use crate::signal::{end_at_once, signal};
use crate::visitors::Visitors;

#[derive(Debug, Args)]
pub struct Serve {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = listen)]
    pub listen: SocketAddr,

    #[command(flatten)]
    pub visitors: Visitors,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,
}

/// Runs the command until a signal ends it.
pub async fn serve(args: Serve) -> Result<()> {
    let data = args.data.folder()?;
    let (folder, index) = match &args.index.url()? {
        // The status also reports the crawls of the folder, if there are any.
        Some(server) => (Folder::find(&data)?, ReadIndex::server(server).await?),
        None => {
            let folder = Folder::existing(&data)?;
            let index = ReadIndex::own(&folder)?;
            (Some(folder), index)
        }
    };
    // The log holds details that answers to strangers leave out.
    tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_ansi(false)
        .init();
    let is_own_index = args.index.url()?.is_none();
    let index = Arc::new(index);
    let (listener, address) = bind(args.listen).await?;
    let access = args.visitors.access(address, is_own_index);
    let router = match folder {
        Some(folder) => router_for(access, index, Arc::new(FolderStatus::new(&folder))),
        None => router_for(access, index, Arc::new(NoStatus)),
    };
    // From here on a signal asks for an orderly end.
    let asked = signal();
    announce(&address, false);
    let ended = async {
        asked.await;
        tokio::spawn(end_at_once());
    };
    http_server::serve(listener, router, ended).await;
    Ok(())
}

/// Listens on an address. Port 0 means any free port.
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another address"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Prints the address of the search page.
pub fn announce(address: &SocketAddr, json: bool) {
    if !json {
        let url = style(format!("http://{address}/")).cyan().underlined();
        eprintln!("Search at {url} (Ctrl-C ends)");
    }
}

/// Reports the crawls of a data folder.
pub struct FolderStatus {
    folder: Folder,
}

impl FolderStatus {
    pub fn new(folder: &Folder) -> Self {
        FolderStatus {
            folder: folder.clone(),
        }
    }
}

impl Status for FolderStatus {
    async fn status(&self) -> Result<Report, Failure> {
        let folder = self.folder.clone();
        let read = move || {
            let busy = folder.is_locked();
            let sites = report(&folder)?;
            let crawls = sites.into_iter().filter_map(|site| crawl(site, busy));
            Ok(Report {
                crawls: crawls.collect(),
            })
        };
        tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| Err(Failure::transient(error)))
    }
}

/// The newest crawl of a site; none if it was only imported.
fn crawl(site: SiteReport, busy: bool) -> Option<Crawl> {
    let began_ms = site.began_ms?;
    Some(Crawl {
        state: match site.rest {
            _ if site.is_running(busy) => State::Running,
            _ if site.ended => State::Complete,
            Some(Rest::Paused { .. }) => State::Paused,
            _ => State::Incomplete,
        },
        site: site.site,
        searchable: site.searchable,
        pages: site.counts.pages,
        waiting: site.counts.waiting,
        failed: site.counts.failed,
        rps_limit: site.rps,
        held: site.held.as_ref().map(Into::into),
        started_at: Moment::from_millis(began_ms),
        updated_at: Moment::from_millis(site.fetched_ms.unwrap_or(began_ms)),
    })
}
