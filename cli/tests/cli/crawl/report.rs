//! The report: its contents, and when it is written.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use canter_tests::{Answer, Canter, Serving, Site, canter};

/// The program, and the path of its report.
fn reporting() -> (Canter, PathBuf) {
    let canter = canter!();
    let file = canter.data().with_file_name("report.html");
    (canter, file)
}

/// Crawls a site and reads the report, whole and as words: without tags, and with single spaces.
fn report(site: &Serving) -> (String, String) {
    let (canter, file) = reporting();
    let args = ["--report", file.to_str().expect("a path in UTF-8")];
    canter.crawl(&site.url("/"), &args).done();
    let page = fs::read_to_string(&file).expect("a report");
    let (_, body) = page.split_once("</style>").expect("a style");
    let words = body
        .split('<')
        .map(|part| part.split_once('>').map_or("", |(_, text)| text));
    let words: String = words.collect::<Vec<_>>().join(" ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    (page, words)
}

#[track_caller]
fn says(words: &str, phrases: &[&str]) {
    for phrase in phrases {
        assert!(words.contains(phrase), "{phrase:?} is not in {words}");
    }
}

#[test]
fn dead_links_name_all_pages_that_link_to_them() {
    let site = Site::new()
        .page("/", ["/a", "/b", "/hidden", "/rare"])
        .page("/a", ["/dead", "/dead"])
        .answer(
            "/b",
            Answer::html("<title>b</title><p>b <a href=/dead#x>see &lt;here&gt;</a>"),
        )
        .answer(
            "/hidden",
            Answer::page("h", ["/only"]).header("X-Robots-Tag", "noindex"),
        )
        .answer("/rare", Answer::status(410))
        .start();
    let (_, words) = report(&site);
    says(
        &words,
        &[
            "Dead links (3) /dead 404 on /a to /dead on /b see &lt;here&gt;",
            "/only 404 on /hidden",
            "/rare 410 on / to /rare",
        ],
    );
}

#[test]
fn what_redirects_out_of_the_site_is_among_the_skipped() {
    let site = Site::new()
        .page("/", ["/away"])
        .redirect("/away", "http://other.example/")
        .start();
    let (_, words) = report(&site);
    let (_, skipped) = words.rsplit_once("Skipped (1)").expect("a list");
    says(skipped, &["/away"]);
}

#[test]
fn links_that_redirect_and_pages_that_failed_are_told() {
    let site = Site::new()
        .page(
            "/",
            [
                "/old",
                "/older",
                "/broken",
                "/same",
                "/also/same",
                "/secret",
            ],
        )
        .redirect("/old", "/new")
        .redirect("/older", "/old")
        .page("/new", [])
        .answer("/broken", Answer::status(500))
        .answer("/same", Answer::page("same", []))
        .answer("/also/same", Answer::page("same", []))
        .robots("User-agent: *\nDisallow: /secret\nCrawl-delay: 0.01")
        .start();
    let (_, words) = report(&site);
    says(
        &words,
        &[
            "Redirects (2) 2 of them are linked",
            "/old → /new 301 on / to /old redirect from /older",
            "/older → /old 301 on / to /older",
            "Failed (1) /broken 500",
            "/also/same = /same",
            "robots.txt disallows it (1) /secret found on /",
            "The site asks for 0.01 s between requests",
            "At most",
            "there was no limit",
        ],
    );
}

#[test]
fn what_a_site_writes_stays_text() {
    let evil = "<title>\"><script>alert(1)</script></title><p><a href=\"/x'&quot;&gt;&lt;script&gt;?a=<b>&amp;lt;\">\
        <img src=x onerror=alert(2)>&lt;/q&gt;&lt;script&gt;alert(3)&lt;/script&gt;\u{202e}</a>";
    let site = Site::new().answer("/", Answer::html(evil)).start();
    let (page, words) = report(&site);
    says(
        &words,
        &["Dead links (1)", "&lt;script&gt;alert(3)&lt;/script&gt;"],
    );
    let page = page.to_lowercase();
    for tag in ["<script", "<img", "onerror=", "<b>", "javascript:"] {
        assert!(!page.contains(tag), "{tag} in {page}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn a_stopped_crawl_has_a_report() {
    let site = Site::web(300).latency(Duration::from_millis(2)).start();
    let (canter, file) = reporting();
    let args = ["--rps", "50", "--report", file.to_str().unwrap()];
    let run = canter.start_crawl(&site.url("/"), &args);
    run.says("progress");
    run.signal("INT");
    run.end().done();
    let page = fs::read_to_string(&file).unwrap();
    assert!(
        page.contains(">stopped<") && page.contains("still to go"),
        "{page}"
    );
    let folder = fs::read_dir(file.parent().unwrap()).unwrap();
    assert_eq!(
        folder.count(),
        2,
        "only the data folder and the report are there"
    );
}

#[test]
fn several_sites_are_one_page() {
    let sites = [Site::web(3).start(), Site::web(5).start()];
    let (canter, file) = reporting();
    let urls = sites.each_ref().map(|site| site.url("/"));
    let file = file.to_str().unwrap();
    canter
        .run(&[
            "crawl",
            &urls[0],
            &urls[1],
            "--allow-private",
            "--report",
            file,
        ])
        .done();
    let page = fs::read_to_string(file).unwrap();
    for (number, pages) in [(0, 4), (1, 6)] {
        assert!(page.contains(&format!("id=\"s{number}-rate\"")), "{page}");
        assert!(page.contains(&format!("<dd>{pages}</dd>")), "{page}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_the_crawl() {
    let site = Site::web(3).start();
    let (canter, file) = reporting();
    fs::create_dir_all(&file).unwrap();
    let inside = |path: &str| file.join(path).to_str().unwrap().to_owned();
    fs::write(inside("file"), "").unwrap();
    for bad in [
        inside(""),
        inside("no/folder.html"),
        inside("file/x.html"),
        "-".to_owned(),
    ] {
        let ended = canter.crawl(&site.url("/"), &["--report", &bad]);
        ended.fails(1, &["the report", "cannot be written"]);
    }
    assert!(site.log().all().is_empty());
    assert!(!canter.data().exists());
}

#[test]
fn a_report_is_made_afterwards_too() {
    let site = Site::new().page("/", ["/dead"]).start();
    let (canter, file) = reporting();
    canter.crawl(&site.url("/"), &[]).done();
    let file = file.to_str().unwrap();
    canter.run(&["report", "t", file]).done();
    let page = fs::read_to_string(file).unwrap();
    assert!(
        page.contains("Dead links (1)") && page.contains("to /dead"),
        "{page}"
    );
    canter
        .run(&["report", "u", file])
        .fails(2, &["\"u\"", "known sites: t"]);
}

#[test]
fn progress_says_what_is_left() {
    let site = Site::web(300).start();
    let canter = canter!();
    let run = canter.start_crawl(&site.url("/"), &["--rps", "20", "--max-pages", "60"]);
    let line: serde_json::Value = serde_json::from_str(&run.says("progress")).unwrap();
    let left = line["seconds_left"].as_f64().unwrap();
    assert!((0.0..=3.2).contains(&left), "{line}");
    assert!(line["left_is_lower_bound"].is_boolean(), "{line}");
    run.end().done();
}
