//! robots.txt: a public test suite for RFC 9309, properties of precedence, and how responses are
//! judged.

use std::collections::BTreeMap;
use std::time::Duration;

use canter_core::ports::{FetchError, Head, Headers};
use canter_core::robots::{self, Hop, RobotsPolicy, Rules};
use canter_core::time::Moment;
use proptest::prelude::*;
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

/// The rules after they were stored and loaded.
fn restored(rules: &Rules) -> Rules {
    let stored = serde_json::to_string(rules).expect("rules have a stored form");
    serde_json::from_str(&stored).expect("stored rules can be read")
}

/// Cases of the suite that RFC 9309 does not require and in which canter differs.
const QUIRKS: [(&str, &[&str]); 6] = [
    ("nobody asks about an empty URL", &["spec-023"]),
    (
        "a rule for /dir/index.html is none for /dir/",
        &["spec-038"],
    ),
    (
        "a URL is percent-encoded before it is matched, so that a rule in either spelling is (§2.2.2)",
        &["spec-111", "spec-113"],
    ),
    (
        "escaped unreserved characters match plain ones (§2.2.2)",
        &["spec-114"],
    ),
    (
        "/robots.txt itself is always allowed (§2.2.2)",
        &["spec-194", "spec-200"],
    ),
    (
        "a token on a User-agent line is not cut at a digit",
        &["spec-201", "spec-202", "spec-203", "spec-204", "spec-345"],
    ),
];

#[test]
fn public_suite() {
    let mut differ = Vec::new();
    let mut count = 0;
    for line in include_str!("../data/robots/cases.jsonl").lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let file: Vec<u8> = line["robots"]
            .as_str()
            .unwrap()
            .chars()
            .map(|char| u8::try_from(char).unwrap())
            .collect();
        for case in line["cases"].as_array().unwrap() {
            count += 1;
            let rules = Rules::parse(&file, case[1].as_str().unwrap());
            // Some cases ask about an empty URL, which is not a URL.
            let allowed = match Url::parse(case[2].as_str().unwrap()) {
                Ok(url) => rules.allows(&url),
                Err(_) => true,
            };
            assert_eq!(restored(&rules), rules, "{case}");
            if allowed != case[3].as_bool().unwrap() {
                differ.push(case[0].as_str().unwrap().to_owned());
            }
        }
    }
    differ.sort_unstable();
    let mut quirks: Vec<&str> = QUIRKS
        .iter()
        .flat_map(|(_, ids)| ids.iter().copied())
        .collect();
    quirks.sort_unstable();
    assert_eq!(count, 400);
    assert_eq!(differ, quirks);
}

macro_rules! decided {
    ($($name:ident: $file:expr, $path:expr => $expected:expr;)*) => {$(
        #[test]
        fn $name() {
            let rules = Rules::parse($file.as_ref(), "canter");
            let url = url("https://example.org").join($path).unwrap();
            let expected: Option<&str> = $expected;
            assert_eq!(rules.rule(&url).as_deref(), expected);
            assert_eq!(rules.allows(&url), !expected.is_some_and(|rule| rule.starts_with("Dis")));
        }
    )*};
}

decided! {
    own_group_beats_everyone: "User-agent: *\nDisallow: /\n\nUser-agent: Canter\nDisallow: /a", "/b" => None;
    groups_of_one_name_are_one: "User-agent: canter\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: canter\nDisallow: /c", "/a" => Some("Disallow: /a");
    version_after_the_token: "User-agent: canter/1.0\nDisallow: /a", "/a" => Some("Disallow: /a");
    words_after_the_token: "USERAGENT \t:\t canter the crawler # hi\r\nDisallow: /a\r\n", "/a" => Some("Disallow: /a");
    star_after_the_token: "user agent canter*\nDisallow: /a", "/a" => Some("Disallow: /a");
    longer_token_is_another: "User-agent: canter-images\nDisallow: /a", "/a" => None;
    words_after_everyone: "User-agent: * all\nDisallow: /a", "/a" => Some("Disallow: /a");
    half_mark: b"\xef\xbbUser-agent: *\nDisallow: /a", "/a" => Some("Disallow: /a");
    rule_is_shown_normalised: "User-agent: *\nDisallow: /ä%61", "/%C3%A4a/b" => Some("Disallow: /%C3%A4a");
    query_is_matched: "User-agent: *\nDisallow: /*?print=", "/a?print=1" => Some("Disallow: /*?print=");
    end_is_matched: "User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x" => None;
    allow_wins_a_tie: "User-agent: *\nDisallow: /a\nAllow: /a", "/a" => Some("Allow: /a");
    robots_txt_itself: "User-agent: *\nDisallow: /", "/robots.txt" => None;
    no_text: b"\x00\xff\xfe\x00<html>\x80", "/a" => None;
}

#[test]
fn a_line_cut_at_the_limit_is_no_rule() {
    // The repair shortens the first line, but the limit applies to the file as it was received.
    let mut file = b"User-agent: * and others\nDisallow: /\n".to_vec();
    let allow = b"\nAllow: /private";
    // The limit falls after `Allow: /`.
    file.resize(robots::MAX_BYTES - 1 - 9, b'#');
    file.extend_from_slice(allow);
    for file in [&file[..], &file[..robots::MAX_BYTES]] {
        let rules = Rules::parse(file, "canter");
        assert!(!rules.allows(&url("https://example.org/private")));
    }
}

#[test]
fn crawl_delay() {
    let secs = |seconds| Some(Duration::from_secs_f64(seconds));
    for (file, expected) in [
        ("User-agent: *\nCrawl-delay: 10", secs(10.0)),
        ("User-agent: *\nCrawl-delay: 0.5 # s", secs(0.5)),
        (
            "User-agent: canter 1\nCrawl-delay: 2\nUser-agent: *\nCrawl-delay: 10",
            secs(2.0),
        ),
        ("User-agent: x\nCrawl-delay: 2", None),
        ("User-agent: *\nCrawl-delay: 0", None),
        ("User-agent: *\nCrawl-delay: 0.0004", None),
        ("User-agent: *\nCrawl-delay: -1", None),
        ("User-agent: *\nCrawl-delay: inf", None),
        ("User-agent: *\nCrawl-delay: NaN", None),
        ("User-agent: *\nCrawl-delay: soon", None),
        ("User-agent: *\nCrawl-delay: 1e9", secs(3600.0)),
    ] {
        let rules = Rules::parse(file.as_bytes(), "canter");
        assert_eq!(rules.crawl_delay(), expected, "{file}");
        assert_eq!(restored(&rules), rules);
    }
}

#[test]
fn the_group_is_named() {
    for (file, group) in [
        ("User-agent: Canter/1\nDisallow: /a", "canter"),
        ("User-agent: *\nDisallow: /a", "*"),
        ("User-agent: other\nDisallow: /a", "*"),
    ] {
        let rules = Rules::parse(file.as_bytes(), "canter");
        assert_eq!((rules.group(), restored(&rules).group()), (group, group));
    }
}

#[test]
fn stored_form_holds_our_group_only() {
    let file = "User-agent: *\nDisallow: /a\nAllow: /a/b c\nCrawl-delay: 1.5\n\
        User-agent: other\nDisallow: /secret\n\
        Sitemap: https://example.org/sitemap.xml#x\nSitemap: ftp://example.org/s\nSitemap: s.xml";
    let rules = Rules::parse(file.as_bytes(), "canter");
    let stored = serde_json::to_string(&rules).unwrap();
    assert_eq!(
        stored,
        r#"{"r":"+/a/b%20c\n-/a\n","d":1500,"s":["https://example.org/sitemap.xml"]}"#
    );
    assert!(serde_json::from_str::<Rules>(r#"{"r":"?\n\n-"}"#).is_ok());
}

#[test]
fn location_is_one_an_authority() {
    let at = |text: &str| robots::location(&url(text)).map(String::from);
    assert_eq!(
        at("http://h.org:8080/a/b?c").as_deref(),
        Some("http://h.org:8080/robots.txt")
    );
    assert_eq!(at("mailto:a@h.org"), None);
}

fn answer(status: u16, headers: &[(&str, &str)], redirects: u8) -> Hop {
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let head = Head {
        status,
        headers: Headers(pairs.collect()),
    };
    let body = b"User-agent: *\nDisallow: /a";
    let from = url("https://example.org/robots.txt");
    robots::judge(
        &from,
        redirects,
        &head,
        body,
        "canter",
        Moment::from_millis(0),
    )
}

/// Another name obeys its own group, and what the file says to canter by name.
#[test]
fn another_name_gets_around_no_rule() {
    let file = b"User-agent: ours\nDisallow: /a\nCrawl-delay: 1\nUser-agent: *\nDisallow: /b\n\
                 User-agent: canter\nDisallow: /c\nCrawl-delay: 2";
    let open = b"User-agent: *\nDisallow: /\nUser-agent: ours\nAllow: /";
    let paths = |rules: &Rules| {
        let allowed = ["/a", "/b", "/c"].into_iter();
        let allowed = allowed.filter(|path| rules.allows(&url(&format!("https://h.org{path}"))));
        allowed.collect::<Vec<_>>()
    };
    let ours = Rules::for_crawl(file, "Ours");
    assert_eq!(paths(&ours), ["/b"]);
    assert_eq!(ours.group(), "ours");
    assert_eq!(ours.crawl_delay(), Some(Duration::from_secs(2)));
    assert_eq!(
        ours.rule(&url("https://h.org/c")),
        Some("Disallow: /c".into())
    );
    assert_eq!(paths(&Rules::for_crawl(file, "canter")), ["/a", "/b"]);
    assert_eq!(paths(&Rules::for_crawl(file, "theirs")), ["/a"]);
    // Nobody names canter here.
    assert_eq!(paths(&Rules::for_crawl(open, "ours")), ["/a", "/b", "/c"]);
    let stored = serde_json::to_string(&ours).unwrap();
    let read: Rules = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, ours);
    assert_eq!(paths(&read), ["/b"]);
}

#[test]
fn policies() {
    let rules = Hop::Done(RobotsPolicy::Rules(Rules::parse(
        b"User-agent: *\nDisallow: /a",
        "canter",
    )));
    let allow = Hop::Done(RobotsPolicy::AllowAll);
    let follow = |to: &str| Hop::Follow(url(to));
    let retry = |seconds: Option<u64>| {
        let after = seconds.map(Duration::from_secs);
        Hop::Done(RobotsPolicy::Retry { after })
    };
    let moved = [("Location", "//www.example.org/r#x")];
    for (hop, expected) in [
        (answer(200, &[], 0), rules.clone()),
        (answer(206, &[], 5), rules),
        (answer(301, &moved, 0), follow("https://www.example.org/r")),
        (answer(308, &moved, 4), follow("https://www.example.org/r")),
        (answer(302, &moved, 5), allow.clone()),
        (answer(302, &[], 0), allow.clone()),
        (answer(302, &[("Location", "ftp://a/")], 0), allow.clone()),
        (answer(401, &[], 0), allow.clone()),
        (answer(404, &[], 0), allow.clone()),
        (answer(410, &[], 0), allow),
        (answer(429, &[], 0), retry(None)),
        (answer(429, &[("retry-after", "7")], 0), retry(Some(7))),
        (answer(503, &[], 0), retry(None)),
        (answer(503, &[("retry-after", "7")], 0), retry(Some(7))),
    ] {
        assert_eq!(hop, expected);
    }
    for (status, headers) in [
        (500, [("Retry-After", "7")].as_slice()),
        (599, &[]),
        (0, &[]),
        (999, &[]),
    ] {
        let hop = answer(status, headers, 0);
        assert!(
            matches!(hop, Hop::Done(RobotsPolicy::DisallowAll { .. })),
            "{status}"
        );
    }
    let error = FetchError::Timeout(Duration::from_secs(9));
    assert_eq!(
        robots::unreachable(&error),
        RobotsPolicy::DisallowAll {
            why: "robots.txt cannot be fetched: no complete answer within 9s".into()
        }
    );
    assert_eq!(
        robots::unreachable(&FetchError::Closed),
        RobotsPolicy::Retry { after: None }
    );
}

#[test]
fn policies_can_be_stored() {
    for policy in [
        RobotsPolicy::Rules(Rules::parse(b"User-agent: *\nDisallow: /a", "canter")),
        RobotsPolicy::AllowAll,
        RobotsPolicy::DisallowAll { why: "x".into() },
    ] {
        let stored = serde_json::to_string(&policy).unwrap();
        assert_eq!(
            serde_json::from_str::<RobotsPolicy>(&stored).unwrap(),
            policy
        );
    }
}

proptest! {
    /// The longest matching rule decides, and `Allow` wins a tie, whatever the order of the lines
    /// (RFC 9309 §2.2.2). The oracle knows no wildcards.
    #[test]
    fn longest_match_wins(
        rules in prop::collection::vec((any::<bool>(), "/[ab/]{0,4}"), 0..12),
        path in "/[ab/]{0,6}",
    ) {
        let mut file = String::from("User-agent: *\n");
        let mut longest: BTreeMap<usize, bool> = BTreeMap::new();
        for (allow, pattern) in &rules {
            let verb = if *allow { "Allow" } else { "Disallow" };
            file.push_str(&format!("{verb}: {pattern}\n"));
            if path.starts_with(pattern.as_str()) {
                *longest.entry(pattern.len()).or_default() |= allow;
            }
        }
        let expected = longest.values().next_back().copied().unwrap_or(true);
        let url = url(&format!("https://example.org{path}"));
        let parsed = Rules::parse(file.as_bytes(), "canter");
        prop_assert_eq!(parsed.allows(&url), expected, "{}", file);
        prop_assert_eq!(restored(&parsed), parsed);
    }

    /// Every file can be parsed, and the stored rules decide like those that were parsed.
    #[test]
    fn any_bytes(file in prop::collection::vec(any::<u8>(), 0..200), path in "/\\PC{0,10}") {
        let mut bytes = b"User-agent: *\nDisallow: ".to_vec();
        bytes.extend_from_slice(&file);
        let rules = Rules::parse(&bytes, "canter");
        let restored = restored(&rules);
        prop_assert_eq!(&restored, &rules);
        if let Ok(url) = url("https://example.org").join(&path) {
            prop_assert_eq!(restored.allows(&url), rules.allows(&url));
        }
    }

    /// The rule that is shown agrees with the decision, also with wildcards and escapes.
    #[test]
    fn the_rule_that_is_named_is_the_one_that_decides(
        rules in prop::collection::vec((any::<bool>(), "[/*]{1,2}(a|%61|b|\\*|\\$|robots.txt){0,3}\\$?"), 0..8),
        path in prop_oneof![
            3 => "/(a|%61|b|/|\\*|%24|robots.txt){0,4}",
            1 => Just("/robots.txt".to_owned()),
        ],
    ) {
        let mut file = String::from("User-agent: canter\n");
        for (allow, pattern) in &rules {
            let verb = if *allow { "Allow" } else { "Disallow" };
            file.push_str(&format!("{verb}: {pattern}\n"));
        }
        let rules = restored(&Rules::parse(file.as_bytes(), "canter"));
        let url = url(&format!("https://example.org{path}"));
        let disallowed = rules.rule(&url).is_some_and(|rule| rule.starts_with("Disallow: "));
        prop_assert_eq!(disallowed, !rules.allows(&url), "{}{}", file, url);
    }
}
