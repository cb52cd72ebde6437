//! Shows a crawl while it goes on: a bar on a terminal, lines elsewhere, JSON for programs.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Run;
use super::gates::Gates;
use super::progress::Progress;
use super::summary::counted;
use crate::args::Crawl;
use canter_core::pace::Rate;
use canter_embedded::store::SiteStore;
use url::Url;

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
    progress: Arc<Progress>,
    gates: Arc<Gates>,
    being_indexed: Arc<AtomicU64>,
}

/// What is shown of a site at one time.
struct Frame {
    pages: u64,
    done: u64,
    waiting: u64,
    failed: u64,
    retries: u64,
    rps: u32,
    held: Duration,
    trouble: Option<String>,
}

#[derive(Clone, Copy)]
enum Form {
    Bar,
    Lines,
    Json,
}

impl Show {
    pub fn start(args: &Crawl, runs: &[Run], began: Instant) -> Self {
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
                progress: Arc::clone(&run.progress),
                gates: Arc::clone(&run.world.gates),
                being_indexed: Arc::clone(&run.world.being_indexed),
            })
            .collect();
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(show(form, sites, args.rps.0, began, ended));
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
    sites: Vec<Site>,
    limit: Option<Rate>,
    began: Instant,
    mut ended: oneshot::Receiver<()>,
) {
    // Draws the bars, so that it must live as long as they do.
    let all = MultiProgress::new();
    let bars: Vec<ProgressBar> = match form {
        Form::Bar => bars(&all, &sites),
        Form::Lines | Form::Json => Vec::new(),
    };
    loop {
        tokio::select! {
            _ = &mut ended => break,
            () = sleep(form.interval()) => {}
        }
        for (number, site) in sites.iter().enumerate() {
            let Some(frame) = frame(site).await else {
                continue;
            };
            match form {
                Form::Bar => draw(&bars[number], &frame, limit),
                Form::Lines => eprintln!("{}: {}", site.id, line(&frame, limit)),
                Form::Json => emit(site, &frame, limit, began.elapsed()),
            }
        }
    }
    for bar in bars {
        bar.finish_and_clear();
    }
    // Nothing can be done about a terminal that went away.
    let _ = all.clear();
}

fn bars(all: &MultiProgress, sites: &[Site]) -> Vec<ProgressBar> {
    let style = "{spinner:.cyan} {prefix:.bold} [{elapsed}] {bar:30.cyan/dim} {msg}";
    sites
        .iter()
        .map(|site| {
            let bar = all.add(ProgressBar::new(1));
            let style = ProgressStyle::with_template(style);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(site.id.clone());
            bar
        })
        .collect()
}

async fn frame(site: &Site) -> Option<Frame> {
    let waiting = site.store.waiting();
    let now = site.progress.now();
    // What is on its way to the index was read; only its commit is to come.
    let read = site.being_indexed.load(Ordering::Relaxed);
    Some(Frame {
        pages: now.pages + read,
        done: now.done + read,
        waiting: waiting.saturating_sub(read),
        failed: now.failed,
        retries: now.retries,
        rps: site.gates.tally(&site.seeds).current,
        held: site.gates.held_for(&site.seeds).await,
        trouble: now.last.back().cloned(),
    })
}

fn draw(bar: &ProgressBar, frame: &Frame, limit: Option<Rate>) {
    bar.set_length(frame.done + frame.waiting);
    bar.set_position(frame.done);
    bar.set_message(line(frame, limit));
}

fn line(frame: &Frame, limit: Option<Rate>) -> String {
    let mut line = format!(
        "{}, {} waiting, {}/s",
        counted(frame.pages, "page"),
        HumanCount(frame.waiting),
        frame.rps
    );
    if let Some(limit) = limit {
        line += &format!(" of {}", limit.per_second());
        let left = frame.waiting as f64 / limit.per_second();
        if frame.waiting > 0 && frame.held.is_zero() {
            let left = HumanDuration(Duration::from_secs_f64(left.min(1e9)));
            line += &format!(", {left:#} for those");
        }
    }
    if !frame.held.is_zero() {
        let left = HumanDuration(frame.held);
        line += &format!(", the site asked to wait: {left:#} to go");
    }
    if frame.failed > 0 {
        line += &format!(", {} failed", frame.failed);
    }
    if frame.retries > 0 {
        line += &format!(", {} tried again", frame.retries);
        if let Some(trouble) = &frame.trouble {
            line += &format!(" (last: {trouble})");
        }
    }
    line
}

fn emit(site: &Site, frame: &Frame, limit: Option<Rate>, elapsed: Duration) {
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
        "rps_limit": limit.map(Rate::per_second),
        "seconds": elapsed.as_secs_f64(),
    });
    // A reader that went away is no reason to stop crawling.
    let _ = writeln!(stdout(), "{event}");
}
