//! The machine, and how busy it is with other things.

use std::fs;
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

/// Maximum wait for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// Number of processors that may be used.
pub fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// The load average of the last minute; none if the system does not report it.
pub fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// Waits until half of the processors are idle, but not forever.
pub fn wait_for_quiet() {
    let quiet = (processors() as f64 / 2.0).max(0.5);
    let began = Instant::now();
    while let Some(load) = load().filter(|load| *load > quiet) {
        if began.elapsed() > PATIENCE {
            eprintln!(
                "the machine stays busy (load {load:.2}): figures will be worse than it is able to"
            );
            return;
        }
        eprintln!("waiting for the machine: load {load:.2}, wanted {quiet:.1}");
        sleep(Duration::from_secs(10));
    }
}
