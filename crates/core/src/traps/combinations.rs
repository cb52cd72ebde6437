//! Queries that combine the same values in ever new ways, as a search by facets does.

use std::collections::{HashMap, HashSet};

use url::Url;

use crate::task::UrlKey;

/// Parameters that number the pages of a list.
const PAGING: [&str; 10] = [
    "after", "before", "cursor", "from", "limit", "offset", "p", "page", "skip", "start",
];
/// Minimum number of parameters of a combination, besides those. A thread of a forum has two.
const PARAMETERS: usize = 3;
/// Maximum number of combinations of three known values that a path may have. An old application may
/// have its pages so.
const OF_THREE: u32 = 2_000;
/// The same for combinations of more.
const OF_MORE: u32 = 300;
/// Number of values from which on a parameter names things, and is not chosen from a list.
const NAMES: usize = 100;
/// Maximum number of values and combinations that are remembered of all paths, with 40 bytes for each.
const REMEMBERED: usize = 100_000;

/// The queries of all paths.
#[derive(Debug, Default)]
pub(super) struct Combinations {
    paths: HashMap<UrlKey, Queries>,
    remembered: usize,
}

/// The queries of a path.
#[derive(Debug, Default)]
struct Queries {
    /// The values of each parameter.
    values: HashMap<UrlKey, HashSet<UrlKey>>,
    /// The query that was met first of each combination that brought no new value.
    known: HashMap<UrlKey, UrlKey>,
    of_three: u32,
    of_more: u32,
}

impl Combinations {
    /// Notes a URL, and returns whether its query is one combination too many.
    pub(super) fn are_too_many(&mut self, url: &Url) -> bool {
        let query = url.query().unwrap_or_default();
        let mut pairs: Vec<&str> = query.split('&').filter(|pair| !is_paging(pair)).collect();
        if pairs.len() < PARAMETERS {
            return false;
        }
        pairs.sort_unstable();
        let mut path = url.clone();
        path.set_query(None);
        if self.remembered >= REMEMBERED {
            *self = Combinations::default();
        }
        let queries = self.paths.entry(UrlKey::of(&path)).or_default();
        let (is_over, new) = queries.note(query, &pairs);
        self.remembered += new;
        is_over
    }
}

impl Queries {
    /// Returns whether a query is one combination too many, and how much more is remembered.
    fn note(&mut self, query: &str, pairs: &[&str]) -> (bool, usize) {
        let mut new = 0;
        let mut names_something = false;
        for pair in pairs {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let values = self.values.entry(key(name)).or_default();
            if values.len() >= NAMES {
                names_something = true;
            } else {
                new += usize::from(values.insert(key(value)));
            }
        }
        if names_something || new > 0 {
            return (false, new);
        }
        let (combination, query) = (key(&pairs.join("&")), key(query));
        if let Some(first) = self.known.get(&combination) {
            // The same values in another order give the same page.
            return (*first != query, 0);
        }
        let (count, most) = match pairs.len() {
            PARAMETERS => (&mut self.of_three, OF_THREE),
            _ => (&mut self.of_more, OF_MORE),
        };
        if *count >= most {
            return (true, 0);
        }
        *count += 1;
        self.known.insert(combination, query);
        (false, 1)
    }
}

fn key(text: &str) -> UrlKey {
    UrlKey::hash(text.as_bytes())
}

fn is_paging(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    PAGING
        .iter()
        .any(|paging| name.eq_ignore_ascii_case(paging))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of these queries of a path that are followed.
    fn followed(queries: impl Iterator<Item = String>) -> usize {
        let mut combinations = Combinations::default();
        let urls = queries.map(|query| Url::parse(&format!("http://a.test/x?{query}")).unwrap());
        urls.filter(|url| !combinations.are_too_many(url)).count()
    }

    /// All combinations of the values 0 to `values` of these parameters.
    fn all(names: &'static [&'static str], values: u32) -> impl Iterator<Item = String> {
        let count = values.pow(names.len() as u32);
        (0..count).map(move |number| {
            let pairs = (0..)
                .zip(names)
                .map(|(place, name)| format!("{name}={}", number / values.pow(place) % values));
            pairs.collect::<Vec<_>>().join("&")
        })
    }

    #[test]
    fn facets_end() {
        assert_eq!(followed(all(&["size", "colour"], 50)), 2_500);
        let three = followed(all(&["size", "colour", "brand"], 20));
        assert!((2_000..2_100).contains(&three), "{three}");
        let four = followed(all(&["size", "colour", "brand", "sort"], 8));
        assert!((300..400).contains(&four), "{four}");
    }

    #[test]
    fn another_order_is_no_other_combination() {
        let known = ["a=1&b=1&c=1", "a=1&b=1&c=1", "c=1&a=1&b=1", "b=1&a=1&c=1"];
        let known = known.into_iter().map(str::to_owned);
        // The first brings the values, the second is met again, the others are the second again.
        assert_eq!(followed(known), 2);
    }

    #[test]
    fn what_names_things_does_not_end() {
        let threads = (0..9_000).map(|n| format!("forum=1&sort=a&topic={n}"));
        assert_eq!(followed(threads), 9_000);
        let pages = (0..9_000).map(|n| format!("forum=1&topic=7&start={n}"));
        assert_eq!(followed(pages), 9_000);
        let rows = (0..9_000).map(|n| format!("module={}&action=view&id={}", n / 900, n % 900));
        assert_eq!(followed(rows), 9_000);
    }

    #[test]
    fn a_link_that_is_met_again_counts_once() {
        let menu = std::iter::repeat_n("option=a&view=b&item=c".to_owned(), 9_000);
        assert_eq!(followed(menu), 9_000);
    }

    #[test]
    fn memory_is_bounded() {
        let mut combinations = Combinations::default();
        for n in 0..300_000 {
            let query = format!("http://a.test/{}?a{n}=1&b{n}=2&c{n}=3", n % 7);
            combinations.are_too_many(&Url::parse(&query).unwrap());
            assert!(combinations.remembered <= REMEMBERED + 3);
        }
    }
}
