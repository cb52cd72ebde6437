//! Hostile sites of each kind end, and their honest part is indexed whole.

use canter_tests::{Answer, Canter, Serving, Site};
use serde_json::Value;

use super::{counts, crawl, crawl_with};

/// Number of honest pages of a hostile site.
const HONEST: usize = 40;

/// A site with honest pages, some of them behind others, whose first page leads to a trap as well.
fn honest(trap: &str) -> Site {
    let first: Vec<String> = (0..10).map(|n| format!("/honest/{n}")).collect();
    let links = first.iter().map(String::as_str).chain([trap]);
    let mut site = Site::new().page("/", links).robots("");
    for n in 0..HONEST {
        let next = [format!("/honest/{}", n + 10), "/".to_owned()];
        let next = next.iter().map(String::as_str);
        let links: Vec<&str> = next.skip(usize::from(n + 10 >= HONEST)).collect();
        site = site.page(&format!("/honest/{n}"), links);
    }
    site
}

/// Asserts that the crawl has ended within `requests`, that it names the trap, and that all honest
/// pages are indexed.
#[track_caller]
fn ends(site: &Serving, (canter, summary): (Canter, Value), requests: usize, trap: &str) -> Canter {
    let made = site.log().all().len();
    assert!(made <= requests, "{made} requests: {summary}");
    assert_eq!(summary["complete"], true);
    assert!(summary["skipped_by"][trap].as_u64() > Some(0), "{summary}");
    let indexed = canter.indexed();
    let honest = indexed.iter().filter(|path| path.starts_with("/honest/"));
    assert_eq!(honest.count(), HONEST);
    canter
}

/// What a crawl says to a person.
fn told(canter: &Canter, url: &str) -> String {
    let crawl = [
        "crawl",
        url,
        "--allow-private",
        "--site",
        "t",
        "--rps",
        "unlimited",
    ];
    canter.run(&crawl).done().stderr
}

/// The number that a path ends with.
fn number(path: &str) -> i64 {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

fn page(text: &str, links: &[&str]) -> Answer {
    let links = (1..).zip(links);
    let links = links.map(|(number, to)| format!("<a href='{to}'>Link {number}</a>\n"));
    let links = links.collect::<String>();
    Answer::html(format!(
        "<title>A page</title><p>{text}</p><nav>{links}</nav>"
    ))
}

#[test]
fn a_menu_of_relative_links_on_one_page_for_every_path() {
    let site = honest("/menu/")
        .otherwise(|_| page("Not here", &["a/", "b/", "c/"]))
        .start();
    let canter = ends(&site, crawl(&site), HONEST + 60, "trap_repeats");
    let text = told(&canter, &site.url("/"));
    assert!(
        text.contains("a trap: the same page at ever new addresses"),
        "{text}"
    );
}

#[test]
fn a_menu_of_relative_links_on_a_page_that_names_its_address() {
    let site = honest("/menu/")
        .otherwise(|visit| {
            page(
                &format!("No page at {}", visit.path),
                &["a/", "b/", "c/", "d/"],
            )
        })
        .start();
    ends(&site, crawl(&site), 700, "trap_repeats");
}

#[test]
fn two_versions_of_a_site_that_begin_with_the_same_page() {
    let mut site = Site::new().page("/", ["/1/", "/2/"]);
    for version in ["/1/", "/2/"] {
        site = site.answer(version, page("Welcome", &["0", "1", "2"]));
        for n in 0..3 {
            let path = format!("{version}{n}");
            let links = [format!("{version}deep/{n}")];
            site = site.page(&path, links.iter().map(String::as_str));
            site = site.page(&links[0], []);
        }
    }
    let site = site.start();
    let (_, summary) = crawl(&site);
    counts(&summary, &[("pages", 15), ("skipped", 0)]);
}

/// Pages with one standing text that only lead elsewhere, each somewhere else.
#[test]
fn stubs_that_redirect_and_archives_lead_on() {
    let stubs: Vec<String> = (0..100).map(|n| format!("/stub/{n}")).collect();
    let site = Site::new()
        .page("/", stubs.iter().map(String::as_str))
        .robots("")
        .otherwise(|visit| match visit.path.strip_prefix("/stub/") {
            Some(n) => Answer::html(format!(
                "<title>Redirecting</title><meta http-equiv=refresh content='0; url=/at/{n}'>
                 <p>This page has moved to another address. Your browser should go there by itself; \
                 click here if it does not within some seconds. <a href=/at/{n}>Click here</a>"
            )),
            None => page(&visit.path, &[]),
        })
        .start();
    let (canter, summary) = crawl(&site);
    counts(&summary, &[("pages", 201), ("skipped", 0)]);
    let indexed = canter.indexed();
    let found = indexed.iter().filter(|path| path.starts_with("/at/"));
    assert_eq!(found.count(), 100);
}

/// What a refresh is told of unchanged pages lets no trap go on.
#[test]
fn a_trap_does_not_grow_by_refreshes() {
    let site = honest("/menu/")
        .otherwise(|visit| match visit.header("if-none-match") {
            Some(_) => Answer::status(304),
            None => page("Not here", &["a/", "b/", "c/"]).header("etag", "\"1\""),
        })
        .start();
    let (canter, _) = crawl(&site);
    let first = site.log().all().len();
    for _ in 0..3 {
        site.log().clear();
        canter.crawl(&site.url("/"), &[]).done();
        let again = site.log().all().len();
        assert!(again <= first + 40, "{again} requests after {first}");
    }
}

#[test]
fn a_calendar_without_end() {
    let site = honest("/calendar/0")
        .otherwise(|visit| {
            let month = number(&visit.path);
            let links = [month - 1, month + 1].map(|month| format!("/calendar/{month}"));
            page(
                &format!("Month {month}"),
                &links.each_ref().map(String::as_str),
            )
        })
        .start();
    ends(&site, crawl(&site), HONEST + 450, "too_deep");
}

#[test]
fn session_ids_in_every_link() {
    let site = honest("/shop/0")
        .otherwise(|visit| {
            let own = visit.path.split(['?', ';']).next().unwrap();
            let token = visit.nth * 7919 + own.len() * 104_729 + visit.connection;
            let links = (0..10).flat_map(|n| {
                [
                    format!("/shop/{n}?PHPSESSID={token:x}"),
                    format!("/shop/{n};jsessionid={token:X}"),
                    format!("/shop/{n}?sid={token:016x}&x=1"),
                ]
            });
            let links: Vec<String> = links.collect();
            page(own, &links.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .start();
    let (canter, summary) = crawl(&site);
    let shop = (0..10).map(|n| format!("/shop/{n}"));
    let indexed = canter.indexed();
    assert!(
        shop.into_iter().all(|path| indexed.contains(&path)),
        "{indexed:?}"
    );
    counts(&summary, &[("pages", HONEST as u64 + 21), ("skipped", 0)]);
}

#[test]
fn ids_of_visitors_under_a_name_of_their_own() {
    let text = "A text that is long enough to be told from others, and that is the same for each \
                visitor who comes here, whatever the address says.";
    let site = honest("/shop/0")
        .otherwise(move |visit| {
            let own = visit.path.split('?').next().unwrap().to_owned();
            let token = visit.path.len() * 31 + visit.connection * 7 + visit.nth;
            let links: Vec<String> = (0..10)
                .map(|n| format!("/shop/{n}?visitor={token:x}{:x}", visit.at.as_nanos()))
                .collect();
            page(
                &format!("{own} {text}"),
                &links.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        })
        .start();
    ends(&site, crawl(&site), 2_000, "trap_repeats");
}

#[test]
fn a_search_by_facets() {
    let site = honest("/shop")
        .otherwise(|visit| {
            let query = visit.path.split_once('?').map_or("", |(_, query)| query);
            let chosen: Vec<&str> = query.split('&').filter(|it| !it.is_empty()).collect();
            let mut links = Vec::new();
            for facet in ["size", "colour", "brand", "price", "sort"] {
                for value in 0..5 {
                    let others = chosen.iter().filter(|it| !it.starts_with(facet));
                    let mut all: Vec<String> = others.map(|it| (*it).to_owned()).collect();
                    all.push(format!("{facet}={value}"));
                    links.push(format!("/shop?{}", all.join("&")));
                }
            }
            page(
                &format!("Goods of {query}"),
                &links.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        })
        .start();
    ends(&site, crawl(&site), 3_500, "trap_combinations");
}

#[test]
fn redirects_that_lead_on_and_on() {
    let site = honest("/maze/1")
        .otherwise(|visit| {
            let n = number(&visit.path);
            match n % 4 {
                0 => page(&format!("Room {n}"), &[&format!("/maze/{}", n + 1)]),
                _ => Answer::redirect(&format!("/maze/{}", n + 1)),
            }
        })
        .start();
    ends(&site, crawl(&site), HONEST + 850, "too_deep");
    let site = honest("/on/1")
        .otherwise(|visit| {
            let n = number(&visit.path);
            Answer::redirect(&format!("/on/{}", n + 1))
        })
        .start();
    ends(&site, crawl(&site), HONEST + 20, "redirect_loop");
}

#[test]
fn a_page_that_sets_a_cookie_and_redirects_to_itself_is_read() {
    let site = Site::new()
        .page("/", ["/cookie", "/stubborn"])
        .reply("/cookie", |visit| match visit.header("cookie") {
            Some("own=1; seen=yes; lang=en") => page("Here it is", &[]),
            _ => Answer::redirect("/cookie")
                .header("set-cookie", "seen=yes; Path=/; HttpOnly")
                .header("set-cookie", "lang=en"),
        })
        .reply("/stubborn", |_| {
            Answer::redirect("/stubborn").header("set-cookie", "seen=no")
        })
        .start();
    let (canter, summary) = crawl_with(&site, "/", &["--header", "Cookie: own=1"]);
    assert_eq!(canter.indexed(), ["/", "/cookie"]);
    counts(&summary, &[("skipped.redirect_loop", 1)]);
    assert_eq!(site.log().pages()["/stubborn"], 2);
}

#[test]
fn a_crawl_that_stays_where_it_began_says_how_to_go_on() {
    let site = Site::new()
        .page("/docs/", ["/guide/1", "/guide/2", "/"])
        .start();
    let (canter, summary) = crawl_with(&site, "/docs/", &[]);
    let options = "--include '/docs/**' --include '/guide/**'";
    assert_eq!(summary["outward"]["links"], 3);
    assert_eq!(summary["outward"]["options"], options);
    let text = told(&canter, &site.url("/docs/"));
    assert!(
        text.contains("3 links lead out of the site, such as"),
        "{text}"
    );
    assert!(text.contains(options), "{text}");
    let site = Site::new().page("/", ["/a"]).page("/a", []).start();
    assert_eq!(crawl(&site).1["outward"], Value::Null);
}
