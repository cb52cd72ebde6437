//! The commands of the guide (`docs/guide`) run, in its order, with the real program and a site on
//! loopback.
//!
//! Blocks of a chapter that are marked `sh` are run line by line, in a shell whose home and working
//! folder is temporary. `https://docs.example.org` and `http://127.0.0.1:8000` stand for the test's
//! site, and `http://127.0.0.1:8080` for the server that a line before has started. Blocks marked
//! `sh,norun` and `sh,aws` need more than a test has: only their options are looked up in `--help`,
//! as are those of the other documents.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod document;
mod manual;
mod reader;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use document::{blocks, chapters, guide, links, read, root};
use manual::Manual;
use reader::Reader;

/// What a block of the guide may be.
const MARKS: [&str; 6] = ["sh", "sh,norun", "sh,aws", "html", "json", "text"];

/// Documents whose commands are looked up and not run.
const OTHERS: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/benchmarks.md",
    "docs/relevance.md",
    "infra/README.md",
    "localstack/README.md",
];

#[test]
fn every_command_of_the_guide_works() {
    let mut reader = Reader::new();
    for chapter in chapters() {
        for (mark, lines) in blocks(&read(&chapter)) {
            assert!(MARKS.contains(&mark.as_str()), "{mark:?} is no mark here");
            for line in lines.iter().filter(|_| mark == "sh") {
                reader.runs(line);
            }
        }
        reader.ends_the_server();
    }
}

#[test]
fn every_option_that_a_document_names_exists() {
    let others = OTHERS.map(|name| root().join(name));
    let mut manual = Manual::default();
    for document in chapters().into_iter().chain(others) {
        for (mark, lines) in blocks(&read(&document)) {
            for line in lines.iter().filter(|_| mark.starts_with("sh")) {
                manual.look_up(line);
            }
        }
    }
}

#[test]
fn a_wrong_option_and_a_wrong_command_are_found() {
    for wrong in [
        "canter crawl https://docs.example.org/ --rsp 5",
        "podman run canter serve --port=80",
        "canter gallop",
    ] {
        let looked_up = std::panic::catch_unwind(|| Manual::default().look_up(wrong));
        assert!(looked_up.is_err(), "{wrong}");
    }
    Manual::default().look_up("canter search a | jq --raw-output .");
}

#[test]
fn the_summary_lists_every_chapter_and_links_lead_to_chapters() {
    let listed: BTreeSet<PathBuf> = chapters().into_iter().collect();
    let there = fs::read_dir(guide()).unwrap();
    let there = there.map(|entry| entry.unwrap().path());
    let there: BTreeSet<PathBuf> = there.filter(|path| !path.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, there);
    for chapter in &listed {
        for link in links(&read(chapter)) {
            let file = link.split('#').next().unwrap();
            let known = link.contains("://") || file.is_empty() || guide().join(file).is_file();
            assert!(known, "{link} in {}", chapter.display());
        }
    }
}
