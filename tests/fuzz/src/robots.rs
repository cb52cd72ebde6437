//! A robots.txt: the first line is a path, the rest the file.

use canter_core::robots::Rules;
use url::Url;

use crate::halves;

#[test]
fn robots_txt() {
    bolero::check!().for_each(|input: &[u8]| {
        let (path, file) = halves(input);
        let rules = Rules::for_crawl(file, "ours");
        let path = String::from_utf8_lossy(path);
        let Ok(url) = Url::parse("https://example.org/").unwrap().join(&path) else {
            return;
        };
        let allowed = rules.allows(&url);
        if url.path() == "/robots.txt" {
            assert!(allowed);
        }
        if let Some(rule) = rules.rule(&url) {
            assert_eq!(rule.starts_with("Allow: "), allowed, "{rule}");
        }
        assert!(rules.sitemaps().all(|url| canter_page::url::is_http(&url)));
        // What workers share says the same.
        let stored = serde_json::to_string(&rules).unwrap();
        let read: Rules = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, rules);
        assert_eq!(read.allows(&url), allowed);
        // Renaming dodges no block.
        if !Rules::parse(file, "canter").allows(&url)
            && Rules::parse(file, "canter").group() == "canter"
        {
            assert!(!allowed);
        }
    });
}
