//! Sitemaps: how they are found, what they list, and how they lie.

use canter_tests::{Answer, Serving, Site, canter};

use super::{counts, crawl, crawl_with, fetched};

fn xml(body: impl AsRef<[u8]>) -> Answer {
    Answer::status(200)
        .header("Content-Type", "text/xml")
        .body(body)
}

fn entries(element: &str, urls: impl IntoIterator<Item = String>) -> String {
    urls.into_iter()
        .map(|url| format!("<{element}><loc>{url}</loc></{element}>"))
        .collect()
}

fn set(urls: impl IntoIterator<Item = String>) -> Answer {
    xml(format!("<urlset>{}</urlset>", entries("url", urls)))
}

fn index(urls: impl IntoIterator<Item = String>) -> Answer {
    xml(format!(
        "<sitemapindex>{}</sitemapindex>",
        entries("sitemap", urls)
    ))
}

/// Gives the site these sitemaps, which may name its own URLs, and a robots.txt that names them.
fn named<const N: usize>(site: &Serving, sitemaps: [(&str, Answer); N]) {
    let mut robots = "User-agent: *\nDisallow: /no/\n".to_owned();
    for (path, answer) in sitemaps {
        site.set(path, answer);
        robots += &format!("Sitemap: {}\n", site.url(path));
    }
    site.set("/robots.txt", Answer::text(&robots));
}

/// A site without links, whose pages are known by sitemaps only.
fn orphans() -> Serving {
    Site::new()
        .page("/", [])
        .otherwise(|visit| match visit.path.as_str() {
            path if path.starts_with("/missing") || path == "/robots.txt" => Answer::status(404),
            path => Answer::page(path, []),
        })
        .start()
}

#[test]
fn pages_that_only_a_sitemap_lists_are_indexed() {
    let site = orphans();
    let urls = ["/a", "/b", "/missing", "/no/way"].map(|path| site.url(path));
    named(&site, [("/sitemap.xml", set(urls))]);
    let (canter, summary) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/a", "/b"]);
    let expected = [
        ("pages", 3),
        ("sitemaps", 1),
        ("gone", 1),
        ("skipped.robots", 1),
        ("failed", 0),
        ("requests", 6),
    ];
    counts(&summary, &expected);
}

#[test]
fn an_index_leads_to_lists_of_every_form() {
    let site = orphans();
    let list = |path: &str| format!("<urlset>{}</urlset>", entries("url", [site.url(path)]));
    let index_of = index(
        [
            "/s/file.xml.gz",
            "/s/coded.xml",
            "/s/list.txt",
            "/s/index.xml",
        ]
        .map(|path| site.url(path)),
    );
    let file = xml(list("/file")).coded("gzip");
    site.set("/s/file.xml.gz", file.without("Content-Encoding"));
    site.set("/s/coded.xml", xml(list("/coded")).coded("gzip"));
    site.set("/s/list.txt", Answer::text(&site.url("/list")));
    site.set("/s/index.xml", index([site.url("/s/moved.xml")]));
    site.set("/s/moved.xml", Answer::redirect("/s/target.xml"));
    site.set("/s/target.xml", xml(list("/target")));
    named(&site, [("/sitemap.xml", index_of)]);
    let (canter, summary) = crawl(&site);
    assert_eq!(
        canter.indexed(),
        ["/", "/coded", "/file", "/list", "/target"]
    );
    counts(
        &summary,
        &[("sitemaps", 6), ("redirected", 1), ("pages", 5)],
    );
}

#[test]
fn sitemaps_that_lie() {
    let other = Site::new().page("/", []).start();
    let site = orphans();
    let lies = [
        other.url("/"),
        "javascript:alert(1)".to_owned(),
        "/relative".to_owned(),
        site.url("/outside"),
        site.url("/docs/in"),
    ];
    let indexes = [
        other.url("/sitemap.xml"),
        site.url("/index.xml"),
        site.url("/index.xml"),
    ];
    named(
        &site,
        [
            ("/set.xml", set(lies)),
            ("/index.xml", index(indexes)),
            (
                "/broken.xml",
                xml(format!("<urlset>{}", entries("url", [site.url("/docs/b")]))),
            ),
            ("/missing.xml", Answer::status(404)),
            (
                "/html.xml",
                Answer::html("<!doctype html><a href=/docs/by-page>"),
            ),
            ("/noise.xml", xml([0xff; 1000])),
            ("/no/robots.xml", set([site.url("/docs/hidden")])),
            ("/down.xml", Answer::status(500)),
        ],
    );
    let (canter, summary) = crawl_with(&site, "/docs/", &[]);
    assert_eq!(canter.indexed(), ["/docs/", "/docs/b", "/docs/in"]);
    counts(
        &summary,
        &[
            ("sitemaps", 3),
            ("gone", 1),
            ("failed", 3),
            ("skipped.robots", 1),
            ("skipped", 1),
            ("pages", 3),
            ("retries", 2),
        ],
    );
    assert!(other.log().all().is_empty());
    assert_eq!(site.log().of("/index.xml").len(), 1);
}

#[test]
fn a_sitemap_that_is_a_page_of_the_site_is_one() {
    let site = orphans();
    site.set("/map", Answer::page("map", ["/by-map"]));
    site.set("/", Answer::page("/", ["/map"]));
    named(&site, [("/map", Answer::page("map", ["/by-map"]))]);
    let (canter, summary) = crawl(&site);
    assert_eq!(canter.indexed(), ["/", "/by-map", "/map"]);
    counts(&summary, &[("pages", 3), ("sitemaps", 0), ("failed", 0)]);
    assert_eq!(site.log().of("/map").len(), 1);
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    counts(&summary, &[("unchanged", 3), ("sitemaps", 0)]);
}

#[test]
fn a_sitemap_that_is_linked_is_fetched_once() {
    let site = orphans();
    site.set("/", Answer::page("/", ["/sitemap.xml"]));
    named(&site, [("/sitemap.xml", set([site.url("/a")]))]);
    let (_, summary) = crawl(&site);
    assert_eq!(site.log().of("/sitemap.xml").len(), 1);
    counts(&summary, &[("sitemaps", 1), ("pages", 2), ("skipped", 0)]);
}

#[test]
fn a_sitemap_by_option_and_none_by_guess() {
    let site = orphans();
    site.set("/sitemap.xml", set([site.url("/guessed")]));
    site.set("/mine.xml", set([site.url("/a")]));
    let (canter, summary) = crawl_with(&site, "/", &["--sitemap", &site.url("/mine.xml")]);
    assert_eq!(canter.indexed(), ["/", "/a"]);
    counts(&summary, &[("sitemaps", 1)]);
    assert!(site.log().of("/sitemap.xml").is_empty());
    let wrong = canter.run(&[
        "crawl",
        &site.url("/"),
        "--allow-private",
        "--sitemap",
        "x y",
    ]);
    wrong.fails(2, &["x y"]);
}

#[test]
fn a_refresh_reads_sitemaps_anew_and_forgets_those_named_no_more() {
    let site = orphans();
    let list = |path: &str| set([site.url(path)]);
    named(&site, [("/1.xml", list("/a")), ("/2.xml", list("/b"))]);
    let (canter, summary) = crawl(&site);
    counts(&summary, &[("sitemaps", 2), ("pages", 3)]);
    // The robots.txt is cached for a day, so the sitemaps that it names change instead.
    site.set("/1.xml", index([site.url("/3.xml")]));
    site.set("/3.xml", set(["/a", "/new"].map(|path| site.url(path))));
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    assert_eq!(canter.indexed(), ["/", "/a", "/b", "/new"]);
    counts(&summary, &[("sitemaps", 3), ("pages", 4)]);
    site.set("/1.xml", list("/a"));
    let summary = canter.crawl(&site.url("/"), &[]).done().summary();
    counts(&summary, &[("sitemaps", 2), ("pages", 4), ("gone", 0)]);
    assert_eq!(site.log().of("/3.xml").len(), 1);
}

#[test]
fn depth_and_pages_are_bounded_as_ever() {
    let site = orphans();
    let urls: Vec<String> = (0..40).map(|n| site.url(&format!("/{n}"))).collect();
    site.set("/0", Answer::page("0", ["/deep"]));
    named(&site, [("/sitemap.xml", set(urls))]);
    let (_, summary) = crawl_with(&site, "/", &["--max-depth", "1"]);
    counts(&summary, &[("pages", 41), ("skipped.too_deep", 1)]);
    let (_, summary) = crawl_with(&site, "/", &["--max-pages", "7"]);
    counts(&summary, &[("pages", 7)]);
    site.log().clear();
    crawl_with(&site, "/", &["--max-depth", "0"]);
    fetched(&site, &["/"]);
}

#[test]
fn a_sitemap_on_another_host() {
    let elsewhere = orphans();
    let site = orphans();
    elsewhere.set("/of-site.xml", set([site.url("/a"), elsewhere.url("/b")]));
    let robots = format!("Sitemap: {}", elsewhere.url("/of-site.xml"));
    site.set("/robots.txt", Answer::text(&robots));
    // A private address without permission is not dialled, whoever names it.
    let (canter, summary) = crawl(&site);
    assert_eq!(canter.indexed(), ["/"]);
    counts(&summary, &[("skipped.private_address", 1), ("sitemaps", 0)]);
    assert!(elsewhere.log().all().is_empty());
    let canter = canter!();
    let both = [
        "crawl",
        &site.url("/"),
        &elsewhere.url("/x/"),
        "--allow-private",
        "--json",
    ];
    let more = ["--site", "t", "--rps", "unlimited"];
    canter.run(&[&both[..], &more[..]].concat()).done();
    let mut indexed = canter.indexed();
    indexed.sort();
    assert_eq!(indexed, ["/", "/a", "/x/"]);
}

#[test]
fn fifty_thousand_urls_in_one_sitemap() {
    let site = orphans();
    let urls = (0..50_000).map(|n| site.url(&format!("/p/{n}")));
    named(&site, [("/sitemap.xml", set(urls))]);
    let canter = canter!();
    let summary = canter
        .crawl(&site.url("/"), &["--max-pages", "100"])
        .done()
        .summary();
    counts(
        &summary,
        &[("pages", 100), ("sitemaps", 1), ("waiting", 49_901)],
    );
}
