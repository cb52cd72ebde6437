//! URLs: the first line is a base, the rest a reference.

use canter_page::url::{
    Limits, changes, is_http, join, normalise, parse_seed, trap, without_session,
};
use url::Url;

use crate::halves;

#[test]
fn references() {
    bolero::check!().for_each(|input: &[u8]| {
        let (base, reference) = halves(input);
        let (base, reference) = (
            String::from_utf8_lossy(base),
            String::from_utf8_lossy(reference),
        );
        if let Ok(url) = Url::parse(&base)
            && is_http(&url)
        {
            check(&url);
            if let Some(joined) = join(&url, &reference) {
                check(&joined);
                assert_eq!(normalise(joined.clone()), joined);
            }
        }
        if let Ok(seed) = parse_seed(&reference) {
            check(&seed);
        }
    });
}

fn check(url: &Url) {
    let normalised = normalise(url.clone());
    assert_eq!(normalise(normalised.clone()), normalised, "{url}");
    assert_eq!(normalised.host(), url.host());
    assert_eq!(normalised.port(), url.port());
    assert_eq!(normalised.scheme(), url.scheme());
    assert_eq!(normalised.fragment(), None);
    assert!(normalised.username().is_empty() && normalised.password().is_none());
    // The stored form is read as the same URL.
    assert_eq!(Url::parse(normalised.as_str()).as_ref(), Ok(&normalised));
    assert_eq!(
        normalised == *url,
        changes(url.as_str(), url).is_empty(),
        "{url}"
    );
    let without = without_session(normalised.clone());
    assert_eq!(without_session(without.clone()), without);
    assert_eq!(without.host(), url.host());
    let _ = trap(&normalised, &Limits::default());
}
