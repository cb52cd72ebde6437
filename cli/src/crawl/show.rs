//! Shows a crawl while it goes on: a bar on a terminal, lines elsewhere, JSON for programs.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Run;
use super::gates::Gates;
use super::progress::Progress;
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
}

/// What is shown of a site at one time.
struct Frame {
    pages: u64,
    done: u64,
    waiting: u64,
    failed: u64,
    retries: u64,
    rps: u32,
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
    let bars: Vec<ProgressBar> = match form {
        Form::Bar => bars(&sites),
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
}

fn bars(sites: &[Site]) -> Vec<ProgressBar> {
    let all = indicatif::MultiProgress::new();
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
    let waiting = site.store.waiting().await.ok()?;
    let now = site.progress.now();
    Some(Frame {
        pages: now.pages,
        done: now.done,
        waiting,
        failed: now.failed,
        retries: now.retries,
        rps: site.gates.tally(&site.seeds).current,
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
        "{} pages, {} waiting, {}/s",
        frame.pages, frame.waiting, frame.rps
    );
    if let Some(limit) = limit {
        line += &format!(" of {}", limit.per_second());
        let left = frame.waiting as f64 / limit.per_second();
        if frame.waiting > 0 {
            let left = HumanDuration(Duration::from_secs_f64(left.min(1e9)));
            line += &format!(", {left:#} for those");
        }
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
        "rps_limit": limit.map(Rate::per_second),
        "seconds": elapsed.as_secs_f64(),
    });
    // A reader that went away is no reason to stop crawling.
    let _ = writeln!(stdout(), "{event}");
}
