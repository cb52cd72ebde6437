//! Crawler traps that no single URL shows, only what a crawl has met before: one page at ever new
//! addresses, ever new combinations of a query's parameters, ever new hosts.
//!
//! What a process has met is not stored. A crawl that is continued, or shared by several workers,
//! falls for a trap once more in each of them, and a trap still ends.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use canter_page::Page;
use url::Url;

use crate::task::{Skip, UrlKey};

/// Number of pages with the same content that tell their links.
const TELLING: u32 = 8;
/// The same for a short text: pictures of a gallery may have little more than "next".
const TELLING_SHORT: u32 = 64;
/// Minimum length of a text that is not short, in bytes.
const LONG: usize = 100;
/// Maximum number of contents that are remembered, with 20 bytes for each.
const CONTENTS: usize = 50_000;
/// Minimum number of parameters of a query that counts as a combination, besides those that number
/// the pages of a list. A thread of a forum has two.
const PARAMETERS: usize = 3;
/// Parameters that number the pages of a list.
const PAGING: [&str; 10] = [
    "after", "before", "cursor", "from", "limit", "offset", "p", "page", "skip", "start",
];
/// Maximum number of combinations that a path may have which bring no new value of a parameter.
const COMBINATIONS: u32 = 300;
/// Maximum number of a path's values. A path with more of them names things by their values.
const VALUES: usize = 5_000;
/// Maximum number of paths that are remembered.
const PATHS: usize = 1_000;
/// Maximum number of hosts of a site.
const HOSTS: usize = 200;

/// What a process has met of one crawl.
#[derive(Debug, Default)]
pub struct Traps(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    /// How often contents were met: recently, and before that. When the first map is full, it takes
    /// the place of the second.
    contents: (HashMap<UrlKey, u32>, HashMap<UrlKey, u32>),
    paths: HashMap<UrlKey, Combinations>,
    hosts: HashSet<String>,
}

/// The queries of a path.
#[derive(Debug, Default)]
struct Combinations {
    values: HashSet<UrlKey>,
    /// Number of queries that brought no new value.
    known: u32,
}

impl Traps {
    /// Notes a page whose body has this hash. Returns whether it may tell no further links, since
    /// its content was met at too many other URLs: its bytes, or its text where the links have
    /// session ids, or its text but for its own address where the address repeats a segment.
    pub fn is_repeated(&self, url: &Url, body: UrlKey, page: &Page) -> bool {
        let mut contents = vec![(body, TELLING)];
        if !page.text.is_empty() {
            let most = if page.text.len() < LONG {
                TELLING_SHORT
            } else {
                TELLING
            };
            let text = [page.title.as_str(), page.text.as_str()].join("\n");
            contents.push((UrlKey::hash(text.as_bytes()), most));
        }
        if let Some(rest) = without_address(url, page) {
            contents.push((UrlKey::hash(rest.as_bytes()), TELLING));
        }
        let mut met = self.met();
        let over = contents
            .into_iter()
            .map(|(key, most)| met.count(key) > most);
        // Each of them is counted.
        over.fold(false, |any, over| any | over)
    }

    /// Returns why a URL that a page leads to is part of a trap; none if it is not.
    pub fn skip(&self, url: &Url) -> Option<Skip> {
        let mut met = self.met();
        if met.has_too_many_hosts(url) {
            return Some(Skip::TrapHosts);
        }
        met.combines(url).then_some(Skip::TrapCombinations)
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Met {
    /// Counts a content. Returns how often it was met.
    fn count(&mut self, key: UrlKey) -> u32 {
        let (new, old) = &mut self.contents;
        if new.len() >= CONTENTS / 2 && !new.contains_key(&key) {
            *old = mem::take(new);
        }
        let times = new
            .entry(key)
            .or_insert_with(|| old.get(&key).copied().unwrap_or(0));
        *times = times.saturating_add(1);
        *times
    }

    fn has_too_many_hosts(&mut self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        if self.hosts.contains(host) {
            return false;
        }
        if self.hosts.len() >= HOSTS {
            return true;
        }
        self.hosts.insert(host.to_owned());
        false
    }

    /// Returns whether a query is one combination too many of values that were met before.
    fn combines(&mut self, url: &Url) -> bool {
        let query = url.query().unwrap_or_default();
        let values: Vec<&str> = query.split('&').filter(|pair| !is_paging(pair)).collect();
        if values.len() < PARAMETERS {
            return false;
        }
        let mut path = url.clone();
        path.set_query(None);
        if self.paths.len() >= PATHS {
            self.paths.clear();
        }
        let path = self.paths.entry(UrlKey::of(&path)).or_default();
        if path.values.len() > VALUES {
            return false;
        }
        let keys = values.iter().map(|value| UrlKey::hash(value.as_bytes()));
        let new = keys.filter(|key| path.values.insert(*key)).count();
        path.known += u32::from(new == 0);
        new == 0 && path.known > COMBINATIONS
    }
}

fn is_paging(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    PAGING
        .iter()
        .any(|paging| name.eq_ignore_ascii_case(paging))
}

/// Returns the words of a page but for those of its own address; none unless the address has a
/// segment twice, as relative links make it that a server answers with the same page everywhere.
fn without_address(url: &Url, page: &Page) -> Option<String> {
    let mut segments = HashSet::new();
    let mut path = url.path().split('/').filter(|segment| !segment.is_empty());
    path.find(|segment| !segments.insert(*segment))?;
    let is_own = |word: &str| url.path().split('/').any(|segment| segment == word);
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || c == '/');
        let others = words.filter(|word| !is_own(word));
        others.map(str::to_owned).collect()
    };
    Some([words(&page.title), words(&page.text)].concat().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str, text: &str) -> Page {
        Page {
            title: title.to_owned(),
            text: text.to_owned(),
            ..Page::default()
        }
    }

    fn url(rest: &str) -> Url {
        Url::parse(&format!("http://a.test{rest}")).unwrap()
    }

    /// Number of pages that may tell their links, of a hundred; the n-th is at `/n`.
    fn telling(of: impl Fn(u32) -> (String, String, Page)) -> usize {
        let traps = Traps::default();
        let pages = (0..100).map(of);
        pages
            .filter(|(path, body, page)| {
                !traps.is_repeated(&url(path), UrlKey::hash(body.as_bytes()), page)
            })
            .count()
    }

    #[test]
    fn eight_pages_of_the_same_bytes_tell_their_links() {
        assert_eq!(
            telling(|n| (format!("/{n}"), "same".into(), page("", ""))),
            8
        );
    }

    #[test]
    fn eight_pages_of_the_same_long_text_tell_their_links_and_more_of_a_short_one() {
        let text = |text: &str| {
            let text = text.to_owned();
            move |n: u32| (format!("/{n}"), n.to_string(), page("Title", &text))
        };
        assert_eq!(telling(text(&"long ".repeat(40))), 8);
        assert_eq!(telling(text("next")), 64);
        assert_eq!(telling(text("")), 100);
    }

    #[test]
    fn pages_that_name_their_own_address_are_the_same_where_it_repeats() {
        let at = |prefix: &'static str| {
            move |n: u32| {
                let path = format!("{prefix}/x{n}");
                let text = format!("No page at {path}");
                (path, n.to_string(), page("", &text))
            }
        };
        assert_eq!(telling(at("/a/b/a")), 8);
        assert_eq!(telling(at("/a/b/c")), 100);
    }

    #[test]
    fn a_content_is_remembered_while_it_is_met_again() {
        let mut met = Met::default();
        let key = |n: usize| UrlKey::hash(&n.to_be_bytes());
        for n in 1..3 * CONTENTS {
            met.count(key(n));
            met.count(key(0));
        }
        assert!(met.count(key(0)) as usize >= 3 * CONTENTS);
        assert!(met.contents.0.len() + met.contents.1.len() <= CONTENTS);
    }

    #[test]
    fn combinations_of_known_values_end_and_new_values_do_not() {
        let traps = Traps::default();
        let all = |last: u32| {
            let numbers = (0..12_u32).flat_map(|a| (0..12).map(move |b| (a, b)));
            let all = numbers.flat_map(move |(a, b)| (0..last).map(move |c| (a, b, c)));
            all.map(|(a, b, c)| url(&format!("/shop?size={a}&colour={b}&brand={c}")))
                .collect::<Vec<_>>()
        };
        let followed = all(12)
            .iter()
            .filter(|url| traps.skip(url).is_none())
            .count();
        assert!((300..=340).contains(&followed), "{followed}");
        let threads = (0..2_000).map(|n| url(&format!("/thread?forum=1&sort=a&topic={n}")));
        let pages = (0..2_000).map(|n| url(&format!("/thread?forum=1&topic=7&start={n}")));
        for url in threads.chain(pages) {
            assert_eq!(traps.skip(&url), None, "{url}");
        }
    }

    #[test]
    fn hosts_end() {
        let traps = Traps::default();
        let hosts = |n: u32| Url::parse(&format!("http://h{n}.a.test/")).unwrap();
        let skipped = (0..300).filter(|n| traps.skip(&hosts(*n)).is_some());
        assert_eq!(skipped.count(), 100);
        assert_eq!(traps.skip(&hosts(7)), None);
        assert_eq!(traps.skip(&hosts(250)), Some(Skip::TrapHosts));
    }
}
