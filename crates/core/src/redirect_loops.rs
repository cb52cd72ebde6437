//! Redirect loops. During a crawl each redirect is followed once. Redirects that lead back to
//! themselves are known only when the crawl has ended.

use std::collections::{HashMap, HashSet};

use crate::task::UrlKey;

/// Returns the URLs that lie on a loop of these redirects. The redirects are given with their
/// targets. A URL that only leads into a loop is not among the results.
pub fn redirect_loops(redirects: &HashMap<UrlKey, UrlKey>) -> Vec<UrlKey> {
    let mut visited = HashSet::new();
    let mut looping = Vec::new();
    for &start in redirects.keys() {
        let mut at = start;
        let mut walk = Vec::new();
        while let Some(&to) = redirects.get(&at)
            && visited.insert(at)
        {
            walk.push(at);
            at = to;
        }
        // A walk that ends at one of its own URLs contains a loop.
        if let Some(first) = walk.iter().position(|&passed| passed == at) {
            looping.extend(walk.drain(first..));
        }
    }
    looping
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(redirects: &[(&str, &str)], expect: &[&str]) {
        let key = |name: &&str| UrlKey::hash(name.as_bytes());
        let map = redirects.iter().map(|(from, to)| (key(from), key(to)));
        let found: HashSet<UrlKey> = redirect_loops(&map.collect()).into_iter().collect();
        assert_eq!(found, expect.iter().map(key).collect());
    }

    #[test]
    fn a_loop_of_three_is_found_without_what_leads_into_it() {
        let into = [("x", "y"), ("y", "b")];
        let three = [("a", "b"), ("b", "c"), ("c", "a")];
        check(&[into.as_slice(), &three].concat(), &["a", "b", "c"]);
    }

    #[test]
    fn redirects_that_come_to_an_end_are_no_loop() {
        check(&[("a", "b"), ("b", "page"), ("c", "b"), ("d", "page")], &[]);
    }

    #[test]
    fn two_loops_are_found() {
        check(
            &[("a", "b"), ("b", "a"), ("c", "c"), ("d", "a")],
            &["a", "b", "c"],
        );
    }
}
