//! Pages that are the same: by their own word (`rel=canonical`) or by their bytes. Decided when a
//! crawl has ended, from what it found and not from the order in which it found it.

use std::collections::HashMap;

use url::Url;

use crate::task::UrlKey;

/// A page in the index that may be the same as another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// Its URL.
    pub url: Url,
    /// What it names as its canonical URL, when that is another one in scope.
    pub canonical: Option<Url>,
    /// Hash of its body.
    pub hash: UrlKey,
}

/// Which of the pages are duplicates, each with the URL that stays. `twins` holds every page that
/// names a canonical URL, the pages so named, and every page whose hash another page has.
///
/// A canonical URL wins when it is a page of its own that names itself or nothing (RFC 6596 §3).
/// Among pages with the same bytes the shortest URL wins, then the first by its letters.
pub fn duplicates(twins: &[Twin]) -> Vec<(Url, Url)> {
    let by_url: HashMap<&Url, &Twin> = twins.iter().map(|twin| (&twin.url, twin)).collect();
    let mut found = Vec::new();
    let mut same: HashMap<UrlKey, Vec<&Url>> = HashMap::new();
    for twin in twins {
        let named = twin.canonical.as_ref().and_then(|url| by_url.get(url));
        match named {
            Some(named) if named.canonical.is_none() && named.url != twin.url => {
                found.push((twin.url.clone(), named.url.clone()));
            }
            _ => same.entry(twin.hash).or_default().push(&twin.url),
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

    fn twin(path: &str, canonical: Option<&str>, body: &str) -> Twin {
        let url = |path: &str| Url::parse("http://a.test").unwrap().join(path).unwrap();
        Twin {
            url: url(path),
            canonical: canonical.map(url),
            hash: UrlKey::hash(body.as_bytes()),
        }
    }

    fn check(twins: &[Twin], expect: &[(&str, &str)]) {
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
