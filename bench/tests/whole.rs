//! The whole benchmark on a site of a few pages: that it measures, not what.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const PAGES: usize = 12;

fn bench(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canter-bench"));
    command
        .arg(folder)
        .args(["--busy", "--peers=", "--repeats=1"]);
    command.args(args).output().unwrap()
}

#[track_caller]
fn fails(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
}

/// A chain of pages, and one page without links to it.
fn documentation() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..PAGES {
        let name = match n {
            0 => "index.html".to_owned(),
            n => format!("{n}.html"),
        };
        let next = match n + 1 {
            PAGES => "index.html#top".to_owned(),
            next => format!("{next}.html"),
        };
        let page = format!("<title>Page {n}</title><p>Text {n}, <a href={next}>next</a>");
        fs::write(folder.path().join(name), page).unwrap();
    }
    fs::write(folder.path().join("lost.html"), "<title>Lost</title>").unwrap();
    folder
}

/// Uses the program of the workspace's last build, because a package cannot name the binary of another.
#[test]
fn a_folder_is_measured_by_the_servers_log() {
    let folder = documentation();
    let output = bench(folder.path(), &["--pace=10", "--seconds=1", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["pages_in_folder"], PAGES + 1);

    let speed = &told["speed"][0];
    assert_eq!(speed["tool"], "canter");
    assert_eq!(
        (&speed["pages"], &speed["missed"]),
        (&PAGES.into(), &0.into())
    );
    for measured in ["cpu_ms_a_page", "peak_mb", "pages_a_second"] {
        assert!(
            speed[measured].as_f64() > Some(0.0),
            "{measured} in {speed}"
        );
    }
    let kept = &told["pace"][0];
    assert_eq!(kept["rate"], 10.0);
    assert!(kept["delivered_percent"].as_f64() > Some(0.0), "{kept}");
    let runs = told["runs"].as_array().unwrap();
    assert_eq!(
        (&runs[0]["exit"], &runs[0]["cut"]),
        (&0.into(), &false.into())
    );
    assert_eq!(runs[1]["cut"], true, "{said}");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let folder = documentation();
    fails(
        &bench(Path::new("/no/such/docs"), &[]),
        &["/no/such/docs is not a folder"],
    );
    let start = bench(folder.path(), &["--start=/toc.html"]);
    fails(&start, &["no page /toc.html", "--start"]);
    let absent = bench(folder.path(), &["--canter=/no/canter"]);
    fails(&absent, &["/no/canter", "cargo build --release"]);
    let other = bench(folder.path(), &["--canter=/bin/sh"]);
    fails(&other, &["/bin/sh"]);
}
