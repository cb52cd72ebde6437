//! `canter import`: one folder holds what another one exported.

use std::fs;

use canter_tests::{Canter, Site, canter};
use serde_json::{Value, json};

use super::{state, with_input};
use crate::objects;

fn line(path: &str, text: &str, links: Value) -> String {
    let page = json!({
        "site": "d", "url": format!("https://d.test{path}"), "title": path, "text": text,
        "fetched_at_ms": 1_700_000_000_000_u64, "links": links,
    });
    format!("{page}\n")
}

/// The paths that a search finds, in order.
#[track_caller]
fn found(canter: &Canter, query: &str) -> Vec<String> {
    let answer = objects(canter.run(&["search", query, "--json"])).remove(0);
    let results = answer["results"].as_array().unwrap().iter();
    results
        .map(|it| it["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_was_exported_is_imported_whole_and_forgotten_again() {
    let site = Site::web(30).start();
    let (from, to) = (canter!(), canter!());
    from.crawl(&site.url("/"), &[]).done();
    let exported = from.run(&["export", "t"]).done().stdout;
    let said = with_input(&to, &["import", "-"], exported.as_bytes());
    assert_eq!(said, "");
    assert_eq!(to.run(&["export", "t"]).done().stdout, exported);
    let told = state(&to, "t");
    assert_eq!(
        (&told["state"], &told["searchable"], &told["began_at"]),
        (&"imported".into(), &31.into(), &Value::Null)
    );
    let text = to.run(&["status"]).done().stdout;
    assert!(
        text.contains("t imported") && text.contains("31 searchable"),
        "{text}"
    );
    to.run(&["export", "x"]).fails(2, &["known sites: t"]);
    // A crawl finds the pages in the index and is independent of them.
    to.crawl(&site.url("/"), &[])
        .done()
        .counts(&[("indexed", 31)]);
    assert_eq!(state(&to, "t")["state"], "complete");
    with_input(
        &from,
        &["import", "-"],
        line("/", "words", json!([])).as_bytes(),
    );
    from.run(&["forget", "d", "--yes"]).done();
    from.run(&["export", "d"]).fails(2, &["known sites: t"]);
    assert_eq!(from.export().len(), 31);
}

#[test]
fn pages_of_another_program_are_found_by_what_they_say_of_each_other() {
    let canter = canter!();
    let file = canter.data().with_extension("jsonl");
    let words =
        "It is told here how the machine is put together, from the first screw to the last.";
    let text = format!("See the gizmo manual for more. {words}");
    let link = json!([{"u": "https://d.test/b", "t": "gizmo manual", "p": [8, 20]}]);
    let lines = line("/a", &text, link) + "\n" + &line("/b", words, json!([]));
    fs::write(&file, lines).unwrap();
    let import = ["import", file.to_str().unwrap()];
    let said = canter.run(&import).done().stderr;
    assert!(said.contains("2 pages of d went into the index"), "{said}");
    let mut both = found(&canter, "gizmo");
    both.sort();
    assert_eq!(both, ["/a", "/b"]);
    // A repeated import changes nothing; a later copy replaces the page.
    canter.run(&import).done();
    assert_eq!(state(&canter, "d")["searchable"], 2);
    let later = line("/a", "Another text.", json!([])).replace("1700000000000", "1700000000001");
    with_input(&canter, &["import", "-"], later.as_bytes());
    assert_eq!(found(&canter, "gizmo"), [""; 0]);
    assert_eq!(found(&canter, "another"), ["/a"]);
}

/// A clock that was ahead must not freeze a page.
#[test]
fn a_page_of_the_future_is_replaced_by_the_next_crawl() {
    let site = Site::new().page("/", []).start();
    let canter = canter!();
    let page = json!({
        "site": "t", "url": site.url("/"), "title": "of 2100", "text": "Words of another time.",
        "fetched_at_ms": 4_102_444_800_000_u64,
    });
    with_input(&canter, &["import", "-"], page.to_string().as_bytes());
    assert_eq!(found(&canter, "words"), ["of 2100"]);
    let exported = canter.run(&["export", "t"]).done().stdout;
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert!(exported["fetched_at_ms"].as_u64().unwrap() < 4_102_444_800_000);
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    assert_eq!(summary["changed"], 1, "{summary}");
    assert_eq!(canter.export()[0]["title"], "/");
    assert_eq!(found(&canter, "words"), [""; 0]);
}

#[test]
fn a_line_that_is_none_is_named_and_loses_nothing() {
    let canter = canter!();
    let file = canter.data().with_extension("jsonl");
    let import = ["import", file.to_str().unwrap()];
    canter.run(&import).fails(1, &["cannot read"]);
    fs::write(&file, "\n\n").unwrap();
    canter.run(&import).fails(1, &["holds no page"]);
    let broken = line("/a", "Some words.", json!([])) + "{\"site\":\"d\"}\n";
    fs::write(&file, broken).unwrap();
    let why = ["line 2: missing field `url`", "1 page before it"];
    canter.run(&import).fails(1, &why);
    assert_eq!(found(&canter, "words"), ["/a"]);
    fs::write(&file, b"\xff\xfe{}").unwrap();
    canter.run(&import).fails(1, &["line 1: "]);
}

#[test]
fn not_while_a_crawl_holds_the_folder() {
    let site = Site::web(100).start();
    let canter = canter!();
    let file = canter.data().with_extension("jsonl");
    fs::write(&file, line("/a", "Some words.", json!([]))).unwrap();
    let run = canter.start_crawl(&site.url("/"), &["--rps", "10"]);
    run.says("progress");
    let import = ["import", file.to_str().unwrap()];
    canter
        .run(&import)
        .fails(1, &["another crawl is using the data folder"]);
    run.signal("INT");
    run.end().done();
}
