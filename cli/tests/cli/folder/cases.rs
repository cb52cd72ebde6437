//! Cases of `canter explain --stdin`: lines that hold all that their answers need.

use std::fmt::Write as _;

use canter_tests::canter;
use serde_json::{Value, json};

use super::with_input;

fn answers(cases: &[Value]) -> Vec<Value> {
    let mut input = String::new();
    for case in cases {
        writeln!(input, "{case}").unwrap();
    }
    let said = with_input(&canter!(), &["explain", "--stdin"], input.as_bytes());
    let answers = said.lines().map(|line| serde_json::from_str(line).unwrap());
    answers.collect()
}

#[test]
fn references_are_read_as_browsers_do() {
    let case = |url: &str, base: Option<&str>| json!({ "url": url, "base": base });
    let said = answers(&[
        case("../%7euser/?b=1#top", Some("https://EXAMPLE.org:443/a/b/c")),
        case("http://0x7f.1/", None),
        case("mailto:a@b.org", None),
        case("/a", None),
        case("/a", Some("a page")),
        case("http://[::1", None),
    ]);
    assert_eq!(
        said[0],
        json!({
            "href": "https://example.org/a/%7euser/?b=1#top",
            "normalised": "https://example.org/a/~user/?b=1",
        })
    );
    assert_eq!(said[1]["href"], "http://127.0.0.1/");
    for (number, why) in [
        (2, "not mailto:"),
        (3, "without a base"),
        (4, "base"),
        (5, "IPv6"),
    ] {
        let said = said[number]["invalid"].as_str().unwrap_or_default();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn half_a_character_is_none() {
    let said = with_input(
        &canter!(),
        &["explain", "--stdin"],
        br#"{"url":"http://h.org/\ud800x\ud83d\ude00\\ud800","base":null}"#,
    );
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["href"], "http://h.org/%EF%BF%BDx%F0%9F%98%80/ud800");
}

#[test]
fn rules_are_those_of_the_agent() {
    let robots = "User-agent: foo\nDisallow: /a\n\nUser-agent: *\nDisallow: /b";
    let case = |agent: &str, url: &str| json!({ "robots": robots, "agent": agent, "url": url });
    let said = answers(&[
        case("Foo", "https://example.org/a/1"),
        case("foo", "https://example.org/b"),
        case("bar", "https://example.org/b"),
        case("bar", "/a"),
        json!({ "robots_b64": "77u/VXNlci1hZ2VudDoqCkRpc2FsbG93Oi8=", "agent": "x", "url": "/" }),
        json!({ "agent": "x", "robots": "", "robots_b64": "", "url": "/" }),
        json!({ "robots_b64": "?", "agent": "x", "url": "/" }),
    ]);
    let allowed = said[..5].iter().map(|it| it["allow"].as_bool().unwrap());
    assert_eq!(
        allowed.collect::<Vec<_>>(),
        [false, true, false, true, false]
    );
    assert!(said[5]["error"].as_str().unwrap().contains("not both"));
    assert!(said[6]["error"].as_str().unwrap().contains("base64"));
}

#[test]
fn an_address_is_judged_in_any_spelling() {
    let spelled = [
        ("8.8.8.8", true),
        ("[2606:4700:4700::1111]", true),
        ("0x7f.1", false),
        ("2130706433", false),
        ("017700000001", false),
        ("[::ffff:10.0.0.1]", false),
        ("fd00:ec2::254", false),
    ];
    let said = answers(&spelled.map(|(address, _)| json!({ "address": address })));
    for ((address, allowed), said) in spelled.iter().zip(said) {
        assert_eq!(said["allow"], *allowed, "{address}");
    }
    let said = answers(&[json!({ "address": "localhost" })]);
    assert!(said[0]["error"].as_str().unwrap().contains("no IP address"));
}

#[test]
fn a_page_is_told_as_it_would_be_indexed() {
    // "<title>Жук</title><h1 id=a>Жук</h1><p>Жуки летят. <a rel=nofollow href=b#c>Далее</a>" in
    // Windows-1251.
    let page = "PHRpdGxlPsbz6jwvdGl0bGU+PGgxIGlkPWE+xvPqPC9oMT48cD7G8+roIOvl8v/yLiA8YSByZWw9bm9mb2xsb3cg\
                aHJlZj1iI2M+xODr5eU8L2E+";
    let case = |content_type: Option<&str>| json!({ "html_base64": page, "content_type": content_type, "url": "https://example.org/a/" });
    let said = answers(&[
        case(Some("text/html; charset=windows-1251")),
        case(None),
        case(Some("text/plain")),
    ]);
    let first = &said[0];
    assert_eq!(first["title"], "Жук");
    assert_eq!(first["text"], "Жук\nЖуки летят. Далее");
    assert_eq!(first["sections"][0]["anchor"], "a");
    assert_eq!(
        first["links"],
        json!([{
            "url": "https://example.org/a/b", "fragment": "c", "text": "Далее", "nofollow": true
        }])
    );
    assert_eq!(
        first["directives"],
        json!({ "noindex": false, "nofollow": false })
    );
    assert_eq!(said[1]["sections"][0]["level"], 1);
    assert_eq!(said[2], json!({ "skipped": "not_html" }));
}
