//! Shows a crawl while it goes on: a bar on a terminal, lines elsewhere, JSON for programs.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canter_core::pace::Rate;
use canter_embedded::store::SiteStore;
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use url::Url;

use super::Run;
use super::bar::Bars;
use super::estimate::{Bounds, Estimate, Left, Sight};
use super::gates::Gates;
use super::line::line;
use super::progress::Progress;
use crate::args::Crawl;
use crate::index::AnyIndex;

/// Said once when the user asks for the end.
const STOPPING: &str = "Stopping: what is under way is seen to its end. Ctrl-C again ends at once.";

/// A crawl on display.
pub struct Show {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// One site, as far as it is shown.
struct Site {
    id: String,
    seeds: Vec<Url>,
    store: SiteStore,
    index: Arc<AnyIndex>,
    progress: Arc<Progress>,
    gates: Arc<Gates>,
    being_indexed: Arc<AtomicU64>,
    estimate: Estimate,
}

/// What is shown of a site at one time.
pub struct Frame {
    pub pages: u64,
    pub done: u64,
    pub waiting: u64,
    pub failed: u64,
    pub retries: u64,
    pub rps: u32,
    pub held: Duration,
    /// What the site asks for between requests.
    pub delay: Duration,
    pub left: Option<Left>,
    pub trouble: Option<String>,
    /// What holds up the index.
    pub index_trouble: Option<String>,
}

/// What holds for every site of the command.
#[derive(Clone, Copy)]
struct Limits {
    rate: Option<Rate>,
    pages: u64,
    time: Option<Duration>,
    began: Instant,
}

#[derive(Clone, Copy)]
enum Form {
    Bar,
    Lines,
    Json,
}

impl Show {
    pub fn start(
        args: &Crawl,
        runs: &[Run],
        began: Instant,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let form = if args.json {
            Form::Json
        } else if stderr().is_terminal() {
            Form::Bar
        } else {
            Form::Lines
        };
        let sites = runs
            .iter()
            .map(|run| Site {
                id: run.world.site.id.clone(),
                seeds: run.world.site.seeds.clone(),
                store: run.world.store.clone(),
                index: Arc::clone(&run.world.index),
                progress: Arc::clone(&run.progress),
                gates: Arc::clone(&run.world.gates),
                being_indexed: Arc::clone(&run.world.being_indexed),
                estimate: Estimate::default(),
            })
            .collect();
        let limits = Limits {
            rate: args.rps.0,
            pages: args.max_pages,
            time: args.max_time,
            began,
        };
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(show(form, sites, limits, stopped, ended));
        Show { end, task }
    }

    /// Clears the bar.
    pub async fn end(self) {
        // The task ends by itself when the sender is gone, too.
        let _ = self.end.send(());
        let _ = self.task.await;
    }
}

impl Form {
    fn interval(self) -> Duration {
        match self {
            Form::Bar => Duration::from_millis(200),
            Form::Lines => Duration::from_secs(5),
            Form::Json => Duration::from_secs(1),
        }
    }
}

async fn show(
    form: Form,
    mut sites: Vec<Site>,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
    mut ended: oneshot::Receiver<()>,
) {
    let names = || sites.iter().map(|site| site.id.clone()).collect();
    let bars = matches!(form, Form::Bar).then(|| Bars::new(names()));
    loop {
        tokio::select! {
            _ = &mut ended => break,
            Ok(()) = stopped.changed() => {
                match (form, &bars) {
                    (Form::Json, _) => {}
                    (_, Some(bars)) => bars.say(STOPPING),
                    (_, None) => eprintln!("{STOPPING}"),
                }
                continue;
            }
            () = sleep(form.interval()) => {}
        }
        for (number, site) in sites.iter_mut().enumerate() {
            let frame = frame(site, limits).await;
            match (form, &bars) {
                (Form::Bar, Some(bars)) => bars.draw(number, &frame, limits.rate),
                (Form::Json, _) => emit(site, &frame, limits),
                _ => eprintln!("{}: {}", site.id, line(&frame, limits.rate)),
            }
        }
    }
    if let Some(bars) = bars {
        bars.clear();
    }
}

async fn frame(site: &mut Site, limits: Limits) -> Frame {
    let waiting = site.store.waiting();
    let now = site.progress.now();
    let tally = site.gates.tally(&site.seeds);
    // What is on its way to the index was read; only its commit is to come.
    let read = site.being_indexed.load(Ordering::Relaxed);
    let mut frame = Frame {
        pages: now.pages + read,
        done: now.done + read,
        waiting: waiting.saturating_sub(read),
        failed: now.failed,
        retries: now.retries,
        rps: tally.current,
        held: site.gates.held_for(&site.seeds).await,
        delay: tally.delay,
        left: None,
        trouble: now.last.back().cloned(),
        index_trouble: site.index.trouble(),
    };
    frame.left = site
        .estimate
        .left(sight(&frame, limits), bounds(&frame, limits));
    frame
}

fn sight(frame: &Frame, limits: Limits) -> Sight {
    Sight {
        at: limits.began.elapsed(),
        done: frame.done,
        waiting: frame.waiting,
        held: frame.held,
    }
}

fn bounds(frame: &Frame, limits: Limits) -> Bounds {
    let asked = limits.rate.map_or(f64::INFINITY, Rate::per_second);
    let rate = asked.min(1.0 / frame.delay.as_secs_f64());
    let elapsed = limits.began.elapsed();
    Bounds {
        rate: rate.is_finite().then_some(rate),
        tasks: Some(limits.pages.saturating_sub(frame.pages)),
        time: limits.time.map(|span| span.saturating_sub(elapsed)),
    }
}

fn emit(site: &Site, frame: &Frame, limits: Limits) {
    let event = json!({
        "event": "progress",
        "site": site.id,
        "pages": frame.pages,
        "done": frame.done,
        "waiting": frame.waiting,
        "failed": frame.failed,
        "retries": frame.retries,
        "rps": frame.rps,
        "held_seconds": frame.held.as_secs_f64(),
        "rps_limit": limits.rate.map(Rate::per_second),
        "seconds": limits.began.elapsed().as_secs_f64(),
        "seconds_left": frame.left.map(|left| left.span.as_secs_f64()),
        "index_trouble": frame.index_trouble,
        "left_is_lower_bound": frame.left.is_some_and(|left| left.at_least),
    });
    // A reader that went away is no reason to stop crawling.
    let _ = writeln!(stdout(), "{event}");
}
