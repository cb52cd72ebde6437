//! `canter crawl` on this machine: sets up the world, drives each site, shows progress and prints
//! the summary. What crawls in the cloud share with it is public.

mod args;
mod bar;
mod estimate;
pub mod frame;
mod line;
mod one_machine;
pub mod outward;
mod progress;
mod report;
mod run;
pub mod setup;
pub mod show;
pub mod summary;
mod values;

use std::future::pending;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use canter_core::rest::Rest;
use canter_core::task::Outcome;
use canter_embedded::archive::SqliteArchive;
use canter_embedded::folder::Folder;
use canter_embedded::store::{Beginning, SiteStore, Store};
use canter_engine::drive::{Drive, DriveLimits, Driven};
use canter_engine::gates::Gates;
use canter_engine::{CrawlParts, Process, Publisher, Rates, concurrency};
use canter_http::{Clock, HttpConfig, HttpFetcher};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::http_server;
use crate::index::WrittenIndex;
use crate::refill::{adopt, refill};
use crate::report::ReportFile;
use crate::serve::{self, FolderStatus};
use crate::signal::{end_at_once, signal};
pub use args::Crawl;
pub use bar::bar_style;
use frame::LocalSource;
use one_machine::OneMachine;
use progress::Progress;
use run::Run;
use show::{Limits, Show, Shown};
use summary::Summary;

/// Number of steps that may read or write while others fetch.
const SPARE_STEPS: usize = 8;
/// Time between two looks for a request to stop.
const LOOK: Duration = Duration::from_secs(1);
/// Exit status if a refresh was not published, since it would have lost too much.
pub const HELD: u8 = 3;

/// Crawls the sites and publishes them.
pub async fn crawl(args: Crawl) -> Result<ExitCode> {
    let sites = setup::sites(&args)?;
    let server = args.index.url()?;
    let report = args.report.as_deref().map(ReportFile::check).transpose()?;
    let folder = Folder::create(&args.data.folder()?)?;
    let lock = folder.lock()?;
    folder.clear_stops()?;
    let listener = match args.serve {
        None => None,
        Some(address) => Some(serve::bind(address).await?),
    };
    let store = Store::open(&folder.state())?;
    let archive = Arc::new(SqliteArchive::open(&folder.archive())?);
    let index = Arc::new(WrittenIndex::open(&folder, server.as_ref()).await?);
    refill(&folder, &store, &archive, &index).await?;
    let clock = Clock::start();
    let concurrency = args
        .concurrency
        .map_or_else(|| concurrency(args.rps.0), usize::from);
    let rates = Arc::new(Rates::alone(args.rps.0, concurrency));
    let gates = Arc::new(Gates::new(Arc::new(store.clone()), rates, clock));
    let config = HttpConfig {
        user_agent: setup::user_agent(&args),
        private: setup::private(&args, &sites),
    };
    let fetcher = Arc::new(HttpFetcher::start(config)?);
    let now = Arc::new(move || clock.now());
    let process = Process::new(OneMachine, archive, store.clone(), now)?;
    let process = Arc::new(process);
    let serving = listener.map(|listener| serve_meanwhile(listener, &args, &index, &folder));
    let (mut runs, mut beginnings) = (Vec::new(), Vec::new());
    for site in sites {
        adopt(&folder, &store, &site.id, process.archive()).await?;
        let (site_store, beginning, scope) = setup::begin(&store, &site, &args, clock).await?;
        setup::settle_index(&site_store, &site, &index, server.as_ref()).await?;
        beginnings.push((beginning, scope.clone()));
        let counts = site_store.counts().await?;
        let is_refresh = site_store.was_published().await?
            || beginning == Beginning::ChangedScope && site_store.searchable().await? > 0;
        let parts = CrawlParts {
            site,
            scope,
            id: site_store.crawl(),
            rate: args.rps.0,
            pages: site_store,
            fetcher: Arc::clone(&fetcher),
        };
        runs.push(Run {
            process: Arc::clone(&process),
            gates: Arc::clone(&gates),
            crawl: Arc::new(canter_engine::Crawl::new(parts)),
            progress: Arc::new(Progress::from(&counts)),
            index: Arc::clone(&index),
            max_loss: is_refresh.then_some(args.max_loss),
        });
    }
    let (stop, stopped) = watch::channel(false);
    stop_on_signal(stop);
    if !args.json {
        for (run, (beginning, scope)) in runs.iter().zip(beginnings) {
            setup::announce(setup::words(beginning), &run.crawl.site.id, &scope);
        }
    }
    let began = Instant::now();
    let show = Show::start(args.json, shown(&args, &runs, began), stopped.clone());
    let driven = drive_all(&args, &folder, &runs, concurrency, &stopped).await;
    show.end().await;
    let mut summaries = Vec::new();
    for (run, driven) in runs.iter().zip(driven?) {
        let summary = Summary::of(run, driven, args.rps.0, began.elapsed()).await?;
        summaries.push(summary);
    }
    let written = match &report {
        Some(file) => report::write(file, &runs, &summaries, &folder).await,
        None => Ok(()),
    };
    for (run, summary) in runs.iter().zip(&summaries) {
        let seeds = &run.crawl.site.seeds;
        let nothing = nothing_crawled(summary, &run.crawl.pages, seeds).await?;
        if args.json || nothing.is_none() {
            summary.print(args.json)?;
        }
        if let Some(why) = nothing {
            bail!("nothing was crawled: {why}");
        }
    }
    written?;
    if let Some(file) = report.filter(|_| !args.json) {
        eprintln!("Report: {}", file.path().display());
    }
    // Everything is on disk: another crawl may use the folder now.
    drop(runs);
    drop(process);
    drop(lock);
    if let Some(address) = serving
        && !*stopped.borrow()
    {
        serve::announce(&address, args.json);
        wait_for_signal(stopped).await;
    }
    let held = summaries.iter().any(|summary| summary.held.is_some());
    Ok(if held {
        ExitCode::from(HELD)
    } else {
        ExitCode::SUCCESS
    })
}

/// The sites as the display shows them.
fn shown(args: &Crawl, runs: &[Run], began: Instant) -> Vec<Shown<LocalSource>> {
    let limits = Limits {
        rate: args.rps.0,
        pages: Some(args.max_pages),
        time: args.max_time,
        began,
    };
    let shown = runs.iter().map(|run| Shown {
        id: run.crawl.site.id.clone(),
        source: LocalSource::of(run),
        limits,
    });
    shown.collect()
}

/// Drives all sites at once. Gives how each one ended, or the first failure.
async fn drive_all(
    args: &Crawl,
    folder: &Folder,
    runs: &[Run],
    concurrency: usize,
    stopped: &watch::Receiver<bool>,
) -> Result<Vec<Driven>> {
    let mut drives = JoinSet::new();
    for run in runs {
        run.gates.enter(&run.crawl.site.seeds);
    }
    for (number, run) in runs.iter().enumerate() {
        let limits = DriveLimits {
            steps: concurrency + SPARE_STEPS,
            deadline: args.max_time.map(|span| Instant::now() + span),
        };
        let stop = stop_of(folder, &run.crawl.site.id, stopped.clone(), args.json);
        let publisher = Publisher {
            process: Arc::clone(&run.process),
            crawl: Arc::clone(&run.crawl),
            index: Arc::clone(&run.index),
            max_loss: run.max_loss,
        };
        let (gates, progress) = (Arc::clone(&run.gates), Arc::clone(&run.progress));
        let drive = Drive::new(publisher, gates, progress, stop, limits);
        drives.spawn(async move { (number, drive.run().await) });
    }
    let mut all = Vec::new();
    while let Some(ended) = drives.join_next().await {
        let (number, driven) = ended.context("the crawl broke off")?;
        all.push((number, driven?));
    }
    all.sort_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, driven)| driven).collect())
}

/// Why nothing was crawled; none if there are pages.
async fn nothing_crawled(
    summary: &Summary,
    store: &SiteStore,
    seeds: &[url::Url],
) -> Result<Option<String>> {
    if summary.counts.pages > 0 || summary.rest == Some(Rest::Stopped) {
        return Ok(None);
    }
    let ends = store.ends(seeds.to_vec()).await?;
    let reasons = ends.iter().filter_map(|(url, outcome)| match outcome {
        Outcome::Failed { why } => Some(format!("{url}: {why}")),
        Outcome::Gone { status } => Some(format!("{url}: status {status}")),
        Outcome::Skipped {
            reason: canter_core::task::Skip::PrivateAddress,
            ..
        } => Some(format!(
            "{url}: the host is at a private address (add --allow-private if it is your own)"
        )),
        Outcome::Skipped {
            reason,
            to: Some(to),
        } => Some(format!("{url}: {}, to {to}", reason.phrase())),
        Outcome::Skipped { reason, to: None } => Some(format!("{url}: {}", reason.phrase())),
        _ => None,
    });
    let reasons: Vec<String> = reasons.collect();
    Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
}

/// The first signal asks for a clean stop and the second ends the process. The data on disk is
/// whole at any moment.
fn stop_on_signal(stop: watch::Sender<bool>) {
    let first = signal();
    tokio::spawn(async move {
        first.await;
        stop.send_replace(true);
        end_at_once().await;
    });
}

/// Watches for the stop of one site: by a signal for all of them, or by `canter stop`.
fn stop_of(
    folder: &Folder,
    site: &str,
    mut stopped: watch::Receiver<bool>,
    json: bool,
) -> watch::Receiver<bool> {
    let (folder, site) = (folder.clone(), site.to_owned());
    let (stop, ours) = watch::channel(false);
    tokio::spawn(async move {
        // Fails only if the sender is gone, and it outlives the crawl.
        let everybody = stopped.wait_for(|stopped| *stopped);
        tokio::pin!(everybody);
        loop {
            tokio::select! {
                _ = &mut everybody => break,
                () = sleep(LOOK) => if folder.is_asked_to_stop(&site) {
                    folder.end_stopping(&site);
                    if !json {
                        eprintln!("Stopping {site}, as `canter stop` asks.");
                    }
                    break;
                },
            }
        }
        stop.send_replace(true);
    });
    ours
}

async fn wait_for_signal(mut stopped: watch::Receiver<bool>) {
    // Fails only if the sender is gone, and then there is nothing to wait for.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Serves the search while the crawl goes on.
fn serve_meanwhile(
    (listener, address): (TcpListener, SocketAddr),
    args: &Crawl,
    index: &Arc<WrittenIndex>,
    folder: &Folder,
) -> SocketAddr {
    let is_own_index = matches!(**index, WrittenIndex::Own(_));
    let access = args.visitors.access(address, is_own_index);
    let status = Arc::new(FolderStatus::new(folder));
    let router = canter_api::router_for(access, Arc::clone(index), status);
    tokio::spawn(http_server::serve(listener, router, pending()));
    serve::announce(&address, args.json);
    address
}
