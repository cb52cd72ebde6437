//! A row as it is stored. [`super`] explains the names of its attributes.
//!
//! Nothing that a site sends may make a row too large. Texts for people are cut, and validators of
//! absurd length are left out, which only costs a transfer.

use aws_sdk_dynamodb::types::AttributeValue;
use canter_core::absence::{Absence, Signal};
use canter_core::fingerprint::Fingerprint;
use canter_core::outcomes::{self, columns, outcome};
use canter_core::ports::{Exchange, Finish, Known, Place};
use canter_core::publish::Kept;
use canter_core::task::{Kind, Outcome, Task, UrlKey};
use url::Url;

use crate::change::Change;
use crate::item::{Item, bytes, bytes_of, key_of, number, number_of, text, text_of};

pub(super) const URL: &str = "u";
pub(super) const CRAWL: &str = "c";
pub(super) const DEPTH: &str = "d";
pub(super) const REDIRECTS: &str = "h";
pub(super) const ATTEMPTS: &str = "a";
pub(super) const DUE: &str = "t";
pub(super) const LOSSES: &str = "z";
pub(super) const PARENT: &str = "p";
pub(super) const REQUEUED: &str = "q";
pub(super) const RUN: &str = "g";
pub(super) const KIND: &str = "k";
pub(super) const LASTMOD: &str = "l";
pub(super) const OUTCOME: &str = "o";
pub(super) const DETAIL: &str = "x";
pub(super) const STATUS: &str = "s";
pub(super) const FETCHED: &str = "f";
pub(super) const TOOK: &str = "w";
pub(super) const BYTES: &str = "b";
pub(super) const ETAG: &str = "e";
pub(super) const LAST_MODIFIED: &str = "m";
pub(super) const CANONICAL: &str = "n";
pub(super) const NEWEST: &str = "i";
pub(super) const PLACE: &str = "y";
const VERSION: &str = "v";
pub(super) const SHOWN: &str = "j";
const ABSENCE: &str = "r";

/// Condition: open, in the crawl `:c`.
pub(super) const IS_OPEN: &str = "#c = :c AND attribute_not_exists(#o)";
/// Attributes that [`known`] and [`is_open`] need, and the run.
pub(super) const TO_BEGIN: &str = "#c, #o, #g, #e, #m, #n, #i, #y, #v, #r";

/// Maximum bytes of texts for people, and of URLs that are not fetched.
const LONG: usize = 2_048;
/// Maximum bytes of a parent's URL, which each of its links holds.
const LONG_PARENT: usize = 512;
/// Maximum bytes of an `ETag` or `Last-Modified`.
const LONG_VALIDATOR: usize = 512;

/// Whether a row is open in a crawl.
pub(super) fn is_open(row: &Item, crawl: u64) -> bool {
    number_of(row, CRAWL) == Some(crawl) && !row.contains_key(OUTCOME)
}

/// What earlier crawls know of the URL.
pub(super) fn known(row: &Item) -> Known {
    let text = |name| text_of(row, name).map(str::to_owned);
    Known {
        etag: text(ETAG),
        last_modified: text(LAST_MODIFIED),
        newest: newest(row),
        canonical: url_of(row, CANONICAL),
        version: number_of(row, VERSION).unwrap_or_default(),
        absence: absence(row),
    }
}

/// The newest version of the page; none if the archive holds none.
pub(super) fn newest(row: &Item) -> Option<Kept> {
    Some(Kept {
        fingerprint: Fingerprint::from_bytes(bytes_of(row, NEWEST)?)?,
        place: Place(text_of(row, PLACE)?.to_owned()),
    })
}

/// For how long the page has been absent.
pub(super) fn absence(row: &Item) -> Option<Absence> {
    serde_json::from_str(text_of(row, ABSENCE)?).ok()
}

/// What a crawl saw at the URL; none if it has not ended the row.
pub(super) fn signal(row: &Item, crawl: u64) -> Option<Signal> {
    number_of(row, CRAWL).filter(|of| *of == crawl)?;
    let status = number_of(row, STATUS).and_then(|status| u16::try_from(status).ok());
    let detail = text_of(row, DETAIL).map(str::to_owned);
    let outcome = outcome(text_of(row, OUTCOME)?, detail, status)?;
    Some(Signal::of(&outcome, status))
}

/// The task of a row; none when its URL cannot be read.
pub(super) fn task(row: &Item, site: &str, crawl: u64) -> Option<Task> {
    Some(Task {
        site: site.to_owned(),
        crawl,
        url: url_of(row, URL)?,
        depth: small(row, DEPTH),
        redirects: u8::try_from(small(row, REDIRECTS)).unwrap_or(u8::MAX),
        attempts: small(row, ATTEMPTS),
        parent: url_of(row, PARENT),
        kind: kind(row),
    })
}

pub(super) fn kind(row: &Item) -> Kind {
    match number_of(row, KIND) {
        Some(1) => Kind::Sitemap,
        _ => Kind::Page,
    }
}

/// The stored form of a kind. Most tasks are pages, which need no attribute.
pub(super) fn kind_value(kind: Kind) -> Option<AttributeValue> {
    match kind {
        Kind::Page => None,
        Kind::Sitemap => Some(number(1_u64)),
    }
}

pub(super) fn url_of(row: &Item, name: &str) -> Option<Url> {
    Url::parse(text_of(row, name)?).ok()
}

pub(super) fn small(row: &Item, name: &str) -> u32 {
    let number = number_of(row, name).unwrap_or_default();
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The stored form of a parent in its links.
pub(super) fn parent_value(parent: &Url) -> AttributeValue {
    if parent.as_str().len() <= LONG_PARENT {
        text(parent.as_str())
    } else {
        bytes(UrlKey::of(parent).0)
    }
}

/// The key of a row's parent; none for a seed.
pub(super) fn parent_key(row: &Item) -> Option<UrlKey> {
    let url = text_of(row, PARENT).map(|url| UrlKey::hash(url.as_bytes()));
    url.or_else(|| key_of(row, PARENT))
}

/// The URL of a row that is skipped.
pub(super) fn cut_url(url: &Url) -> AttributeValue {
    text(cut(url.as_str()))
}

/// The change that ends a row. `shows` tells that the index shows new pages already.
pub(super) fn ended(finish: Finish, shows: bool) -> Change {
    let Finish {
        outcome,
        known,
        exchange,
    } = finish;
    let (fingerprint, place) = match known.newest {
        Some(Kept { fingerprint, place }) => (Some(fingerprint), Some(place)),
        None => (None, None),
    };
    let absence = known.absence.map(|absence| serde_json::to_string(&absence));
    let mut change = outcome_change(&outcome).remove(&[DUE, LOSSES]);
    if let Some(shown) = fingerprint.filter(|_| shows && outcome == Outcome::Indexed) {
        change = change.set(SHOWN, number(shown.version));
    }
    let change = change
        .put(ETAG, validator(known.etag))
        .put(LAST_MODIFIED, validator(known.last_modified))
        .put(CANONICAL, canonical(known.canonical))
        .put(NEWEST, fingerprint.map(|it| bytes(it.to_bytes())))
        .put(PLACE, place.map(|Place(place)| text(place)))
        .put(
            VERSION,
            Some(known.version).filter(|it| *it > 0).map(number),
        )
        .put(ABSENCE, absence.and_then(Result::ok).map(text));
    let Some(exchange) = exchange else {
        // The time of the last fetch stays.
        return change.remove(&[STATUS, TOOK, BYTES]);
    };
    let Exchange {
        status,
        started,
        took,
        bytes,
    } = exchange;
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    change
        .set(STATUS, number(status))
        .set(FETCHED, number(started.millis()))
        .set(TOOK, number(took))
        .set(BYTES, number(bytes))
}

/// The change that sets an outcome and its detail.
pub(super) fn outcome_change(outcome: &Outcome) -> Change {
    let (outcome, detail) = columns(outcome);
    let detail = detail.map(|detail| text(cut(&detail)));
    Change::default()
        .set(OUTCOME, text(outcome))
        .put(DETAIL, detail)
}

/// Whether a row was skipped for a reason that another page may overrule.
pub(super) fn is_provisional(row: &Item) -> bool {
    text_of(row, DETAIL).is_some_and(outcomes::is_provisional)
}

fn validator(value: Option<String>) -> Option<AttributeValue> {
    value
        .filter(|value| value.len() <= LONG_VALIDATOR)
        .map(text)
}

/// Drops a canonical URL that is too long, which is a mistake of the page.
fn canonical(url: Option<Url>) -> Option<AttributeValue> {
    let url = url.filter(|url| url.as_str().len() <= LONG)?;
    Some(text(url))
}

/// The first bytes of a text, up to a character boundary.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONG)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_between_letters() {
        assert_eq!(cut("short"), "short");
        let long = "\u{1F600}".repeat(1_000);
        assert_eq!(cut(&long).len(), LONG);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd).len(), LONG - 3);
    }

    #[test]
    fn a_parent_is_known_again_by_its_key() {
        for length in [0, LONG_PARENT, 3_000] {
            let url = format!("https://a.test/{}", "x".repeat(length));
            let url = Url::parse(&url).unwrap();
            let row = Item::from([(PARENT.to_owned(), parent_value(&url))]);
            assert_eq!(parent_key(&row), Some(UrlKey::of(&url)), "{length}");
        }
        assert_eq!(parent_key(&Item::new()), None);
    }

    #[test]
    fn validators_that_no_server_means_are_left_out() {
        let of = |length| validator(Some("x".repeat(length))).is_some();
        assert!(of(0) && of(LONG_VALIDATOR) && !of(LONG_VALIDATOR + 1));
    }
}
