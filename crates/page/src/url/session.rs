//! Session ids in URLs. A site that numbers its visitors by them gives every page a new URL on each
//! visit.

use url::Url;

use super::normalise;

/// Parameters that are session ids whatever their value: of PHP, Java, ASP, ColdFusion and shops.
const CERTAIN: [&str; 8] = [
    "phpsessid",
    "jsessionid",
    "aspsessionid",
    "cfid",
    "cftoken",
    "oscsid",
    "zenid",
    "sessid",
];
/// Parameters that are session ids if their value looks like one.
const PROBABLE: [&str; 4] = ["sid", "session", "session_id", "sessionid"];
/// Minimum length of a value that looks like a session id: one of hexadecimal digits, or one of letters
/// and digits.
const LONG_HEX: usize = 16;
const LONG: usize = 24;
/// Minimum number of its digits.
const DIGITS: usize = 4;

/// Returns a normalised URL without its session ids. Links are followed so. A redirect's target is not: a site
/// may insist on its id.
pub fn without_session(mut url: Url) -> Url {
    // Most URLs have neither.
    if url.path().contains(';') {
        let path = url.path().to_owned();
        let mut segments = path.split('/').map(|segment| {
            let parts = segment.split(';').enumerate();
            let kept = parts.filter(|(number, part)| *number == 0 || !is_session(part));
            kept.map(|(_, part)| part).collect::<Vec<_>>().join(";")
        });
        let kept = segments.by_ref().collect::<Vec<_>>().join("/");
        if kept != path {
            url.set_path(&kept);
            url = normalise(url);
        }
    }
    if let Some(query) = url.query()
        && query.split('&').any(is_session)
    {
        let kept = query.split('&').filter(|pair| !is_session(pair));
        let kept = kept.collect::<Vec<_>>().join("&");
        url.set_query((!kept.is_empty()).then_some(&kept));
        // What was malformed may be gone.
        url = normalise(url);
    }
    url
}

fn is_session(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else {
        return false;
    };
    let name = name.to_ascii_lowercase();
    // The names of ASP end with letters of their own.
    let is_certain = CERTAIN.contains(&name.as_str()) || name.starts_with("aspsessionid");
    is_certain || PROBABLE.contains(&name.as_str()) && is_random(value)
}

/// Whether a value has no hyphens, as titles have, is no number, as ids of things are, and is long.
fn is_random(value: &str) -> bool {
    let count = |is: fn(&u8) -> bool| value.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let least = match count(u8::is_ascii_hexdigit) == value.len() {
        true => LONG_HEX,
        false => LONG,
    };
    let is_mixed = (DIGITS..value.len()).contains(&digits);
    value.len() >= least && is_mixed && count(u8::is_ascii_alphanumeric) == value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_ids_are_removed_and_nothing_else() {
        let cases = [
            ("/a?PHPSESSID=1", "/a"),
            ("/a?x=1&phpsessid=abc&y=2", "/a?x=1&y=2"),
            ("/a;jsessionid=0A1B.node1?x=1", "/a?x=1"),
            ("/a;v=1;jsessionid=0A1B/b", "/a;v=1/b"),
            ("/a?ASPSESSIONIDQQRSTU=ABC", "/a"),
            ("/a?sid=0123456789abcdef0", "/a"),
            ("/a?session_id=Zk3xQ9vT1mB7cR5nW8yLpA2s", "/a"),
            (
                "/a?session_id=9f8e7d6c-5b4a-3928-8e7d-0123456789ab",
                "/a?session_id=9f8e7d6c-5b4a-3928-8e7d-0123456789ab",
            ),
            (
                "/a?session=deep-dive-kubernetes-101",
                "/a?session=deep-dive-kubernetes-101",
            ),
            ("/a?sid=20230101123456789", "/a?sid=20230101123456789"),
            ("/a?x=%41&PHPSESSID=100%", "/a?x=A"),
            ("/a?sid=17", "/a?sid=17"),
            (
                "/a?session=introduction-to-lambda",
                "/a?session=introduction-to-lambda",
            ),
            ("/a?phpsessid", "/a?phpsessid"),
            ("/a;b?c", "/a;b?c"),
            ("/a?", "/a?"),
        ];
        for (from, to) in cases {
            let url = |rest: &str| Url::parse(&format!("http://a.test{rest}")).unwrap();
            let without = without_session(url(from));
            assert_eq!(without, url(to), "{from}");
            assert_eq!(without_session(without.clone()), without, "{from}");
        }
    }
}
