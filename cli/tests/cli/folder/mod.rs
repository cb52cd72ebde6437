//! Commands that read a data folder, or stop and forget in it.

mod cases;
mod explain;
mod forget;
mod import;
mod status;
mod stop;

use std::io::Write;
use std::process::{Command, Stdio};

use canter_tests::Canter;
use serde_json::Value;

use crate::objects;

/// The answer of `canter explain` about a URL, and its part about the only site that matters.
#[track_caller]
fn explained(canter: &Canter, url: &str) -> (Value, Value) {
    let mut answers = objects(canter.run(&["explain", url, "--json"]));
    assert_eq!(answers.len(), 1);
    let answer = answers.remove(0);
    let site = match answer["sites"].as_array().unwrap().as_slice() {
        [site] => site.clone(),
        _ => answer["not_in"][0].clone(),
    };
    (answer, site)
}

/// The answer of `canter status` about a site.
#[track_caller]
fn state(canter: &Canter, site: &str) -> Value {
    objects(canter.run(&["status", site, "--json"])).remove(0)
}

/// Runs a command with this standard input. Gives its standard output.
fn with_input(canter: &Canter, args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(canter.program())
        .args(args)
        .arg("--data")
        .arg(canter.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
