//! A site on loopback for tests that are not in Rust, with its access log.
//!
//! `site FOLDER` serves the files of a folder, `site --web N` a made-up web of N pages. The first line
//! on standard output is the site's URL; each line on standard input is answered with the log so far,
//! one JSON object on a line: `visits` (pairs of milliseconds and path, in order) and `stalls`, times
//! in which the machine let nobody run. An empty log follows the line `clear`. Ends with its input.

use std::fs;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};

use canter_tests::{Answer, Site};
use serde_json::json;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let site = match words.as_slice() {
        [folder] => files(Path::new(folder)),
        [flag, count] if flag == "--web" => Site::web(count.parse().expect("a number of pages")),
        _ => panic!("usage: site FOLDER | site --web N"),
    };
    let serving = site.watched().start();
    println!("{}", serving.url("/"));
    for line in stdin().lock().lines() {
        if line.expect("standard input can be read") == "clear" {
            serving.log().clear();
        }
        let log = serving.log();
        let visits = log.all().into_iter();
        let visits = visits.map(|visit| json!([visit.at.as_secs_f64() * 1e3, visit.path]));
        let told = json!({ "visits": visits.collect::<Vec<_>>(), "stalls": log.stalls() });
        let mut out = stdout().lock();
        writeln!(out, "{told}")
            .and_then(|()| out.flush())
            .expect("somebody reads");
    }
}

/// Every file at its path; an index at its folder's, too.
fn files(folder: &Path) -> Site {
    let mut site = Site::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let file = entry.expect("an entry").path();
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let below = file.strip_prefix(folder).expect("below the folder");
            let path = format!("/{}", below.to_str().expect("a name in UTF-8"));
            // A link that leads nowhere is a dead link of the site, too.
            let Ok(body) = fs::read(&file) else {
                continue;
            };
            let answer = match file.extension().and_then(|it| it.to_str()) {
                Some("html" | "htm") => Answer::html(body),
                _ => Answer::status(200).body(body),
            };
            if let Some(parent) = path.strip_suffix("index.html") {
                site = site.answer(parent, answer.clone());
            }
            site = site.answer(&path, answer);
        }
    }
    site
}
