//! A sitemap.

use canter_core::sitemap::{Contents, MAX_ENTRIES, read};
use canter_core::task::Kind;
use canter_core::time::Moment;
use canter_page::url::{is_http, normalise};

#[test]
fn sitemaps() {
    bolero::check!().for_each(|body: &[u8]| {
        let now = Moment::from_millis(1_800_000_000_000);
        let wanted = |url: &url::Url, kind| kind == Kind::Sitemap || url.path() != "/no";
        let Contents::Listing(listing) = read(body, now, wanted) else {
            return;
        };
        assert!(listing.pages.len() <= 2 * MAX_ENTRIES);
        for entry in listing.pages.iter().chain(&listing.sitemaps) {
            assert!(is_http(&entry.url));
            assert_eq!(normalise(entry.url.clone()), entry.url);
            assert!(entry.lastmod.is_none_or(|lastmod| lastmod <= now));
        }
        assert!(listing.pages.iter().all(|entry| entry.url.path() != "/no"));
    });
}
