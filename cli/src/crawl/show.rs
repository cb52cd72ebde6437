//! Shows a running crawl: bars on a terminal, lines elsewhere, JSON for programs.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use canter_core::pace::Rate;
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::bar::Bars;
use super::estimate::{Bounds, Estimate, Sight};
use super::frame::{Frame, Source};
use super::line::line;

/// The message when the user asks for the end.
const STOPPING: &str = "Stopping: what is under way is seen to its end. Ctrl-C again ends at once.";

/// A crawl on display.
pub struct Show {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// A site on display.
pub struct Shown<S> {
    pub id: String,
    pub source: S,
    pub limits: Limits,
}

/// The limits of a site.
#[derive(Clone, Copy)]
pub struct Limits {
    pub rate: Option<Rate>,
    /// Maximum number of pages; none for no limit.
    pub pages: Option<u64>,
    pub time: Option<Duration>,
    pub began: Instant,
}

#[derive(Clone, Copy)]
enum Form {
    Bar,
    Lines,
    Json,
}

impl Show {
    /// Starts to show sites. `stopped` becomes true when the user wants them to stop.
    pub fn start<S: Source>(
        json: bool,
        sites: Vec<Shown<S>>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let form = if json {
            Form::Json
        } else if stderr().is_terminal() {
            Form::Bar
        } else {
            Form::Lines
        };
        let (end, ended) = oneshot::channel();
        let task = tokio::spawn(show(form, sites, stopped, ended));
        Show { end, task }
    }

    /// Clears the bar.
    pub async fn end(self) {
        // The task also ends by itself when the sender is gone.
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

async fn show<S: Source>(
    form: Form,
    mut sites: Vec<Shown<S>>,
    mut stopped: watch::Receiver<bool>,
    mut ended: oneshot::Receiver<()>,
) {
    let names: Vec<String> = sites.iter().map(|site| site.id.clone()).collect();
    let bars = matches!(form, Form::Bar).then(|| Bars::new(names));
    let mut estimates: Vec<Estimate> = sites.iter().map(|_| Estimate::default()).collect();
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
        let estimated = sites.iter_mut().zip(&mut estimates);
        for (number, (site, estimate)) in estimated.enumerate() {
            let mut frame = site.source.frame().await;
            let limits = site.limits;
            frame.left = estimate.left(sight(&frame, limits), bounds(&frame, limits));
            match (form, &bars) {
                (Form::Bar, Some(bars)) => bars.draw(number, &frame, limits.rate),
                (Form::Json, _) => emit(&site.id, &frame, limits),
                _ => eprintln!("{}: {}", site.id, line(&frame, limits.rate)),
            }
        }
    }
    if let Some(bars) = bars {
        bars.clear();
    }
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
        tasks: limits.pages.map(|most| most.saturating_sub(frame.pages)),
        time: limits.time.map(|span| span.saturating_sub(elapsed)),
    }
}

fn emit(site: &str, frame: &Frame, limits: Limits) {
    let event = json!({
        "event": "progress",
        "site": site,
        "pages": frame.pages,
        "done": frame.done,
        "waiting": frame.waiting,
        "failed": frame.failed,
        "retries": frame.retries,
        "rps": frame.rps,
        "held_seconds": frame.held.as_secs_f64(),
        "rps_limit": limits.rate.map(Rate::per_second),
        "seconds": limits.began.elapsed().as_secs_f64(),
        "publishing": frame.publishing,
        "seconds_left": frame.left.map(|left| left.span.as_secs_f64()),
        "index_trouble": frame.index_trouble,
        "cloud_trouble": frame.cloud_trouble,
        "left_is_lower_bound": frame.left.is_some_and(|left| left.at_least),
    });
    // A closed pipe is no reason to stop crawling.
    let _ = writeln!(stdout(), "{event}");
}
