//! Pages that link to URLs that are gone, failed or redirect.

use std::collections::HashMap;
use std::sync::Arc;

use canter_core::failure::Failure;
use canter_core::ports::Place;
use canter_embedded::archive::ArchiveReader;
use canter_embedded::store::{Finding, Findings};

use url::Url;

/// Number of pages whose links are read from the archive at a time.
const READ: usize = 256;
/// Maximum number of linking pages that are kept for one URL.
const NAMED: usize = 20;
/// Maximum number of linking pages that are kept for all URLs; beyond it, one for each URL.
const NAMED_IN_ALL: usize = 200_000;

/// Pages that link to each of a set of URLs.
#[derive(Debug, Default)]
pub struct Targets {
    by_url: HashMap<String, Target>,
    named: usize,
    pages: u64,
}

/// A URL that pages link to.
#[derive(Debug, Default)]
pub struct Target {
    /// Pages that link to it.
    pub count: u64,
    /// Some of them.
    pub linkers: Vec<Linker>,
    /// The page that named it first in the crawl; none once that page is counted.
    parent: Option<String>,
    /// Number of the last page that was counted, so that each page counts once.
    last: u64,
}

/// A page that links somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linker {
    /// Its URL.
    pub page: Arc<str>,
    /// Anchor text; empty if there is none or it is unknown.
    pub text: String,
}

impl Targets {
    /// Goes through the links of all pages that the index shows of a site. Pages that this crawl
    /// could not read do not count, even if they are among them.
    pub async fn of(
        findings: &Findings,
        site: &str,
        archive: Option<&ArchiveReader>,
        shown: &[(Url, Place)],
    ) -> Result<Self, Failure> {
        let mut targets = Targets::default();
        let unread = findings.gone.iter().chain(&findings.failed);
        for found in unread.chain(&findings.redirected) {
            targets.add(found);
        }
        if !targets.by_url.is_empty() {
            for pages in shown.chunks(READ) {
                let places: Vec<Place> = pages.iter().map(|(_, place)| place.clone()).collect();
                let Some(archive) = archive else {
                    break;
                };
                let links = archive.links(site, &places).await?;
                for ((page, _), links) in pages.iter().zip(links) {
                    let known = targets.by_url.contains_key(page.as_str());
                    if let Some(links) = links.filter(|_| !known) {
                        let links = links.read()?;
                        let links = links.iter().map(|link| (&*link.url, &*link.text));
                        targets.count(page.as_str(), links);
                    }
                }
            }
        }
        for found in &findings.redirected {
            let to = found.detail.iter().map(|to| (to.as_str(), ""));
            targets.count(&found.url, to);
        }
        targets.settle();
        Ok(targets)
    }

    /// The pages that link to a URL.
    pub fn get(&self, url: &str) -> Option<&Target> {
        self.by_url.get(url)
    }

    fn add(&mut self, found: &Finding) {
        let target = Target {
            parent: found.parent.clone(),
            ..Target::default()
        };
        self.by_url.insert(found.url.clone(), target);
    }

    fn count<'a>(&mut self, page: &str, links: impl Iterator<Item = (&'a str, &'a str)>) {
        self.pages += 1;
        let mut name: Option<Arc<str>> = None;
        for (url, text) in links {
            let Some(target) = self.by_url.get_mut(url) else {
                continue;
            };
            if target.last == self.pages {
                continue;
            }
            target.last = self.pages;
            target.count += 1;
            if target.parent.as_deref() == Some(page) {
                target.parent = None;
            }
            let room = self.named < NAMED_IN_ALL && target.linkers.len() < NAMED;
            if room || target.linkers.is_empty() {
                let page = Arc::clone(name.get_or_insert_with(|| page.into()));
                let text = super::words::cut(text);
                target.linkers.push(Linker { page, text });
                self.named += 1;
            }
        }
    }

    /// Counts the page that named a URL first even if the index does not hold it: it may be a
    /// duplicate or noindex.
    fn settle(&mut self) {
        for target in self.by_url.values_mut() {
            if let Some(parent) = target.parent.take() {
                target.count += 1;
                let linker = Linker {
                    page: parent.into(),
                    text: String::new(),
                };
                target.linkers.insert(0, linker);
                target.linkers.truncate(NAMED);
            }
            target.linkers.sort_by(|a, b| a.page.cmp(&b.page));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(urls: &[(&str, Option<&str>)]) -> Targets {
        let mut targets = Targets::default();
        for (url, parent) in urls {
            targets.add(&Finding {
                url: (*url).to_owned(),
                detail: None,
                status: None,
                parent: parent.map(str::to_owned),
                took_ms: None,
                bytes: None,
            });
        }
        targets
    }

    #[track_caller]
    fn check(targets: &Targets, url: &str, count: u64, linkers: &[(&str, &str)]) {
        let target = targets.get(url).unwrap();
        let found = target.linkers.iter();
        let found: Vec<_> = found.map(|it| (&*it.page, it.text.as_str())).collect();
        assert_eq!((target.count, &*found), (count, linkers));
    }

    #[test]
    fn a_page_counts_once() {
        let mut targets = targets(&[("/gone", Some("/b"))]);
        targets.count("/b", [("/gone", "one"), ("/gone", "two")].into_iter());
        targets.count("/a", [("/x", ""), ("/gone", "three")].into_iter());
        targets.settle();
        check(&targets, "/gone", 2, &[("/a", "three"), ("/b", "one")]);
    }

    #[test]
    fn what_named_it_counts_though_the_index_lost_it() {
        let mut targets = targets(&[("/gone", Some("/noindex"))]);
        targets.count("/a", [("/gone", "x")].into_iter());
        targets.settle();
        check(&targets, "/gone", 2, &[("/a", "x"), ("/noindex", "")]);
    }

    #[test]
    fn many_pages_are_counted_and_some_named() {
        let mut targets = targets(&[("/gone", None)]);
        for n in 0..1000 {
            targets.count(&format!("/{n}"), [("/gone", "x")].into_iter());
        }
        targets.settle();
        let target = targets.get("/gone").unwrap();
        assert_eq!((target.count, target.linkers.len()), (1000, NAMED));
    }
}
