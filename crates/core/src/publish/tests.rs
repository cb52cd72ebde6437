//! What a refresh of a site of 51 pages does to the index.

use std::collections::HashMap;

use url::Url;

use super::check::{Allowance, Held, check};
use super::decide::{Progress, Target, Why, decide};
use super::row::{Kept, PageRow, Published};
use crate::absence::{Absence, Signal};
use crate::fingerprint::Fingerprint;
use crate::ports::Place;
use crate::task::UrlKey;
use crate::time::Moment;

const PAGES: usize = 51;

fn url(path: &str) -> Url {
    Url::parse("https://a.test/").unwrap().join(path).unwrap()
}

fn allowance(most: f64, before: u64) -> Allowance {
    Allowance {
        most,
        before,
        strays: 0,
    }
}

fn path(number: usize) -> String {
    match number {
        0 => "/".to_owned(),
        number => format!("/p/{number}"),
    }
}

fn kept(version: u64, title: &str, text: &str) -> Kept {
    let hash = UrlKey::hash(format!("{title}\n{text}").as_bytes());
    Kept {
        fingerprint: Fingerprint::of(version, hash, title, text),
        place: Place(format!("{version}")),
    }
}

/// The words of a page, which no other page has.
fn text(number: usize) -> String {
    (0..60).map(|word| format!("w{number}x{word} ")).collect()
}

fn title(number: usize) -> String {
    format!("Page {number}")
}

/// A published page that the crawl found unchanged.
fn page(number: usize) -> PageRow {
    let kept = kept(1, &title(number), &text(number));
    PageRow {
        url: url(&path(number)),
        newest: Some(kept.clone()),
        published: Some(Published {
            kept,
            write: 1024,
            inlinks: 0,
        }),
        canonical: None,
        signal: Some(Signal::Answered),
        absence: None,
    }
}

/// A page that now answers with another title and text.
fn changed(number: usize, title: &str, text: &str) -> PageRow {
    PageRow {
        newest: Some(kept(2, title, text)),
        ..page(number)
    }
}

/// A page about which the crawl saw something else, as many earlier crawls did.
fn absent(number: usize, signal: Signal, crawls: u64) -> PageRow {
    let day = 24 * 3_600_000;
    let absence = (1..=crawls).fold(None, |before, crawl| {
        Absence::after(before, signal, Moment::from_millis(crawl * day))
    });
    PageRow {
        signal: Some(signal),
        absence,
        ..page(number)
    }
}

/// The site with the last pages in another state.
fn site(broken: usize, state: impl Fn(usize) -> PageRow) -> Vec<PageRow> {
    let whole = (0..PAGES - broken).map(page);
    whole.chain((PAGES - broken..PAGES).map(state)).collect()
}

fn no_redirects() -> HashMap<UrlKey, UrlKey> {
    HashMap::new()
}

fn checked(rows: &[PageRow]) -> Result<Vec<Target>, Held> {
    let targets = decide(rows, &no_redirects(), Progress::Whole);
    check(rows, &targets, allowance(10.0, 0)).map(|_| targets)
}

const BLOCK: &str = "You have to log in before you may see what is here. Ask the owner of the site \
                     for an account if you have none, or come back later when it is open again.";

#[test]
fn an_outage_loses_nothing() {
    let everywhere = PAGES - 1;
    let start = UrlKey::of(&url("/"));
    let shapes: [(&str, Vec<PageRow>); 12] = [
        (
            "pages redirect to a few others",
            site(everywhere, |n| absent(n, Signal::Moved(start), 1)),
        ),
        (
            "pages are gone",
            site(everywhere, |n| absent(n, Signal::Temporary, 5)),
        ),
        (
            "pages now have nearly the same text",
            site(everywhere, |n| changed(n, &title(n), BLOCK)),
        ),
        (
            "pages now have nearly the same text",
            site(everywhere, |n| {
                changed(n, &format!("Log in {n}"), &format!("{BLOCK} Token {n}"))
            }),
        ),
        (
            "pages now have the same title",
            site(everywhere, |n| changed(n, "Sorry", &text(n + 99))),
        ),
        (
            "pages have lost their text",
            site(everywhere, |n| changed(n, &title(n), &text(n)[..9])),
        ),
        (
            "pages now have nearly the same text",
            site(everywhere, |n| changed(n, &title(n), "")),
        ),
        (
            "pages name one page as canonical or have the same content",
            site(everywhere, |n| PageRow {
                canonical: Some(url("/")),
                ..page(n)
            }),
        ),
        (
            "pages ask not to be indexed",
            site(everywhere, |n| absent(n, Signal::Noindex, 1)),
        ),
        (
            "pages are no longer accessible",
            site(everywhere, |n| absent(n, Signal::Disallowed, 2)),
        ),
        (
            "pages are no longer accessible",
            site(everywhere, |n| absent(n, Signal::Refused, 2)),
        ),
        (
            "pages are gone",
            site(PAGES / 2, |n| absent(n, Signal::Missing, 2)),
        ),
    ];
    for (reason, rows) in shapes {
        let held = checked(&rows).expect_err(reason);
        assert_eq!((held.reason.as_str(), held.of), (reason, 51), "{held:?}");
        assert!(held.lost >= 25 && held.examples.len() == 10, "{held:?}");
    }
}

#[test]
fn what_says_nothing_about_a_page_leaves_it() {
    for signal in [
        Signal::Unknown,
        Signal::Temporary,
        Signal::Disallowed,
        Signal::Refused,
    ] {
        let rows = site(PAGES - 1, |number| absent(number, signal, 1));
        let targets = checked(&rows).unwrap();
        assert_eq!(targets[1..], vec![Target::Same; PAGES - 1], "{signal:?}");
    }
}

#[test]
fn a_few_pages_may_go() {
    let rows = site(5, |number| match number % 2 {
        0 => absent(number, Signal::Gone, 1),
        _ => absent(number, Signal::Missing, 2),
    });
    let targets = checked(&rows).unwrap();
    assert_eq!(targets[PAGES - 5..], vec![Target::Out(Why::Gone); 5]);
    let rows = site(11, |number| absent(number, Signal::Gone, 1));
    assert_eq!(checked(&rows).unwrap_err().lost, 11);
    let targets = decide(&rows, &no_redirects(), Progress::Whole);
    assert!(check(&rows, &targets, allowance(25.0, 0)).is_ok());
}

#[test]
fn a_move_of_all_pages_loses_nothing() {
    let new = |number: usize| url(&format!("/new/{number}"));
    let mut rows: Vec<PageRow> = (0..PAGES)
        .map(|number| absent(number, Signal::Moved(UrlKey::of(&new(number))), 1))
        .collect();
    rows.extend((0..PAGES).map(|number| PageRow {
        url: new(number),
        newest: Some(kept(1, &title(number), &text(number))),
        published: None,
        ..page(number)
    }));
    let targets = checked(&rows).unwrap();
    for (number, target) in targets[..PAGES].iter().enumerate() {
        assert_eq!(*target, Target::Out(Why::Moved(UrlKey::of(&new(number)))));
    }
    assert_eq!(targets[PAGES..], vec![Target::Newest; PAGES]);
}

#[test]
fn a_redirect_is_followed_to_the_page_that_answers() {
    let (first, second) = (UrlKey::of(&url("/old")), UrlKey::of(&url("/older")));
    let rows = [
        page(0),
        absent(1, Signal::Moved(second), 1),
        absent(2, Signal::Moved(first), 2),
    ];
    let redirects = HashMap::from([(second, UrlKey::of(&url("/")))]);
    let targets = decide(&rows, &redirects, Progress::Whole);
    let moved = Target::Out(Why::Moved(UrlKey::of(&url("/"))));
    assert_eq!(targets, [Target::Newest, moved, Target::Out(Why::Gone)]);
}

#[test]
fn a_missing_page_waits_for_another_crawl_unless_nobody_links_to_it() {
    let rows = [absent(1, Signal::Missing, 1), absent(2, Signal::Missing, 2)];
    let targets = decide(&rows, &no_redirects(), Progress::Whole);
    assert_eq!(targets, [Target::SameIfLinked, Target::Out(Why::Gone)]);
}

#[test]
fn nothing_leaves_while_a_crawl_goes_on() {
    let unseen = PageRow {
        signal: None,
        ..page(3)
    };
    let duplicate = |number| PageRow {
        canonical: Some(url("/")),
        ..page(number)
    };
    let new = PageRow {
        published: None,
        ..duplicate(5)
    };
    let rows = [
        page(0),
        absent(1, Signal::Gone, 1),
        changed(2, "Two", &text(99)),
        unseen,
        duplicate(4),
        new,
    ];
    let part = Progress::Part { fold: false };
    let folded = Target::Out(Why::Duplicate(url("/")));
    let expect = [
        Target::Newest,
        Target::Same,
        Target::Newest,
        Target::Same,
        Target::Same,
        folded.clone(),
    ];
    assert_eq!(decide(&rows, &no_redirects(), part), expect);
    let targets = decide(&rows, &no_redirects(), Progress::Part { fold: true });
    assert_eq!(targets[4..], [folded.clone(), folded]);
}

#[test]
fn what_the_user_left_out_is_no_loss() {
    let rows = site(PAGES - 1, |number| PageRow {
        signal: None,
        ..page(number)
    });
    let targets = checked(&rows).unwrap();
    assert_eq!(targets[1..], vec![Target::Out(Why::LeftOut); PAGES - 1]);
}

#[test]
fn pages_that_were_alike_before_may_change_alike() {
    let stub = |number: usize, word: &str| format!("{BLOCK} {word} {number}");
    let rows: Vec<PageRow> = (0..PAGES)
        .map(|number| {
            let before = kept(1, "Stub", &stub(number, "old"));
            PageRow {
                newest: Some(kept(2, "Stub", &stub(number, "new"))),
                published: Some(Published {
                    kept: before,
                    write: 1024,
                    inlinks: 0,
                }),
                ..page(number)
            }
        })
        .collect();
    assert_eq!(checked(&rows), Ok(vec![Target::Newest; PAGES]));
}

/// Portions of a refresh share one allowance.
#[test]
fn what_earlier_portions_lost_counts() {
    let rows = site(6, |n| absent(n, Signal::Gone, 1));
    let targets = decide(&rows, &no_redirects(), Progress::Whole);
    let lost = check(&rows, &targets, allowance(10.0, 0)).unwrap();
    assert_eq!(lost.len(), 6);
    assert_eq!(check(&rows, &targets, allowance(10.0, 4)), Ok(lost));
    let held = check(&rows, &targets, allowance(10.0, 5)).unwrap_err();
    assert_eq!((held.lost, held.of), (11, 51));
}

/// A part of a crawl folds nothing, and its check looks at the duplicates all the same.
#[test]
fn one_page_for_many_is_seen_before_it_is_folded() {
    let rows = site(40, |n| changed(n, "Sorry", BLOCK));
    let part = Progress::Part { fold: false };
    let targets = decide(&rows, &no_redirects(), part);
    let held = check(&rows, &targets, allowance(10.0, 0)).unwrap_err();
    assert_eq!((held.lost, held.of), (40, 51));
}

/// Pages that an index holds of an older copy, say, are lost if they leave.
#[test]
fn pages_that_the_site_does_not_know_count_as_lost() {
    let rows = site(0, |n| changed(n, "", ""));
    let targets = decide(&rows, &no_redirects(), Progress::Whole);
    let strays = |strays, most| {
        let before = 0;
        check(
            &rows,
            &targets,
            Allowance {
                most,
                before,
                strays,
            },
        )
    };
    assert!(strays(10, 10.0).is_ok());
    let held = strays(60, 10.0).unwrap_err();
    assert_eq!((held.lost, held.of), (60, PAGES as u64 + 60));
    assert!(held.reason.contains("in the index"), "{}", held.reason);
    assert!(strays(60, 100.0).is_ok());
}
