//! The check before a refresh is published: whether the site answers as itself.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::absence::Signal;
use crate::fingerprint::{Fingerprint, Sketch};
use crate::task::UrlKey;

use super::decide::{Target, Why};
use super::row::PageRow;

/// Number of pages that any refresh may lose.
const FEW: u64 = 10;
/// Minimum number of changed pages with one text or title that count as one page.
const ALIKE: usize = 3;
/// A page has lost its text if less than one part in this number is left.
const LEFT: u32 = 10;
/// Maximum number of different pages that are looked for among changed pages.
const MAX_GROUPS: usize = 16;
/// Number of examples.
const EXAMPLES: usize = 10;

/// Why nothing of a refresh was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What most of the lost pages have in common, as a phrase for a person.
    pub reason: String,
    /// Number of pages that would have been lost.
    pub lost: u64,
    /// Number of published pages that were looked at.
    pub of: u64,
    /// Some of the lost pages.
    pub examples: Vec<Url>,
}

impl Held {
    /// Returns the share of lost pages, between 0 and 1.
    pub fn share(&self) -> f64 {
        self.lost as f64 / self.of.max(1) as f64
    }
}

/// How a page is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Loss {
    Gone,
    Moved,
    Noindex,
    Folded,
    Withdrawn,
    OneText,
    OneTitle,
    Empty,
    Stray,
}

impl Loss {
    fn phrase(self) -> &'static str {
        match self {
            Loss::Gone => "pages are gone",
            Loss::Moved => "pages redirect to a few others",
            Loss::Noindex => "pages ask not to be indexed",
            Loss::Folded => "pages name one page as canonical or have the same content",
            Loss::Withdrawn => "pages are no longer accessible",
            Loss::OneText => "pages now have nearly the same text",
            Loss::OneTitle => "pages now have the same title",
            Loss::Empty => "pages have lost their text",
            Loss::Stray => "pages are in the index and not of the site",
        }
    }
}

/// What a refresh may lose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// Maximum share of the published pages, in percent.
    pub(super) most: f64,
    /// Number of pages that earlier publishings of the crawl have lost.
    pub(super) before: u64,
    /// Number of pages in the index that the site does not know.
    pub(super) strays: u64,
}

/// Checks what a refresh would lose. What the user's options leave out is no loss. Returns the
/// numbers of the rows whose pages are lost.
///
/// # Errors
///
/// Returns what would be lost, if it is too much.
pub(super) fn check(
    rows: &[PageRow],
    targets: &[Target],
    allowance: Allowance,
) -> Result<HashSet<usize>, Held> {
    let Allowance {
        most,
        before,
        strays,
    } = allowance;
    let looked_at = |row: &&PageRow| row.published.is_some() && row.signal.is_some();
    let of = rows.iter().filter(looked_at).count() as u64 + strays;
    let mut losses: HashMap<usize, Loss> = HashMap::new();
    // What a page says now tells more than that it is folded.
    for (number, loss) in changed(rows).chain(left(rows, targets)) {
        losses.entry(number).or_insert(loss);
    }
    let lost = losses.len() as u64 + strays + before;
    if lost <= FEW || lost as f64 <= most / 100.0 * of as f64 {
        return Ok(losses.into_keys().collect());
    }
    let mut ways: HashMap<Loss, usize> = HashMap::new();
    for loss in losses.values() {
        *ways.entry(*loss).or_default() += 1;
    }
    ways.insert(Loss::Stray, strays as usize);
    let most_common = ways.into_iter().max_by_key(|(loss, count)| (*count, *loss));
    let mut examples: Vec<Url> = losses.keys().map(|&at| rows[at].url.clone()).collect();
    examples.sort_unstable();
    examples.truncate(EXAMPLES);
    Err(Held {
        reason: most_common
            .map_or(Loss::Gone, |(loss, _)| loss)
            .phrase()
            .to_owned(),
        lost,
        of,
        examples,
    })
}

/// Returns the published pages that would leave the index. A page that moves to an address of its
/// own with the same text is not among them.
fn left<'a>(
    rows: &'a [PageRow],
    targets: &'a [Target],
) -> impl Iterator<Item = (usize, Loss)> + 'a {
    let pages: HashMap<UrlKey, &PageRow> =
        rows.iter().map(|row| (UrlKey::of(&row.url), row)).collect();
    let mut taken: HashSet<UrlKey> = HashSet::new();
    let mut is_move = move |row: &PageRow, to: &UrlKey| {
        let before = row.published.as_ref().map(|it| it.kept.fingerprint);
        let target = pages.get(to);
        let after = target.and_then(|row| row.newest.as_ref().map(|it| it.fingerprint));
        let same = before
            .zip(after)
            .is_some_and(|(before, after)| before.sketch.is_near(&after.sketch));
        same && taken.insert(*to)
    };
    let all = (0..).zip(rows.iter().zip(targets));
    let published = all.filter(|(_, (row, _))| row.published.is_some());
    published.filter_map(move |(number, (row, target))| {
        let Target::Out(why) = target else {
            return None;
        };
        let loss = match why {
            Why::LeftOut => return None,
            Why::Moved(to) if is_move(row, to) => return None,
            Why::Moved(_) => Loss::Moved,
            Why::Gone => Loss::Gone,
            Why::Noindex => Loss::Noindex,
            Why::Duplicate(_) => Loss::Folded,
            Why::Withdrawn => Loss::Withdrawn,
        };
        Some((number, loss))
    })
}

/// Returns the published pages whose new version is not the page itself.
fn changed(rows: &[PageRow]) -> impl Iterator<Item = (usize, Loss)> {
    let mut pages = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        // Duplicates too show what the site answers, whether they are folded now or later.
        let answered = row.signal == Some(Signal::Answered);
        let versions = row.newest.as_ref().zip(row.published.as_ref());
        let Some((newest, published)) = versions.filter(|_| answered) else {
            continue;
        };
        let (new, old) = (newest.fingerprint, published.kept.fingerprint);
        if new.hash != old.hash {
            pages.push((number, old, new));
        }
    }
    let empty = pages
        .iter()
        .filter(|(_, old, new)| new.text_bytes < old.text_bytes / LEFT)
        .map(|(number, ..)| (*number, Loss::Empty));
    let mut lost: Vec<(usize, Loss)> = one_text(&pages);
    lost.extend(one_title(&pages));
    lost.extend(empty);
    lost.into_iter()
}

/// A changed page: its number, its published and its new version.
type Changed = (usize, Fingerprint, Fingerprint);

/// Returns the pages that now have nearly the text of several others, and had not before.
fn one_text(pages: &[Changed]) -> Vec<(usize, Loss)> {
    let mut lost = Vec::new();
    let mut rest: Vec<Changed> = pages.to_vec();
    for _ in 0..MAX_GROUPS {
        let Some(common) = most_common_sketch(&rest) else {
            break;
        };
        let (alike, others): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .partition(|(_, _, new)| new.sketch.is_near(&common));
        if alike.len() < ALIKE {
            break;
        }
        let turned = alike
            .iter()
            .filter(|(_, old, _)| !old.sketch.is_near(&common));
        lost.extend(turned.map(|(number, ..)| (*number, Loss::OneText)));
        rest = others;
    }
    lost
}

/// Returns the most common value of each function of the sketches; `None` if there are no pages.
fn most_common_sketch(pages: &[Changed]) -> Option<Sketch> {
    let (_, _, first) = pages.first()?;
    let mut common = first.sketch;
    for (at, common) in common.0.iter_mut().enumerate() {
        let mut counts: HashMap<u16, usize> = HashMap::new();
        for (_, _, new) in pages {
            *counts.entry(new.sketch.0[at]).or_default() += 1;
        }
        let most = counts
            .into_iter()
            .max_by_key(|(value, count)| (*count, *value));
        *common = most.map_or(*common, |(value, _)| value);
    }
    Some(common)
}

/// Returns the pages that now have the title of several others, and had another one before.
fn one_title(pages: &[Changed]) -> Vec<(usize, Loss)> {
    let mut titles: HashMap<u32, Vec<usize>> = HashMap::new();
    for (number, old, new) in pages {
        if new.title != old.title {
            titles.entry(new.title).or_default().push(*number);
        }
    }
    let shared = titles.into_values().filter(|pages| pages.len() >= ALIKE);
    shared
        .flatten()
        .map(|number| (number, Loss::OneTitle))
        .collect()
}
