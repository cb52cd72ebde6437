//! Exact duplicates: pages that name another page as canonical, or whose bytes are equal. They are
//! found when a crawl has come to rest, so that the result does not depend on the order in which
//! the pages were fetched.

use std::collections::HashMap;

use url::Url;

use crate::task::UrlKey;

/// A page in the index that may be a duplicate of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The page's URL.
    pub url: Url,
    /// The page's canonical URL, if that is another URL in scope.
    pub canonical: Option<Url>,
    /// Hash of the page's body.
    pub hash: UrlKey,
}

/// Returns the duplicates, each with the URL that stays in its place. `candidates` holds every page
/// that names a canonical URL, every page named as canonical, and every page that shares its hash
/// with another.
///
/// A canonical URL wins if its page is in the index and names itself or no canonical URL (RFC 6596
/// §3). Among pages with the same bytes, the shortest URL wins, then the first in lexical order.
pub fn duplicates(candidates: &[Candidate]) -> Vec<(Url, Url)> {
    let by_url: HashMap<&Url, &Candidate> = candidates.iter().map(|it| (&it.url, it)).collect();
    let mut found = Vec::new();
    let mut same: HashMap<UrlKey, Vec<&Url>> = HashMap::new();
    for page in candidates {
        let named = page.canonical.as_ref().and_then(|url| by_url.get(url));
        match named {
            Some(named) if named.canonical.is_none() && named.url != page.url => {
                found.push((page.url.clone(), named.url.clone()));
            }
            _ => same.entry(page.hash).or_default().push(&page.url),
        }
    }
    for urls in same.values() {
        let Some(winner) = urls
            .iter()
            .min_by_key(|url| (url.as_str().len(), url.as_str()))
        else {
            continue;
        };
        let losers = urls.iter().filter(|url| url != &winner);
        found.extend(losers.map(|&url| (url.clone(), (*winner).clone())));
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twin(path: &str, canonical: Option<&str>, body: &str) -> Candidate {
        let url = |path: &str| Url::parse("http://a.test").unwrap().join(path).unwrap();
        Candidate {
            url: url(path),
            canonical: canonical.map(url),
            hash: UrlKey::hash(body.as_bytes()),
        }
    }

    fn check(twins: &[Candidate], expect: &[(&str, &str)]) {
        let found = duplicates(twins);
        let paths: Vec<_> = found.iter().map(|(a, b)| (a.path(), b.path())).collect();
        assert_eq!(paths, expect);
    }

    #[test]
    fn a_canonical_page_wins() {
        let twins = [twin("/a", Some("/b"), "1"), twin("/b", None, "2")];
        check(&twins, &[("/a", "/b")]);
    }

    #[test]
    fn a_canonical_url_that_is_no_page_does_not_count() {
        check(&[twin("/a", Some("/gone"), "1")], &[]);
    }

    #[test]
    fn two_that_name_each_other_both_stay() {
        let twins = [twin("/a", Some("/b"), "1"), twin("/b", Some("/a"), "2")];
        check(&twins, &[]);
    }

    #[test]
    fn the_shortest_of_equal_bytes_wins_in_any_order() {
        let mut twins = vec![
            twin("/docs/index.html", None, "same"),
            twin("/docs/", None, "same"),
            twin("/docs/?a", None, "other"),
        ];
        check(&twins, &[("/docs/index.html", "/docs/")]);
        twins.reverse();
        check(&twins, &[("/docs/index.html", "/docs/")]);
    }
}
