//! Tests of the real program.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod attack;
mod aws;
mod continuing;
mod crawl;
mod folder;
mod hostile;
mod manual;
mod publishing;
mod server;
mod trouble;

use std::thread;

use canter_tests::Ended;
use serde_json::Value;

/// The lines of JSON that a run printed.
#[track_caller]
fn objects(ended: Ended) -> Vec<Value> {
    let lines = ended.done().stdout;
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    lines.lines().map(parse).collect()
}

/// Tests rows that wait, all at the same time.
fn side_by_side<T: Send>(rows: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        for row in rows {
            scope.spawn(move || test(row));
        }
    });
}
