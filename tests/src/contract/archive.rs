//! The archive: whatever was put comes back, until it is no longer retained.

use std::collections::HashMap;

use canter_core::archived_page::ArchivedPage;
use canter_core::ports::{Archive, Place};
use canter_core::task::UrlKey;
use canter_core::time::Moment;
use canter_page::{Directives, Link, Page, Section};

use super::{fine, url};

const SITE: &str = "example.org";
const OTHER: &str = "example.org/other";

/// A page comes back with all its parts but its links, which come back alone.
pub async fn a_page_comes_back_whole<A: Archive>(archive: &A) {
    let page = page("/a", 7, "ponies");
    let mut linking = page.clone();
    let at = page.page.text.find("a link").unwrap_or_default();
    linking.page.links.push(Link {
        url: url("/linked"),
        fragment: Some("x".into()),
        text: "a link".into(),
        nofollow: false,
        place: Some(at..at + 6),
    });
    let place = fine(archive.put(linking).await);
    assert_eq!(got(archive, SITE, &place).await, Some(page.clone()));
    let links = fine(archive.links(SITE, &[place]).await);
    let links = links.into_iter().next().flatten().unwrap();
    assert_eq!(links.text(), page.page.text);
    let urls: Vec<String> = fine(links.read())
        .iter()
        .map(|link| link.url.to_string())
        .collect();
    assert_eq!(urls, [url("/linked").to_string()]);
}

/// A place that holds nothing gives nothing, and does not disturb the others.
pub async fn what_is_not_there_is_none<A: Archive>(archive: &A) {
    assert_eq!(fine(archive.get(SITE, &[]).await), []);
    let unknown = || Place("0123456789abcdef0123456789abcdef-7".into());
    assert_eq!(fine(archive.get(SITE, &[unknown()]).await), [None]);
    let page = page("/a", 7, "ponies");
    let place = fine(archive.put(page.clone()).await);
    let places = [unknown(), Place(String::new()), place, Place("-".into())];
    let expected = [None, None, Some(page), None];
    assert_eq!(fine(archive.get(SITE, &places).await), expected);
    let links = fine(archive.links(SITE, &places).await);
    let there: Vec<bool> = links.iter().map(Option::is_some).collect();
    assert_eq!(there, [false, false, true, false]);
}

/// A new version of a page leaves the older one where it is.
pub async fn versions_are_kept_side_by_side<A: Archive>(archive: &A) {
    let (one, two) = (page("/a", 1, "ponies"), page("/a", 2, "horses"));
    let first = fine(archive.put(one.clone()).await);
    let second = fine(archive.put(two.clone()).await);
    let found = fine(archive.get(SITE, &[second, first]).await);
    assert_eq!(found, [Some(two), Some(one)]);
}

/// A put may be repeated, and each of its places holds the page.
pub async fn a_put_can_be_repeated<A: Archive>(archive: &A) {
    let page = page("/a", 1, "ponies");
    let first = fine(archive.put(page.clone()).await);
    let second = fine(archive.put(page.clone()).await);
    let found = fine(archive.get(SITE, &[first, second]).await);
    assert_eq!(found, [Some(page.clone()), Some(page)]);
}

/// What is named stays and everything else is gone after the next call, whether pages are moved or
/// not.
pub async fn retain_keeps_what_is_named_and_nothing_else<A: Archive>(archive: &A) {
    let mut kept = Vec::new();
    let mut dropped = Vec::new();
    for n in 0..40 {
        let page = page(&format!("/{n}"), 1, "ponies");
        let place = fine(archive.put(page.clone()).await);
        match n % 4 {
            0 => kept.push((place, page)),
            _ => dropped.push(place),
        }
    }
    for _ in 0..2 {
        let places = kept.iter().map(|(place, _)| place.clone()).collect();
        let moved = fine(archive.retain(SITE, places).await);
        assert_eq!(moved.missing, []);
        let moved: HashMap<Place, Place> = moved.moved.into_iter().collect();
        for (place, _) in &mut kept {
            if let Some(to) = moved.get(place) {
                *place = to.clone();
            }
        }
    }
    for (place, page) in &kept {
        assert_eq!(got(archive, SITE, place).await.as_ref(), Some(page));
    }
    let gone = fine(archive.get(SITE, &dropped).await);
    assert!(gone.iter().all(Option::is_none));
}

/// Places that hold nothing are told.
pub async fn retain_tells_what_is_missing<A: Archive>(archive: &A) {
    let place = fine(archive.put(page("/a", 1, "ponies")).await);
    let missing = [
        Place("0123456789abcdef0123456789abcdef-7".into()),
        Place("-".into()),
    ];
    let places = missing.iter().cloned().chain([place]).collect();
    let retained = fine(archive.retain(SITE, places).await);
    assert_eq!(retained.missing, missing);
    let none = fine(archive.retain(OTHER, missing.to_vec()).await);
    assert_eq!(none.missing, missing);
}

/// A page that was moved is found at its old place, too, until the next call.
pub async fn a_place_from_before_a_retain_still_holds_its_page<A: Archive>(archive: &A) {
    let pages: Vec<_> = (0..8)
        .map(|n| page(&format!("/{n}"), 1, "ponies"))
        .collect();
    let puts = pages.iter().map(|page| archive.put(page.clone()));
    let mut places = Vec::new();
    for put in puts {
        places.push(fine(put.await));
    }
    let moved = fine(archive.retain(SITE, places[..1].to_vec()).await);
    assert_eq!(got(archive, SITE, &places[0]).await.as_ref(), pages.first());
    for (from, to) in moved.moved {
        assert_eq!(from, places[0]);
        assert_eq!(got(archive, SITE, &to).await.as_ref(), pages.first());
    }
}

/// A site's pages are its own: no other site reads them, frees them or forgets them.
pub async fn sites_are_apart<A: Archive>(archive: &A) {
    let ours = page("/a", 1, "ponies");
    let theirs = ArchivedPage {
        site: OTHER.into(),
        ..page("/a", 1, "horses")
    };
    let our_place = fine(archive.put(ours.clone()).await);
    let their_place = fine(archive.put(theirs.clone()).await);
    assert_ne!(
        got(archive, OTHER, &our_place).await.as_ref(),
        Some(&ours),
        "another site's page"
    );
    fine(archive.retain(OTHER, Vec::new()).await);
    fine(archive.retain(OTHER, Vec::new()).await);
    assert_eq!(got(archive, OTHER, &their_place).await, None);
    fine(archive.forget(OTHER).await);
    assert_eq!(got(archive, SITE, &our_place).await, Some(ours));
}

/// A forgotten site has no page left and may be crawled again; an unknown one is no error.
pub async fn a_site_is_forgotten<A: Archive>(archive: &A) {
    let page = page("/a", 1, "ponies");
    let place = fine(archive.put(page.clone()).await);
    fine(archive.forget("unknown.example").await);
    assert_eq!(got(archive, SITE, &place).await, Some(page.clone()));
    fine(archive.forget(SITE).await);
    assert_eq!(got(archive, SITE, &place).await, None);
    fine(archive.forget(SITE).await);
    let place = fine(archive.put(page.clone()).await);
    assert_eq!(got(archive, SITE, &place).await, Some(page));
}

/// A page of a million bytes that do not compress well is kept.
pub async fn a_large_page_is_kept<A: Archive>(archive: &A) {
    let words = (0_u64..60_000).map(|n| UrlKey::hash(&n.to_be_bytes()).to_string());
    let mut large = page("/large", 1, "");
    large.page.text = words.map(|word| word[..17].to_owned() + " ").collect();
    large.page.sections = Vec::new();
    assert!(large.page.text.len() > 1_000_000);
    let place = fine(archive.put(large.clone()).await);
    let found = got(archive, SITE, &place).await.unwrap();
    assert!(found == large, "the page differs");
}

/// Pages that are put at the same time are all kept, each at its own place.
pub async fn pages_can_be_put_at_the_same_time<A: Archive>(archive: &A) {
    let pages: [ArchivedPage; 4] = std::array::from_fn(|n| page(&format!("/{n}"), 1, "ponies"));
    let [a, b, c, d] = pages.clone();
    let places = tokio::join!(
        archive.put(a),
        archive.put(b),
        archive.put(c),
        archive.put(d)
    );
    let places = [places.0, places.1, places.2, places.3].map(fine);
    let found = fine(archive.get(SITE, &places).await);
    assert_eq!(found, pages.map(Some));
}

/// Pages come in the order of their places, however many there are and however often one is named.
pub async fn many_places_are_read_in_their_order<A: Archive>(archive: &A) {
    let mut pages = Vec::new();
    for n in 0..30 {
        let page = page(&format!("/{n}"), 1, "ponies");
        let place = fine(archive.put(page.clone()).await);
        pages.push((place, page));
    }
    pages.sort_by(|(_, one), (_, other)| one.url.path().cmp(other.url.path()));
    let again = pages[3].clone();
    pages.push(again);
    let (places, pages): (Vec<Place>, Vec<_>) = pages.into_iter().unzip();
    let found = fine(archive.get(SITE, &places).await);
    let found: Option<Vec<ArchivedPage>> = found.into_iter().collect();
    assert_eq!(found, Some(pages));
}

async fn got<A: Archive>(archive: &A, site: &str, place: &Place) -> Option<ArchivedPage> {
    let found = fine(archive.get(site, std::slice::from_ref(place)).await);
    assert_eq!(found.len(), 1);
    found.into_iter().next().flatten()
}

/// Returns a version of a page whose text holds `word`.
pub fn page(path: &str, version: u64, word: &str) -> ArchivedPage {
    let text = format!("A page about {word}, with a link.");
    ArchivedPage {
        site: SITE.into(),
        url: url(path),
        fetched_at: Moment::from_millis(version),
        version,
        hash: UrlKey::hash(word.as_bytes()),
        etag: Some(format!("\"{word}\"")),
        last_modified: Some("Thu, 01 Jan 1970 00:00:00 GMT".into()),
        page: Page {
            title: format!("Page {path} — ü"),
            language: Some("en".into()),
            sections: vec![Section {
                anchor: Some("top".into()),
                title: "Top".into(),
                range: 0..text.len(),
                ..Section::default()
            }],
            canonical: Some(url("/canonical")),
            list: true,
            directives: Directives {
                noindex: false,
                nofollow: true,
            },
            text,
            ..Page::default()
        },
    }
}
