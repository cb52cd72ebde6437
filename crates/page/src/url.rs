//! URLs as canter compares them: two spellings of one resource are one URL, and crawler traps are
//! not followed.
//!
//! URLs are parsed and resolved by the WHATWG standard, as in browsers. Normalising adds only what
//! RFC 3986 §6.2.2 calls safe. It keeps everything by which a site may tell resources apart: the
//! order of a query, a final slash, `index.html`, the letter case of the path. The site itself can
//! join such URLs by redirects or canonical URLs.

mod changes;
mod session;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{ParseError, Url};

pub use changes::{Change, changes};
pub use session::without_session;

/// The form in which a URL is claimed, fetched and stored.
///
/// Escapes are in upper case, escaped unreserved characters (RFC 3986 §2.3) are decoded, and the
/// fragment and an empty query (`/a?`) are removed. A component with a malformed escape (`100%`)
/// stays as it is, since decoding next to it could make a new escape. Credentials are removed: a
/// page must not decide what canter sends along, and they would end up in the index. Normalising
/// again changes nothing.
pub fn normalise(mut url: Url) -> Url {
    if url.fragment().is_some() {
        url.set_fragment(None);
    }
    if url.query() == Some("") {
        url.set_query(None);
    }
    if has_credentials(&url) {
        // Both calls fail only for URLs without a host, which cannot have credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
    }
    // Most URLs have no escape.
    if url.as_str().contains('%') {
        if let Some(path) = tidy_escapes(url.path()) {
            url.set_path(&path);
        }
        if let Some(query) = url.query().and_then(tidy_escapes) {
            url.set_query(Some(&query));
        }
    }
    url
}

/// The normalised http(s) URL that a reference on the page `base` leads to. None for other schemes
/// (`mailto:`, `javascript:`) and if the reference does not parse.
pub fn join(base: &Url, reference: &str) -> Option<Url> {
    // Most of the other schemes are told without parsing.
    if names_other_scheme(reference.trim_ascii()) {
        return None;
    }
    let url = resolve(Some(base), reference).ok()?;
    is_http(&url).then(|| normalise(url))
}

/// The URL of any scheme that a reference leads to, as it is parsed.
///
/// # Errors
///
/// Fails if the reference does not parse, or is relative and there is no base.
pub fn resolve(base: Option<&Url>, reference: &str) -> Result<Url, ParseError> {
    // Browsers strip ASCII white space around a reference. The parser strips that and more.
    let reference = reference.trim_ascii();
    match base {
        Some(base) => base.join(single_authority(reference)),
        None => Url::parse(reference),
    }
}

/// Parses what a person typed as the start of a crawl.
///
/// # Errors
///
/// Fails unless the input is an http(s) URL without credentials.
pub fn parse_seed(input: &str) -> Result<Url, SeedError> {
    let input = input.trim();
    if input.is_empty() {
        return Err(SeedError::Empty);
    }
    // `example.org:8080/x` parses as a URL of the scheme `example.org`, so that is ruled out first.
    let parsed = Url::parse(input);
    if !parsed.as_ref().is_ok_and(is_http)
        && let Some(suggestion) = with_scheme(input, parsed.is_ok())
    {
        return Err(SeedError::NoScheme { suggestion });
    }
    let url = parsed.map_err(|why| SeedError::Invalid {
        input: input.to_owned(),
        why: why.to_string(),
    })?;
    if !is_http(&url) {
        return Err(SeedError::OtherScheme {
            scheme: url.scheme().to_owned(),
        });
    }
    if has_credentials(&url) {
        return Err(SeedError::Credentials);
    }
    Ok(normalise(url))
}

/// Why a crawl cannot start at what was typed. The message is for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeedError {
    /// The input is empty.
    #[error("the URL is empty: give one like https://docs.example.org/")]
    Empty,
    /// The input has a host but no scheme.
    #[error("the URL lacks its scheme: did you mean {suggestion}?")]
    NoScheme {
        /// The URL that was probably meant.
        suggestion: String,
    },
    /// The scheme is neither http nor https.
    #[error("only http and https URLs can be crawled, not {scheme}:")]
    OtherScheme {
        /// Scheme of the URL, without the colon.
        scheme: String,
    },
    /// The URL has a user name or a password.
    #[error(
        "the URL holds credentials, which would be stored with every page: leave them out and send them with --header 'Authorization: ...'"
    )]
    Credentials,
    /// The input does not parse.
    #[error("{input:?} is no URL: {why}")]
    Invalid {
        /// What was typed, trimmed.
        input: String,
        /// The parser's reason.
        why: String,
    },
}

/// Limits beyond which a URL counts as a crawler trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Maximum length of a normalised URL, in bytes.
    pub bytes: usize,
    /// Maximum number of segments of a path.
    pub segments: usize,
    /// Maximum number of times that one segment occurs in a path. All segments together may occur
    /// again as often as one of them.
    pub repeats: usize,
}

impl Default for Limits {
    /// These limits are wide enough for every documentation site that was looked at, and end a link
    /// that is relative by mistake (`/a/b/a/b/...`) after five rounds.
    fn default() -> Self {
        Limits {
            bytes: 2_000,
            segments: 30,
            repeats: 5,
        }
    }
}

/// Why a URL counts as a crawler trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap<'a> {
    /// It is too long. The value is its length in bytes.
    Long(usize),
    /// Its path has too many segments. The value is their number.
    Segments(usize),
    /// Segments of its path are repeated too often. The values are the one that occurs most often
    /// and the number of times that it does.
    Repeats(&'a str, usize),
}

/// A sentence about the URL for a person.
impl fmt::Display for Trap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trap::Long(bytes) => write!(f, "the URL is too long, {bytes} bytes"),
            Trap::Segments(count) => {
                write!(f, "the path looks generated without end: {count} segments")
            }
            Trap::Repeats(segment, times) => write!(
                f,
                "the path looks generated without end: {segment:?} is in it {times} times"
            ),
        }
    }
}

/// Why a URL counts as a crawler trap, judged by its spelling only; none if it does not.
pub fn trap<'a>(url: &'a Url, limits: &Limits) -> Option<Trap<'a>> {
    let bytes = url.as_str().len();
    if bytes > limits.bytes {
        return Some(Trap::Long(bytes));
    }
    let segments: Vec<&str> = url.path().split('/').skip(1).collect();
    if segments.len() > limits.segments {
        return Some(Trap::Segments(segments.len()));
    }
    if segments.len() <= limits.repeats {
        return None;
    }
    // Numbers are repeated in honest paths, such as dates and shards (`/0/0/0/0/0/0/7.html`).
    let mut words: Vec<&str> = segments.into_iter().filter(|it| !is_number(it)).collect();
    words.sort_unstable();
    let groups = words.chunk_by(|one, other| one == other);
    let again: usize = groups.clone().map(|group| group.len() - 1).sum();
    let most = groups.max_by_key(|group| group.len())?;
    (again >= limits.repeats).then(|| Trap::Repeats(most[0], most.len()))
}

/// Whether the scheme is http or https.
pub fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// Puts escapes in upper case and decodes unreserved characters. None if nothing changes or an
/// escape is malformed.
fn tidy_escapes(part: &str) -> Option<String> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut pieces = part.split('%');
    let mut tidied = String::with_capacity(part.len());
    tidied.push_str(pieces.next()?);
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        let mut octet = 0;
        for digit in digits.chars() {
            octet = octet * 16 + u8::try_from(digit.to_digit(16)?).ok()?;
        }
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            tidied.push(char::from(octet));
        } else {
            tidied.push('%');
            tidied.push(char::from(HEX[usize::from(octet >> 4)]));
            tidied.push(char::from(HEX[usize::from(octet & 15)]));
        }
        tidied.push_str(rest);
    }
    (tidied != part).then_some(tidied)
}

/// Recognises `mailto:` and long `data:` references without parsing them. A scheme with tabs or
/// line breaks in it is not recognised and is left to the parser.
fn names_other_scheme(reference: &str) -> bool {
    let end = reference
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"+-.".contains(&byte));
    match end.and_then(|end| Some((reference.get(..end)?, reference.get(end..)?))) {
        Some((scheme, rest)) => {
            rest.starts_with(':')
                && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && !scheme.eq_ignore_ascii_case("http")
                && !scheme.eq_ignore_ascii_case("https")
        }
        None => false,
    }
}

/// Leaves two of the slashes at the start of `///host/path`. By the standard the authority follows
/// all of them (WHATWG URL, "special authority ignore slashes state"), but the parser sees an empty
/// host.
fn single_authority(reference: &str) -> &str {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let slashes = reference.bytes().take_while(is_slash).count();
    // Slashes are single bytes, so the cut is on a character boundary.
    reference
        .get(slashes.saturating_sub(2)..)
        .filter(|_| slashes > 2)
        .unwrap_or(reference)
}

/// The input with a scheme before it, if that makes a URL that a person may have meant. `has_colon`
/// tells whether the input parses with its first word as the scheme.
fn with_scheme(input: &str, has_colon: bool) -> Option<String> {
    if input.contains("://") {
        return None;
    }
    let rest = input.trim_start_matches('/');
    let url = Url::parse(&format!("https://{rest}")).ok()?;
    let local = match url.host()? {
        url::Host::Domain("localhost") => true,
        // `tel:123` is not a host and port.
        url::Host::Domain(name) if has_colon && !name.contains('.') => return None,
        url::Host::Domain(_) => false,
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => true,
    };
    // A local server seldom has a certificate. `mailto:a@b.org` would have a user name.
    let scheme = if local { "http" } else { "https" };
    (!has_credentials(&url)).then(|| format!("{scheme}://{rest}"))
}
