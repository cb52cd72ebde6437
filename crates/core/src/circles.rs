//! Redirects that lead round in a circle. While a crawl goes on, each is followed once like any
//! other; when it has ended, those that lead back to themselves can be told.

use std::collections::{HashMap, HashSet};

use crate::task::UrlKey;

/// The URLs that lie on a circle of these redirects, from each to its target. One that only leads
/// into a circle is not among them.
pub fn circles(redirects: &HashMap<UrlKey, UrlKey>) -> Vec<UrlKey> {
    let mut passed = HashSet::new();
    let mut found = Vec::new();
    for &start in redirects.keys() {
        let mut at = start;
        let mut walk = Vec::new();
        while let Some(&to) = redirects.get(&at)
            && passed.insert(at)
        {
            walk.push(at);
            at = to;
        }
        // A walk that stops at one of its own steps has gone round.
        if let Some(first) = walk.iter().position(|&step| step == at) {
            found.extend(walk.drain(first..));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(redirects: &[(&str, &str)], expect: &[&str]) {
        let key = |name: &&str| UrlKey::hash(name.as_bytes());
        let map = redirects.iter().map(|(from, to)| (key(from), key(to)));
        let found: HashSet<UrlKey> = circles(&map.collect()).into_iter().collect();
        assert_eq!(found, expect.iter().map(key).collect());
    }

    #[test]
    fn a_circle_of_three_is_found_without_what_leads_into_it() {
        let into = [("x", "y"), ("y", "b")];
        let circle = [("a", "b"), ("b", "c"), ("c", "a")];
        check(&[into.as_slice(), &circle].concat(), &["a", "b", "c"]);
    }

    #[test]
    fn redirects_that_come_to_an_end_are_no_circle() {
        check(&[("a", "b"), ("b", "page"), ("c", "b"), ("d", "page")], &[]);
    }

    #[test]
    fn two_circles_are_found() {
        check(
            &[("a", "b"), ("b", "a"), ("c", "c"), ("d", "a")],
            &["a", "b", "c"],
        );
    }
}
