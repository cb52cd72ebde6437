//! Crawler traps that no single URL shows, only what a crawl has met before: one page at ever new
//! addresses, ever new combinations of a query's parameters, ever new hosts.
//!
//! What a process has met is not stored. A crawl that is continued, or shared by several workers,
//! falls for a trap once more in each of them, and a trap still ends.

mod combinations;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use canter_page::Page;
use url::Url;

use crate::recent::Recent;
use crate::task::UrlKey;

use combinations::Combinations;

/// Number of pages with the same content that tell their links.
const TELLING: u32 = 8;
/// The same for a short text: pictures of a gallery may have little more than "next".
const TELLING_SHORT: u32 = 64;
/// Minimum length of a text that is not short, in bytes.
const LONG: usize = 100;
/// Length of the beginning of a text that is compared, in bytes, and number of links.
const BEGINNING: usize = 8 * 1024;
const LINKS: usize = 200;
/// Maximum number of contents that are remembered, with 20 bytes for each.
const CONTENTS: usize = 50_000;
/// Maximum number of hosts of a site besides those of its seeds.
const HOSTS: usize = 200;

/// What a process has met of one crawl.
#[derive(Debug, Default)]
pub struct Traps(Mutex<Met>);

#[derive(Debug)]
struct Met {
    /// How often contents were met.
    contents: Recent<u32>,
    combinations: Combinations,
    hosts: HashSet<String>,
}

impl Default for Met {
    fn default() -> Self {
        Met {
            contents: Recent::new(CONTENTS),
            combinations: Combinations::default(),
            hosts: HashSet::new(),
        }
    }
}

impl Traps {
    /// Notes a page whose body has this hash, read or unchanged. Returns whether it may tell no
    /// further links, since its content was met at too many other URLs: its bytes, or its text and
    /// the texts of its links where these have session ids, or its text but for its own address
    /// where the address repeats a segment.
    pub fn is_repeated(&self, url: &Url, body: UrlKey, page: Option<&Page>) -> bool {
        let mut contents = vec![(body, TELLING)];
        let most = |length| {
            if length < LONG {
                TELLING_SHORT
            } else {
                TELLING
            }
        };
        if let Some(page) = page.filter(|page| !page.text.is_empty()) {
            contents.push((content(page), most(page.text.len())));
            if let Some(rest) = without_address(url, page) {
                contents.push((UrlKey::hash(rest.as_bytes()), most(rest.len())));
            }
        }
        let mut met = self.met();
        let over = contents
            .into_iter()
            .map(|(key, most)| met.count(key) > most);
        // Each of them is counted.
        over.fold(false, |any, over| any | over)
    }

    /// Returns whether the query of a URL is one combination too many of values that were met before.
    pub fn combines(&self, url: &Url) -> bool {
        self.met().combinations.are_too_many(url)
    }

    /// Notes that the host of a URL has answered.
    pub fn answered(&self, url: &Url) {
        let host = url.host_str().unwrap_or_default();
        let mut met = self.met();
        if met.hosts.len() < HOSTS && !met.hosts.contains(host) {
            met.hosts.insert(host.to_owned());
        }
    }

    /// Returns whether the site has too many hosts for another one, where `seeds` have theirs.
    pub fn has_too_many_hosts(&self, url: &Url, seeds: &[Url]) -> bool {
        let met = self.met();
        let host = url.host_str();
        met.hosts.len() >= HOSTS
            && !met.hosts.contains(host.unwrap_or_default())
            && seeds.iter().all(|seed| seed.host_str() != host)
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Met {
    /// Counts a content. Returns how often it was met.
    fn count(&mut self, key: UrlKey) -> u32 {
        let times = self.contents.meet(key).unwrap_or(0).saturating_add(1);
        self.contents.insert(key, times);
        times
    }
}

/// Returns the hash of what a page says: the beginning of its text and its length, its title and the
/// texts of its first links.
fn content(page: &Page) -> UrlKey {
    let begin = &page.text[..page.text.floor_char_boundary(BEGINNING)];
    let links = page.links.iter().take(LINKS).map(|link| link.text.as_str());
    let texts = [page.title.as_str(), begin].into_iter().chain(links);
    let texts = texts.flat_map(|text| [text.as_bytes(), b"\n"]);
    let counts = [page.text.len(), page.links.len()].map(usize::to_le_bytes);
    UrlKey::hash_parts(counts.iter().map(<[u8; 8]>::as_slice).chain(texts))
}

/// Returns the words of a page but for those of its own address; none unless the address has a
/// segment twice, as relative links make it that a server answers with the same page everywhere.
/// Numbers are repeated in honest addresses.
fn without_address(url: &Url, page: &Page) -> Option<String> {
    let is_number = |segment: &str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let mut segments = HashSet::new();
    let mut path = url.path().split('/').filter(|segment| !is_number(segment));
    path.find(|segment| !segments.insert(*segment))?;
    let is_own = |word: &str| url.path().split('/').any(|segment| segment == word);
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| c.is_whitespace() || c == '/');
        let signs = |c: char| !c.is_alphanumeric();
        let others = words.filter(|word| !is_own(word.trim_matches(signs)));
        others.map(str::to_owned).collect()
    };
    Some([words(&page.title), words(&page.text)].concat().join(" "))
}

#[cfg(test)]
mod tests {
    use canter_page::Link;

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
    fn telling(of: impl Fn(u32) -> (String, String, Option<Page>)) -> usize {
        let traps = Traps::default();
        let pages = (0..100).map(of);
        pages
            .filter(|(path, body, page)| {
                let body = UrlKey::hash(body.as_bytes());
                !traps.is_repeated(&url(path), body, page.as_ref())
            })
            .count()
    }

    #[test]
    fn eight_pages_of_the_same_bytes_tell_their_links() {
        assert_eq!(telling(|n| (format!("/{n}"), "same".into(), None)), 8);
        let empty = || Some(page("", ""));
        assert_eq!(telling(|n| (format!("/{n}"), "same".into(), empty())), 8);
    }

    #[test]
    fn eight_pages_of_the_same_long_text_tell_their_links_and_more_of_a_short_one() {
        let text = |text: &str| {
            let text = text.to_owned();
            move |n: u32| (format!("/{n}"), n.to_string(), Some(page("Title", &text)))
        };
        let long = "long ".repeat(40);
        assert_eq!(telling(text(&long)), 8);
        assert_eq!(telling(text("next")), 64);
        assert_eq!(telling(text("")), 100);
        // An archive: one text, and in its navigation what is there.
        let archive = |n: u32| {
            let link = Link {
                url: url("/"),
                fragment: None,
                text: format!("Entry {n}"),
                nofollow: false,
                place: None,
            };
            let page = Page {
                links: vec![link],
                ..page("Archive", &long)
            };
            (format!("/{n}"), n.to_string(), Some(page))
        };
        assert_eq!(telling(archive), 100);
    }

    #[test]
    fn pages_that_name_their_own_address_are_the_same_where_it_repeats() {
        let at = |prefix: &'static str, rest: &'static str| {
            move |n: u32| {
                let path = format!("{prefix}/x{n}");
                let text = format!("No page at {path}{rest}");
                (path, n.to_string(), Some(page("", &text)))
            }
        };
        let long = ". Go back to the first page, or look at the list of all pages, where \
                    everything that is here has its place.";
        assert_eq!(telling(at("/a/b/a", long)), 8);
        assert_eq!(telling(at("/a/b/a", "")), 64);
        assert_eq!(telling(at("/a/b/c", long)), 100);
        assert_eq!(telling(at("/2021/03/03", long)), 100);
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
        assert!(met.contents.len() <= CONTENTS);
    }

    #[test]
    fn hosts_that_answer_are_counted() {
        let traps = Traps::default();
        let host = |n: u32| Url::parse(&format!("http://h{n}.a.test/")).unwrap();
        let seeds = [host(299)];
        let is_over = |n: u32| traps.has_too_many_hosts(&host(n), &seeds);
        // Hosts that are only named do not count.
        assert!((0..1_000).all(|n| !is_over(n)));
        (0..300).for_each(|n| traps.answered(&host(n)));
        assert!((0..200).all(|n| !is_over(n)));
        assert!((200..299).all(is_over));
        assert!(!is_over(299), "a seed");
    }
}
