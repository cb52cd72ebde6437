//! Decides what the index is to show of each page: a pure function of the rows.

use std::collections::HashMap;

use url::Url;

use crate::absence::Signal;
use crate::duplicates::{Candidate, duplicates};
use crate::task::UrlKey;

use super::row::{Kept, PageRow};

/// Maximum number of redirects in a row that are followed to a page.
const MAX_REDIRECTS: usize = 10;

/// What the index is to show of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The newest version.
    Newest,
    /// What it shows, if anything.
    Same,
    /// What it shows, unless no page links to the page any more.
    SameIfLinked,
    /// Nothing.
    Out(Why),
}

/// Why a page leaves the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no page.
    Gone,
    /// It has moved to another page of the site.
    Moved(UrlKey),
    /// It asks not to be indexed.
    Noindex,
    /// Its content is at another URL.
    Duplicate(Url),
    /// robots.txt disallows it, or it is not for everybody.
    Withdrawn,
    /// The user's options leave it out.
    LeftOut,
}

/// How far a crawl has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It has seen every page.
    Whole,
    /// It goes on, or goes on later: nothing may leave the index, but for duplicates if `fold` is
    /// set.
    Part {
        /// Whether a published page that is a duplicate leaves the index.
        fold: bool,
    },
}

/// Returns the targets of rows, in their order. `redirects` are those of the crawl.
pub(super) fn decide(
    rows: &[PageRow],
    redirects: &HashMap<UrlKey, UrlKey>,
    progress: Progress,
) -> Vec<Target> {
    let answered = |row: &PageRow| row.signal == Some(Signal::Answered) && row.newest.is_some();
    let pages: HashMap<UrlKey, usize> = (0..)
        .zip(rows)
        .filter(|(_, row)| answered(row))
        .map(|(number, row)| (UrlKey::of(&row.url), number))
        .collect();
    let mut targets: Vec<Target> = rows
        .iter()
        .map(
            |row| match target(row, |key| final_page(key, redirects, &pages)) {
                Target::Out(_) | Target::SameIfLinked if progress != Progress::Whole => {
                    Target::Same
                }
                target => target,
            },
        )
        .collect();
    fold(rows, &mut targets, progress);
    targets
}

fn target(row: &PageRow, final_page: impl Fn(UrlKey) -> Option<UrlKey>) -> Target {
    let Some(signal) = row.signal else {
        return Target::Out(Why::LeftOut);
    };
    let over = row.absence.is_some_and(|absence| absence.is_over());
    match signal {
        Signal::Answered if row.newest.is_some() => Target::Newest,
        Signal::Answered | Signal::Unknown => Target::Same,
        Signal::Gone => Target::Out(Why::Gone),
        Signal::Noindex => Target::Out(Why::Noindex),
        Signal::LeftOut => Target::Out(Why::LeftOut),
        Signal::Disallowed | Signal::Refused if over => Target::Out(Why::Withdrawn),
        Signal::Moved(to) => match final_page(to) {
            Some(page) => Target::Out(Why::Moved(page)),
            None if over => Target::Out(Why::Gone),
            None => Target::SameIfLinked,
        },
        Signal::Missing | Signal::Temporary if over => Target::Out(Why::Gone),
        Signal::Missing => Target::SameIfLinked,
        Signal::Disallowed | Signal::Refused | Signal::Temporary => Target::Same,
    }
}

/// Returns the page that redirects lead to; `None` if they end elsewhere.
fn final_page(
    mut key: UrlKey,
    redirects: &HashMap<UrlKey, UrlKey>,
    pages: &HashMap<UrlKey, usize>,
) -> Option<UrlKey> {
    for _ in 0..MAX_REDIRECTS {
        if pages.contains_key(&key) {
            return Some(key);
        }
        key = *redirects.get(&key)?;
    }
    None
}

/// Folds duplicates among the newest versions.
fn fold(rows: &[PageRow], targets: &mut [Target], progress: Progress) {
    let newest = |number: &usize| targets[*number] == Target::Newest;
    let shown: Vec<usize> = (0..rows.len()).filter(newest).collect();
    let candidates = shown.iter().filter_map(|&number| {
        let row = &rows[number];
        Some(Candidate {
            url: row.url.clone(),
            canonical: row.canonical.clone(),
            hash: row.newest.as_ref()?.fingerprint.hash,
        })
    });
    let found = duplicates(&candidates.collect::<Vec<_>>());
    let numbers: HashMap<&Url, usize> = shown
        .into_iter()
        .map(|number| (&rows[number].url, number))
        .collect();
    for (url, of) in found {
        let Some(&number) = numbers.get(&url) else {
            continue;
        };
        targets[number] = match progress {
            Progress::Part { fold: false } if rows[number].published.is_some() => Target::Same,
            _ => Target::Out(Why::Duplicate(of)),
        };
    }
}

/// Returns the version that the index is to show; `None` for none.
pub(super) fn shown<'a>(row: &'a PageRow, target: &Target) -> Option<&'a Kept> {
    match target {
        Target::Newest => row.newest.as_ref(),
        Target::Same | Target::SameIfLinked => Some(&row.published.as_ref()?.kept),
        Target::Out(_) => None,
    }
}
