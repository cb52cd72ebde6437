//! A page: the first line is its `Content-Type`, the rest its body.

use canter_page::url::is_http;
use canter_page::{MAX_LINKS, read};
use canter_ranking::tokenizer::Tokenizer;
use url::Url;

use crate::halves;

#[test]
fn pages() {
    let url = Url::parse("https://example.org/a/b?c").unwrap();
    bolero::check!().for_each(|input: &[u8]| {
        let (content_type, body) = halves(input);
        let content_type = std::str::from_utf8(content_type).ok();
        let page = read(body, content_type, &url);
        let mut at = 0;
        for section in &page.sections {
            assert!(page.text.get(section.range.clone()).is_some());
            assert!(section.range.start >= at, "sections overlap");
            at = section.range.end;
        }
        for code in &page.code {
            assert!(page.text.get(code.clone()).is_some());
        }
        assert!(page.links.len() <= MAX_LINKS);
        for link in &page.links {
            assert!(is_http(&link.url) && link.url.fragment().is_none());
            if let Some(place) = &link.place {
                assert!(page.text.get(place.clone()).is_some());
            }
        }
        // Nothing is read into more than it says.
        assert!(page.text.len() <= 8 * body.len() + 8);
        let mut tokens = 0;
        Tokenizer::default().tokenize(&page.text, |token| {
            assert!(page.text.get(token.range.clone()).is_some());
            assert!(!token.term.is_empty() && !token.term.contains(char::is_whitespace));
            tokens += 1;
        });
        assert!(tokens <= 4 * page.text.len());
    });
}
