//! `canter explain`: why a page was fetched and indexed, or not.

use canter_tests::{Answer, Site, canter};
use serde_json::{Value, json};

use super::{explained, with_input};
use crate::objects;

#[test]
fn every_outcome_is_told_with_its_reason_and_what_one_could_do() {
    let links = [
        "/a",
        "/private/x",
        "/old",
        "/dead",
        "/text",
        "/noindex",
        "/copy",
        "/broken",
        "/away",
        "/big",
        "/out/x",
    ];
    let site = Site::new()
        .page("/", links)
        .page("/a", [])
        .redirect("/old", "/older")
        .redirect("/older", "/new")
        .page("/new", [])
        .answer("/text", Answer::text("text"))
        .answer(
            "/noindex",
            Answer::html("<meta name=robots content=noindex>"),
        )
        .answer("/copy", Answer::page("/a", []))
        .answer("/broken", Answer::status(403))
        .redirect("/away", "https://example.org/")
        .answer("/big", Answer::html("x".repeat(30_000)))
        .robots("User-agent: *\nDisallow: /private/\nAllow: /private/open\n")
        .start();
    let canter = canter!();
    canter
        .crawl(
            &site.url("/"),
            &["--exclude", "/out/**", "--max-page-bytes", "20k"],
        )
        .done();
    for (path, outcome, reason, why, advice) in [
        ("/a", json!("indexed"), Value::Null, "in the index", ""),
        (
            "/private/x",
            json!("skipped"),
            json!("robots"),
            "not fetched: robots.txt disallows it",
            "only the site's owner",
        ),
        (
            "/old",
            json!("redirected"),
            Value::Null,
            "it redirects to",
            "",
        ),
        (
            "/dead",
            json!("gone"),
            Value::Null,
            "a dead link: status 404",
            "mend the link on",
        ),
        (
            "/text",
            json!("skipped"),
            json!("not_html"),
            "fetched, and not in the index: it is no HTML",
            "",
        ),
        (
            "/noindex",
            json!("skipped"),
            json!("noindex"),
            "fetched, and not in the index: the page asks",
            "only the page's owner",
        ),
        (
            "/copy",
            json!("duplicate"),
            Value::Null,
            "its content is that of",
            "",
        ),
        (
            "/broken",
            json!("failed"),
            Value::Null,
            "failed: status 403",
            "the next crawl tries it again: canter crawl http",
        ),
        (
            "/away",
            json!("skipped"),
            json!("leaves_site"),
            "it redirects out of the site",
            "a site of its own",
        ),
        (
            "/big",
            json!("skipped"),
            json!("too_large"),
            "larger than the limit",
            "--max-page-bytes larger than 20480",
        ),
        (
            "/out/x",
            Value::Null,
            json!("exclude"),
            "its path matches --exclude '/out/**'",
            "leave --exclude '/out/**' out",
        ),
        (
            "/private/open",
            Value::Null,
            Value::Null,
            "not met yet; met, it would be fetched",
            "/private/open --change-scope --site t",
        ),
        (
            "/private/y",
            Value::Null,
            json!("robots"),
            "would not be fetched: robots.txt forbids it by \"Disallow: /private/\"",
            "only the site's owner",
        ),
    ] {
        let (_, told) = explained(&canter, &site.url(path));
        assert_eq!(told["known"]["outcome"], outcome, "{path} {told}");
        assert_eq!(told["reason"], reason, "{path} {told}");
        let holds = |name: &str, words: &str| {
            told[name].as_str().is_some_and(|text| text.contains(words))
                || words.is_empty() && told[name].is_null()
        };
        assert!(holds("why", why), "{path} {told}");
        assert!(holds("advice", advice), "{path} {told}");
        let fetched = told["known"]["status"].is_number();
        assert_eq!(fetched, !site.log().of(path).is_empty(), "{path} {told}");
    }
}

/// Predictions about URLs that no crawl has met come true when a crawl meets them.
#[test]
fn what_is_foretold_comes_true() {
    let site = Site::new()
        .page("/docs/", [])
        .otherwise(|visit| Answer::page(&visit.path, []))
        .robots("User-agent: canter\nDisallow: /*?print\nDisallow: /docs/x\nAllow: /docs/x/y\n")
        .start();
    let canter = canter!();
    let scope = ["--exclude", "*.pdf", "--max-url-bytes", "100"];
    canter.crawl(&site.url("/docs/"), &scope).done();
    let long = format!("/docs/{}", "l".repeat(100));
    let looped = format!("/docs/{}", "a/".repeat(7));
    let paths = [
        "/docs/a",
        "/docs/b?print=1",
        "/docs/b?x",
        "/docs/x",
        "/docs/x/y",
        "/docs/x/z",
        "/docs/c.pdf",
        "/docs",
        "/other",
        &long,
        &looped,
        "http://127.0.0.1:1/docs/a",
        "http://10.0.0.1/docs/a",
    ];
    let url = |path: &str| match path.strip_prefix('/') {
        Some(_) => site.url(path),
        None => path.to_owned(),
    };
    let foretold: Vec<bool> = paths
        .iter()
        .map(|path| {
            let (_, told) = explained(&canter, &url(path));
            told["would_fetch"] == true
        })
        .collect();
    site.log().clear();
    site.set("/docs/", Answer::page("changed", paths));
    canter.crawl(&site.url("/docs/"), &scope).done();
    let fetched = site.log().pages();
    for (path, foretold) in paths.iter().zip(foretold) {
        assert_eq!(fetched.contains_key(*path), foretold, "{path}");
        let (_, told) = explained(&canter, &url(path));
        assert_eq!(told["reason"].is_null(), foretold, "{path} {told}");
    }
    assert_eq!(fetched.len(), 4, "{fetched:?}");
}

#[test]
fn what_robots_txt_names_was_not_found_on_a_page() {
    let site = Site::new().page("/", []).page("/orphan", []).start();
    let list = |whole: &str, entry: &str, path: &str| {
        let url = site.url(path);
        Answer::text(&format!(
            "<{whole}><{entry}><loc>{url}</loc></{entry}></{whole}>"
        ))
    };
    site.set("/index.xml", list("sitemapindex", "sitemap", "/map.xml"));
    site.set("/map.xml", list("urlset", "url", "/orphan"));
    let robots = ["/index.xml", "/dead.xml"].map(|path| format!("Sitemap: {}\n", site.url(path)));
    site.set("/robots.txt", Answer::text(&robots.concat()));
    let canter = canter!();
    let crawl = ["crawl", &site.url("/"), "--allow-private", "--rps", "100"];
    let summary = canter.run(&crawl).done().stderr;
    let way = |path: &str| -> Vec<String> {
        let (_, told) = explained(&canter, &site.url(path));
        let found = told["known"]["found"].as_array().expect(path).clone();
        let by = found
            .iter()
            .map(|link| link["by"].as_str().unwrap().to_owned());
        by.collect()
    };
    assert_eq!(way("/orphan"), ["seed", "robots.txt", "sitemap", "sitemap"]);
    assert_eq!(way("/dead.xml"), ["seed", "robots.txt"]);
    assert!(summary.contains("/dead.xml"), "{summary}");
    assert!(!summary.contains("(on "), "{summary}");
}

#[test]
fn the_way_from_the_seed_is_told_link_by_link() {
    let site = Site::new()
        .page("/", ["/1", "/also"])
        .page("/1", ["/old"])
        .redirect("/old", "/older")
        .redirect("/older", "/new")
        .redirect("/also", "/new")
        .answer(
            "/new",
            Answer::html(
                "<title>New</title><html lang=en><h1 id=top>New</h1><p>x<h2 id=two>Two</h2><p>y\
                 <a href=/1>1</a>",
            )
            .header("ETag", "\"5\""),
        )
        .start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    let url = |path: &str| site.url(path);
    let (answer, told) = explained(&canter, &site.url("/./new#x"));
    assert_eq!(answer["url"], url("/new"));
    assert_eq!(answer["changes"], json!(["dot_segments", "fragment"]));
    assert_eq!(
        answer["address"],
        json!({"host": "127.0.0.1", "kind": "private", "permitted": true})
    );
    let known = &told["known"];
    let way: Vec<(&str, &str)> = known["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["url"].as_str().unwrap(), link["by"].as_str().unwrap()))
        .collect();
    // Either redirect may claim its target first.
    let (long, short) = (
        [
            (url("/"), "seed"),
            (url("/1"), "link"),
            (url("/old"), "link"),
            (url("/older"), "redirect"),
            (url("/new"), "redirect"),
        ],
        [
            (url("/"), "seed"),
            (url("/also"), "link"),
            (url("/new"), "redirect"),
        ],
    );
    let same = |expected: &[(String, &str)]| {
        let expected = expected.iter().map(|(url, by)| (url.as_str(), *by));
        way.iter().copied().eq(expected)
    };
    assert!(same(&long) || same(&short), "{way:?}");
    assert_eq!(
        known["redirected_from"],
        json!([url("/also"), url("/older")])
    );
    assert_eq!(known["etag"], "\"5\"");
    assert!(known["bytes"].as_u64().unwrap() > 50 && known["took_ms"].is_number());
    let index = &told["index"];
    assert_eq!(
        (&index["title"], &index["language"], &index["links"]),
        (&json!("New"), &json!("en"), &json!(1))
    );
    let sections = index["sections"].as_array().unwrap();
    assert_eq!(
        sections.last(),
        Some(&json!({"title": "Two", "level": 2, "anchor": "two"}))
    );
    let (_, told) = explained(&canter, &site.url("/old"));
    assert_eq!(
        told["known"]["redirects_to"],
        json!([
            {"url": url("/older"), "outcome": "redirected"},
            {"url": url("/new"), "outcome": "indexed"}
        ])
    );
}

#[test]
fn a_person_reads_the_same() {
    let site = Site::new()
        .page("/", ["/private/x"])
        .robots("User-agent: *\nDisallow: /private/\n")
        .start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    let ended = canter.run(&["explain", &site.url("/private/x#y"), "https://example.org/"]);
    let text = ended.done().stdout;
    for words in [
        "fragment left out",
        "private and permitted",
        "Disallow: /private/ forbids it (group *), as of ",
        "not fetched: robots.txt disallows it",
        " seed\n",
        "→ this by link, 1 link deep",
        "only the site's owner can change that",
        "t not in the site: example.org is another host",
        "canter crawl https://example.org/ makes it a site of its own",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn without_a_data_folder_the_url_itself_is_explained() {
    let canter = canter!();
    let answer = &objects(canter.run(&["explain", "http://10.0.0.1:80/a", "--json"]))[0];
    assert_eq!(answer["url"], "http://10.0.0.1/a");
    assert_eq!(answer["changes"], json!(["default_port"]));
    assert_eq!(answer["address"]["permitted"], false);
    assert_eq!(answer["robots"]["allowed"], Value::Null);
    assert_eq!(
        (&answer["sites"], &answer["not_in"]),
        (&json!([]), &json!([]))
    );
    assert!(!canter.data().exists(), "it leaves no folder behind");
}

#[test]
fn several_sites_each_have_their_say() {
    let site = Site::new()
        .page("/", ["/docs/a"])
        .page("/docs/a", [])
        .page("/x", [])
        .start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    let crawl = |name: &str, path: &str| {
        let args = ["crawl", &site.url(path), "--site", name, "--allow-private"];
        canter.run(&args).done();
    };
    crawl("docs", "/docs/a");
    crawl("other", "/x");
    let answer = &objects(canter.run(&["explain", &site.url("/docs/a"), "--json"]))[0];
    let names = |list: &Value| -> Vec<String> {
        let sites = list.as_array().unwrap().iter();
        sites
            .map(|site| site["site"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&answer["sites"]), ["docs", "t"]);
    assert_eq!(names(&answer["not_in"]), ["other"]);
    assert_eq!(answer["sites"][0]["known"]["depth"], 0);
    assert_eq!(answer["sites"][1]["known"]["depth"], 1);
    let one = ["explain", &site.url("/docs/a"), "--json", "--site", "t"];
    let answer = &objects(canter.run(&one))[0];
    assert_eq!(names(&answer["sites"]), ["t"]);
    let wrong = ["explain", &site.url("/docs/a"), "--site", "x"];
    canter.run(&wrong).fails(2, &["\"x\"", "docs, other, t"]);
}

#[test]
fn lines_are_answered_by_lines() {
    let site = Site::new().page("/", ["/a"]).page("/a", []).start();
    let canter = canter!();
    canter.crawl(&site.url("/"), &[]).done();
    let mut input = format!(
        "{}\n{{\"url\":\"{}\",\"site\":\"t\"}}\n\n",
        site.url("/a"),
        site.url("/b")
    )
    .into_bytes();
    input.extend(
        b"{bad\nexample.org\n\xff\n{\"url\":\"https://h.org/\",\"site\":\"x\"}\nhttps://h.org",
    );
    let answers = with_input(&canter, &["explain", "--stdin"], &input);
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers[0]["sites"][0]["known"]["outcome"], "indexed");
    assert_eq!(answers[1]["sites"][0]["known"], Value::Null);
    let error = |number: usize| answers[number]["error"].as_str().unwrap();
    assert_eq!(answers[2]["line"], 4);
    assert!(error(3).contains("did you mean https://example.org"));
    assert!(error(4).contains("no URL"));
    assert!(error(5).contains("there is no site \"x\""));
    assert_eq!(answers[6]["url"], "https://h.org/");
    assert_eq!(answers.len(), 7);
}

#[test]
fn no_url_and_no_url_at_all_are_mistakes() {
    let canter = canter!();
    assert_eq!(canter.run(&["explain"]).status, Some(2));
    canter
        .run(&["explain", "docs.example.org"])
        .fails(2, &["did you mean https://docs.example.org"]);
}

#[test]
fn explained_while_a_crawl_writes() {
    let site = Site::web(500).start();
    let canter = canter!();
    let run = canter.start_crawl(&site.url("/"), &["--rps", "20"]);
    run.says("progress");
    let (_, told) = explained(&canter, &site.url("/"));
    assert_eq!(told["known"]["found"][0]["by"], "seed", "{told}");
    let (_, told) = explained(&canter, &site.url("/p/9"));
    assert!(told["in_scope"] == true, "{told}");
    run.signal("INT");
    run.end().done();
}
