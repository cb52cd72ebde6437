//! Both indexes hold and find the same pages.

use std::fs;
use std::path::Path;

use canter_tests::{Answer, OwnIndex, Serving, Site, canter};
use serde_json::Value;

use super::{PLACES, search};

/// Real pages of many generators, all linked from one page.
fn site() -> Serving {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/page/tests/golden");
    let mut pages: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "html"))
        .collect();
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    let name = |path: &Path| format!("/{}", path.file_name().unwrap().to_str().unwrap());
    let links: Vec<String> = pages.iter().map(|page| name(page)).collect();
    let links = links.iter().map(String::as_str);
    pages
        .iter()
        .fold(Site::new().page("/", links), |site, page| {
            site.answer(&name(page), Answer::html(fs::read(page).unwrap()))
        })
        .start()
}

#[test]
#[ignore = "needs the servers of make test"]
fn both_indexes_hold_and_find_the_same() {
    let _place = PLACES.take();
    let (site, server) = (site(), OwnIndex::new());
    // Links of the real pages stay within the test site; missing pages are dead links.
    let (own, other) = (canter!(), canter!());
    own.crawl(&site.url("/"), &[]).done();
    let ended = other.crawl(&site.url("/"), &["--index", &server.url()]);
    let counts = ended.done().summary();
    assert!(counts["indexed"].as_u64() > Some(20), "{counts}");
    assert_eq!(own.export(), other.export());
    for query in [
        "install",
        "how to install the package",
        "function",
        "class",
        "std::vec",
        "push_back",
        "configuration file",
        "code block",
        "the",
        "how do i run a program without the installer",
        "python 3",
        "version 2",
        "table of contents",
        "API reference",
        "int main",
        "admonition",
        "markdown extensions",
        "a list of options",
        "--help",
        "exit status",
        "example",
        "foo.bar",
        "HashMap",
        "строка",
        "日本語",
        "nothing-of-this-is-there",
        "???",
        "install install install",
        "\"quoted words\" -minus",
    ] {
        let (one, two) = (
            search(&own, None, query),
            search(&other, Some(&server), query),
        );
        assert_eq!(one["total"], two["total"], "{query}");
        assert_eq!(shown(&one), shown(&two), "{query}");
    }
}

/// What people see of an answer.
fn shown(answer: &Value) -> Vec<Value> {
    let mut results = answer["results"].as_array().unwrap().clone();
    for result in &mut results {
        let result = result.as_object_mut().unwrap();
        result.remove("score");
        result.remove("fetched_at");
    }
    results
}
