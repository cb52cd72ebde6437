//! Lists of URLs. Each is bounded, and says how much it leaves out.

use std::cmp::Reverse;

use canter_core::publish::Changes;
use canter_embedded::store::Finding;
use indicatif::HumanBytes;
use maud::{Markup, html};
use url::Url;

use super::crawled::Crawled;
use super::targets::{Linker, Target};
use super::words::{counted, cut, link, millis, number};

/// Maximum number of URLs with linking pages in one list.
const TARGETS: usize = 500;
/// Maximum number of slowest answers, and of largest pages.
const LEADERS: usize = 20;
/// Number of URLs of a list that are shown at once; the rest is folded, so that the next list is
/// not far.
const OPEN_TARGETS: usize = 25;
/// Maximum number of linking pages that are shown at once.
const OPEN_LINKERS: usize = 3;

/// The lists of one site.
pub(super) struct Lists<'a> {
    crawl: &'a Crawled,
    /// Scheme and host that most URLs begin with, and that are not shown.
    origin: String,
}

/// A URL with the pages that link to it, if any.
type Linked<'a> = (&'a Finding, Option<&'a Target>);

impl<'a> Lists<'a> {
    pub(super) fn of(crawl: &'a Crawled) -> Self {
        let seed = crawl.findings.seeds.first();
        let origin = seed.map(|seed| seed.origin().ascii_serialization());
        Lists {
            crawl,
            origin: origin.unwrap_or_default(),
        }
    }

    pub(super) fn dead(&self) -> Markup {
        let gone = self.linked(&self.crawl.findings.gone);
        self.targets(&gone, |found| {
            html! { span.badge { (found.status.unwrap_or(404)) } }
        })
    }

    pub(super) fn failed(&self) -> Markup {
        let failed = self.linked(&self.crawl.findings.failed);
        self.targets(&failed, |found| {
            html! {
                @if let Some(status) = found.status { span.badge { (status) } " " }
                @if let Some(why) = &found.detail { span.why { (cut(why)) } }
            }
        })
    }

    /// Redirects that a page links to: an owner can mend these links.
    pub(super) fn redirects(&self) -> Markup {
        let mut linked = self.linked(&self.crawl.findings.redirected);
        linked.retain(|(_, target)| target.is_some_and(|target| target.count > 0));
        html! {
            p.quiet { (counted(linked.len() as u64, "of them is linked", "of them are linked")) " by pages of the site, which could name the new address." }
            (self.targets(&linked, |found| html! {
                @if let Some(to) = &found.detail { span.to { "→ " (self.link(to)) } " " }
                @if let Some(status) = found.status { span.quiet { (status) } }
            }))
        }
    }

    pub(super) fn slowest(&self) -> Markup {
        let rows = self.crawl.findings.slowest.iter().take(LEADERS);
        let rows = rows.map(|found| (millis(found.took_ms.unwrap_or_default()), found));
        self.leaders("Slowest answers", "Time", rows)
    }

    pub(super) fn largest(&self) -> Markup {
        let rows = self.crawl.findings.largest.iter().take(LEADERS);
        let size = |found: &Finding| HumanBytes(found.bytes.unwrap_or_default()).to_string();
        let rows = rows.map(|found| (size(found), found));
        self.leaders("By length of the body, decoded", "Size", rows)
    }

    pub(super) fn duplicates(&self) -> Markup {
        let findings = &self.crawl.findings;
        html! {
            p.quiet { "The same content stands at the address on the right, which is searched instead." }
            ul.plain {
                @for found in &findings.duplicates {
                    li {
                        (self.link(&found.url))
                        @if let Some(of) = &found.detail { span.to { " = " (self.link(of)) } }
                    }
                }
                (more(findings.counts.duplicates, findings.duplicates.len()))
            }
        }
    }

    pub(super) fn skipped(&self) -> Markup {
        let findings = &self.crawl.findings;
        html! {
            @for (reason, found) in &findings.skipped {
                @let count = findings.counts.skipped_by.get(reason.name());
                @let count = count.copied().unwrap_or_default();
                details {
                    summary { (reason.phrase()) " " span.quiet { "(" (number(count)) ")" } }
                    ul.plain {
                        @for found in found {
                            li {
                                (self.link(&found.url))
                                @if let Some(parent) = &found.parent {
                                    span.quiet { " found on " (self.link(parent)) }
                                }
                            }
                        }
                        (more(count, found.len()))
                    }
                }
            }
        }
    }

    /// What the last publishing changed, or why there was none.
    pub(super) fn published(&self) -> Markup {
        let findings = &self.crawl.findings;
        let changes = findings.changes.iter().flat_map(Changes::all);
        html! {
            @if let Some(held) = &findings.held {
                p { "Nothing is published: " (number(held.lost)) " of " (number(held.of)) " " (held.reason) ". The search shows what it showed." }
                (self.examples(held.lost, &held.examples))
            } @else {
                @for (name, change) in changes.filter(|(_, change)| change.count > 0) {
                    details {
                        summary { (name) " " span.quiet { "(" (number(change.count)) ")" } }
                        (self.examples(change.count, &change.examples))
                    }
                }
            }
        }
    }

    fn examples(&self, count: u64, examples: &[Url]) -> Markup {
        html! {
            ul.plain {
                @for url in examples { li { (self.link(url.as_str())) } }
                (more(count, examples.len()))
            }
        }
    }

    /// Findings with the pages that link to them, most linked first.
    fn linked(&self, found: &'a [Finding]) -> Vec<Linked<'a>> {
        let target = |found: &'a Finding| (found, self.crawl.targets.get(&found.url));
        let mut linked: Vec<Linked<'a>> = found.iter().map(target).collect();
        linked.sort_by_key(|(_, target)| Reverse(target.map_or(0, |target| target.count)));
        linked
    }

    fn targets(&self, linked: &[Linked<'_>], about: impl Fn(&Finding) -> Markup) -> Markup {
        let listed = &linked[..linked.len().min(TARGETS)];
        let (open, folded) = listed.split_at(listed.len().min(OPEN_TARGETS));
        let list = |linked: &[Linked<'_>]| {
            html! { @for (found, target) in linked { (self.target(found, *target, &about)) } }
        };
        html! {
            ol.targets { (list(open)) }
            @if !folded.is_empty() {
                details {
                    summary { "and " (number((linked.len() - open.len()) as u64)) " more" }
                    ol.targets { (list(folded)) (more(linked.len() as u64, listed.len())) }
                }
            }
        }
    }

    fn target(
        &self,
        found: &Finding,
        target: Option<&Target>,
        about: impl Fn(&Finding) -> Markup,
    ) -> Markup {
        html! {
            li {
                div.target { (self.link(&found.url)) " " (about(found)) }
                @if let Some(target) = target.filter(|target| target.count > 0) {
                    (self.linkers(target))
                }
            }
        }
    }

    fn linkers(&self, target: &Target) -> Markup {
        let pages = &target.linkers;
        let list = html! {
            ul.linkers {
                @for linker in pages { li { (self.linker(linker)) } }
                (more(target.count, pages.len()))
            }
        };
        html! {
            @if pages.len() <= OPEN_LINKERS {
                (list)
            } @else {
                details {
                    summary { "on " (counted(target.count, "page", "pages")) ", among them " (self.link(&pages[0].page)) }
                    (list)
                }
            }
        }
    }

    fn linker(&self, linker: &Linker) -> Markup {
        let leads_here = self.crawl.targets.get(&linker.page).is_some();
        html! {
            @if leads_here { "redirect from " } @else { "on " }
            (self.link(&linker.page))
            @if !linker.text.trim().is_empty() { " " q.text { bdi { (linker.text.trim()) } } }
        }
    }

    fn leaders<'b>(
        &self,
        title: &str,
        unit: &str,
        rows: impl Iterator<Item = (String, &'b Finding)>,
    ) -> Markup {
        html! {
            table.leaders {
                caption { (title) }
                thead { tr { th.number scope="col" { (unit) } th scope="col" { "URL" } } }
                tbody {
                    @for (value, found) in rows {
                        tr { td.number { (value) } td { (self.link(&found.url)) } }
                    }
                }
            }
        }
    }

    /// A link, shown without the origin of the site.
    fn link(&self, url: &str) -> Markup {
        let rest = url.strip_prefix(&self.origin);
        let path = rest.filter(|rest| !self.origin.is_empty() && rest.starts_with('/'));
        link(url, path.unwrap_or(url))
    }
}

/// The number of entries that a list leaves out.
fn more(count: u64, shown: usize) -> Markup {
    let left = count.saturating_sub(shown as u64);
    html! {
        @if left > 0 { li.more { "and " (number(left)) " more" } }
    }
}
