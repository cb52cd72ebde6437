//! URLs: the test cases of the web platform, properties of normalising, seeds and traps.

use canter_page::url::{Change, Limits, Trap, changes, join, normalise, parse_seed, trap};
use proptest::prelude::*;
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

#[test]
fn web_platform_cases() {
    let mut count = 0;
    for line in include_str!("../data/wpt-url/cases.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let input = case["input"].as_str().unwrap();
        let expected = case["href"].as_str().map(|href| {
            let parsed = url(href);
            assert_eq!(parsed.as_str(), href);
            normalise(parsed)
        });
        // Where the case has no http base, any will do: an absolute reference means the same on
        // every page, except for `http:path`, which is relative on a page of its own scheme.
        let base = match case["base"].as_str() {
            Some(base) if base.starts_with("http") => url(base),
            _ if input.trim_start().starts_with("https") => url("http://base.test/"),
            _ => url("https://base.test/"),
        };
        let found = join(&base, input);
        if found
            .as_ref()
            .is_none_or(|url| url.host_str() != Some("base.test"))
        {
            count += 1;
            assert_eq!(found, expected, "{line}");
        }
    }
    assert!(count > 440, "{count}");
}

macro_rules! joined {
    ($($name:ident: $reference:expr => $expected:expr;)*) => {$(
        #[test]
        fn $name() {
            let base = url("https://example.org/a/b?q=1");
            let expected: Option<&str> = $expected;
            assert_eq!(join(&base, $reference).as_ref().map(Url::as_str), expected);
        }
    )*};
}

joined! {
    relative: " ../c\n" => Some("https://example.org/c");
    fragment_only: "#top" => Some("https://example.org/a/b?q=1");
    fragment_is_dropped: "c#a:b?c" => Some("https://example.org/a/c");
    nothing: "" => Some("https://example.org/a/b?q=1");
    empty_query: "?" => Some("https://example.org/a/b");
    query_order_stays: "?b=2&a=1&b=" => Some("https://example.org/a/b?b=2&a=1&b=");
    final_slash_and_index_stay: "/x/index.html/" => Some("https://example.org/x/index.html/");
    escapes_in_upper_case: "/%c3%a4?%c3%a4" => Some("https://example.org/%C3%A4?%C3%A4");
    raw_letters_are_escaped: "/ä b?ä b" => Some("https://example.org/%C3%A4%20b?%C3%A4%20b");
    unreserved_are_decoded: "/%7Eme/%41%2d%2E%5f?%7e" => Some("https://example.org/~me/A-._?~");
    reserved_stay: "/a%2fb%3F%23%26?%26%3d%2B" => Some("https://example.org/a%2Fb%3F%23%26?%26%3D%2B");
    escaped_percent_stays: "/%2541" => Some("https://example.org/%2541");
    malformed_escape: "/100%/%41?%41" => Some("https://example.org/100%/%41?A");
    no_new_escape: "/%%34%31" => Some("https://example.org/%%34%31");
    sign_is_no_digit: "/%+1%41" => Some("https://example.org/%+1%41");
    escaped_dots_are_dots: "/x/%2e%2E/y" => Some("https://example.org/y");
    credentials_are_dropped: "//me:secret@example.org/" => Some("https://example.org/");
    default_port: "http://EXAMPLE.org:80" => Some("http://example.org/");
    many_slashes: "///\\other.org/x" => Some("https://other.org/x");
    mail: "mailto:a@example.org" => None;
    script: " JavaScript:void(0)" => None;
    script_with_a_tab: "java\tscript:void(0)" => None;
    data: "data:text/html,<a>" => None;
    no_host: "https://" => None;
    bad_port: "https://example.org:99999/" => None;
    colon_in_a_path: "./a:b" => Some("https://example.org/a/a:b");
    number_before_a_colon: "3:4" => Some("https://example.org/a/3:4");
}

#[test]
fn seeds() {
    for (input, expected) in [
        (
            " https://Docs.Python.org/3/#x ",
            "https://docs.python.org/3/",
        ),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        (
            "https://bücher.example/%7e",
            "https://xn--bcher-kva.example/~",
        ),
        (
            "",
            "error: the URL is empty: give one like https://docs.example.org/",
        ),
        (
            "docs.python.org/3/",
            "error: the URL lacks its scheme: did you mean https://docs.python.org/3/?",
        ),
        (
            "//docs.python.org",
            "error: the URL lacks its scheme: did you mean https://docs.python.org?",
        ),
        (
            "example.org:8080/x",
            "error: the URL lacks its scheme: did you mean https://example.org:8080/x?",
        ),
        (
            "localhost:8000",
            "error: the URL lacks its scheme: did you mean http://localhost:8000?",
        ),
        (
            "127.0.0.1:8000/a",
            "error: the URL lacks its scheme: did you mean http://127.0.0.1:8000/a?",
        ),
        (
            "[::1]/a",
            "error: the URL lacks its scheme: did you mean http://[::1]/a?",
        ),
        (
            "wiki/start",
            "error: the URL lacks its scheme: did you mean https://wiki/start?",
        ),
        (
            "ftp://example.org/",
            "error: only http and https URLs can be crawled, not ftp:",
        ),
        (
            "mailto:me@example.org",
            "error: only http and https URLs can be crawled, not mailto:",
        ),
        (
            "tel:123",
            "error: only http and https URLs can be crawled, not tel:",
        ),
        (
            "file:///etc/passwd",
            "error: only http and https URLs can be crawled, not file:",
        ),
        ("https://", "error: \"https://\" is no URL: empty host"),
        (
            "https://exa mple.org",
            "error: \"https://exa mple.org\" is no URL: invalid international domain name",
        ),
        (
            "https://me:secret@example.org/",
            "error: the URL holds credentials, which would be stored with every page: leave them out and send them with --header 'Authorization: ...'",
        ),
    ] {
        let found = match parse_seed(input) {
            Ok(url) => url.to_string(),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(found, expected, "{input:?}");
    }
}

#[test]
fn traps() {
    let long = format!("/{}", "x".repeat(1_980));
    let deep = "/s".to_owned() + &(0..29).map(|n| format!("/s{n}")).collect::<String>();
    let (generated, too_long) = (Some(false), Some(true));
    for (path, expected) in [
        ("/", None),
        ("/a/b/a/b", None),
        ("/a/b/a/b/a/b", None),
        ("/a/b/a/b/a/b/a", generated),
        ("/a/b/c/c/b/a/b", None),
        ("/a/b/c/c/b/a/b/c", generated),
        ("/a/a/a/a/a", None),
        ("/a/a/a/a/a/a", generated),
        ("/2024/11/11/11/11/11/11/11", None),
        ("/0/0/0/0/0/0/0/0/7.html", None),
        ("//////", generated),
        (&long, None),
        (&format!("{long}x"), too_long),
        (&deep, None),
        (&format!("{deep}/"), generated),
        ("/?a/a/a/a/a/a/a/a", None),
    ] {
        let url = url(&format!("https://example.org{path}"));
        let found = trap(&url, &Limits::default());
        assert_eq!(
            found.map(|trap| matches!(trap, Trap::Long(_))),
            expected,
            "{path}"
        );
    }
}

#[test]
fn a_trap_says_what_it_saw() {
    let phrase = |path: &str| {
        let url = url(&format!("https://example.org{path}"));
        trap(&url, &Limits::default()).map(|trap| trap.to_string())
    };
    assert_eq!(
        phrase("/a/b/a/b/a/b/a").as_deref(),
        Some("the path looks generated without end: \"a\" is in it 4 times")
    );
    assert_eq!(
        phrase(&"/x/y".repeat(20)).as_deref(),
        Some("the path looks generated without end: 40 segments")
    );
    assert_eq!(
        phrase(&format!("/{}", "x".repeat(2_000))).as_deref(),
        Some("the URL is too long, 2020 bytes")
    );
}

#[test]
fn what_normalising_changes() {
    for (typed, expected) in [
        ("https://h.org/a?b=%C3%A4", [].as_slice()),
        ("HTTPS://H.org/a", &[Change::LetterCase]),
        ("https://h.org:443/", &[Change::DefaultPort]),
        ("https://h.org", &[Change::RootPath]),
        ("https://h.org?x", &[Change::RootPath]),
        ("https://h.org/a#b", &[Change::Fragment]),
        ("https://h.org/a?", &[Change::EmptyQuery]),
        ("https://h.org/a?#", &[Change::EmptyQuery, Change::Fragment]),
        (
            "https://me:x@h.org/../a/./b",
            &[Change::Credentials, Change::DotSegments],
        ),
        ("https://h.org/%7Ea/%c3", &[Change::Escapes]),
        ("https://h.org/gr\u{f6}\u{df}e x", &[Change::Encoded]),
        ("https://b\u{fc}cher.example/", &[Change::Host]),
        ("http://127.1/", &[Change::Host]),
        (" https:\\\\h.org/a\n", &[Change::Blanks, Change::Slashes]),
        ("https:/h.org/a", &[Change::Slashes]),
        ("http://[::1]:80/", &[Change::DefaultPort]),
        ("http://h.org:08080/", &[Change::Spelling]),
    ] {
        assert_eq!(changes(typed, &url(typed)), expected, "{typed:?}");
    }
}

/// References with what normalising changes, often malformed.
fn reference() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9~._-]{1,3}",
        "%[0-9a-fA-F]{2}",
        "%[0-9a-fA-F]{0,2}",
        Just("%2e".to_owned()),
        "[/?&=;:@!$'()*+,|^ \\\\]",
        "\\PC",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// The octets of a component with every escape decoded.
fn octets(part: &str) -> Vec<u8> {
    let bytes = part.as_bytes();
    let mut octets = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = part.get(at + 1..at + 3).filter(|_| byte == b'%');
        let octet = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        octets.push(octet.unwrap_or(byte));
        at += if octet.is_some() { 3 } else { 1 };
    }
    octets
}

proptest! {
    /// A change is reported exactly if there is one.
    #[test]
    fn changes_are_told(scheme in "https?:/{0,3}", reference in reference()) {
        let typed = format!("{scheme}h.org{reference}");
        if let Ok(url) = Url::parse(&typed) {
            let same = normalise(url.clone()).as_str() == typed;
            prop_assert_eq!(changes(&typed, &url).is_empty(), same, "{}", typed);
        }
    }

    #[test]
    fn normalising(reference in reference()) {
        let base = url("https://example.org/a/");
        if let Ok(resolved) = base.join(&format!("/{reference}")) {
            let once = normalise(resolved.clone());
            // Normalising again and parsing again change nothing.
            prop_assert_eq!(&normalise(once.clone()), &once);
            prop_assert_eq!(&url(once.as_str()), &once);
            // The resource is the same: same origin, same octets, same delimiters.
            prop_assert_eq!(once.origin(), resolved.origin());
            prop_assert_eq!(octets(once.path()), octets(resolved.path()));
            prop_assert_eq!(once.path().matches('/').count(), resolved.path().matches('/').count());
            prop_assert_eq!(
                octets(once.query().unwrap_or_default()),
                octets(resolved.query().unwrap_or_default())
            );
            prop_assert_eq!(once.fragment(), None);
            prop_assert_ne!(once.query(), Some(""));
        }
    }

    /// A reference is resolved as by the standard.
    #[test]
    fn joining(reference in reference()) {
        let base = url("https://example.org/a/b");
        let expected = base.join(&reference).ok().filter(|url| url.scheme().starts_with("http"));
        if !reference.trim_start().starts_with(['/', '\\']) {
            prop_assert_eq!(join(&base, &reference), expected.map(normalise));
        }
    }
}
