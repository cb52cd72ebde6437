//! Test cases of other projects for links and meta redirects.

use canter_page::{read, read_html};
use serde_json::Value;
use url::Url;

fn rows(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text<'r>(row: &'r Value, field: &str) -> &'r str {
    row[field].as_str().unwrap_or_default()
}

/// The bytes of a page in which each byte is written as the character of that number.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

#[test]
fn links_of_scrapy() {
    for row in rows(include_str!("../data/scrapy/link-extractor.jsonl")) {
        let charset = row["http_charset"].as_str();
        let content_type = charset.map(|charset| format!("text/html; charset={charset}"));
        let page = Url::parse(text(&row, "page")).unwrap();
        let page = read(&bytes(text(&row, "html")), content_type.as_deref(), &page);
        let mut found: Vec<(String, String, bool)> = Vec::new();
        for link in page.links {
            let fragment = link.fragment.map(|fragment| format!("#{fragment}"));
            let url = format!("{}{}", link.url, fragment.unwrap_or_default());
            // The source keeps each URL once and leaves out images.
            if !found.iter().any(|(known, ..)| *known == url) && !url.ends_with(".jpg") {
                found.push((url, link.text, link.nofollow));
            }
        }
        let expected: Vec<(String, String, bool)> = row["links"]
            .as_array()
            .unwrap()
            .iter()
            // Canter follows only http and https.
            .filter(|link| text(link, "url").starts_with("http"))
            .map(|link| {
                let (url, nofollow) = (text(link, "url"), link["nofollow"].as_bool().unwrap());
                (url.to_owned(), text(link, "text").to_owned(), nofollow)
            })
            .collect();
        assert_eq!(found, expected, "{}", text(&row, "id"));
    }
}

#[test]
fn meta_refresh_of_scrapy() {
    for row in rows(include_str!("../data/scrapy/meta-refresh.jsonl")) {
        let page = Url::parse(text(&row, "page")).unwrap();
        let refresh = read_html(text(&row, "html"), &page).refresh;
        let refresh = refresh.as_ref().map(Url::as_str);
        assert_eq!(refresh, row["redirect"].as_str(), "{}", text(&row, "id"));
    }
}
