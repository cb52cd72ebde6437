//! URLs as canter compares them: two spellings of one resource are one URL, and a URL that looks
//! generated without end is not followed.
//!
//! Parsing and resolving are the WHATWG's, as browsers do it. On top come only steps that RFC 3986
//! §6.2.2 calls safe. What a site might tell apart stays: the order of a query, a final slash,
//! `index.html`, letter case of the path. The site itself joins those, by redirect or canonical.

mod changes;

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

pub use changes::{Change, changes};

/// The form under which a URL is claimed, fetched and stored.
///
/// Escapes are in upper case, escaped unreserved characters (RFC 3986 §2.3) are decoded, the
/// fragment and an empty query (`/a?`) are gone. A component with a malformed escape (`100%`)
/// stays as it is, since decoding beside it could make a new escape. Credentials are dropped: a
/// page must not decide what canter sends along, and they would end up in the index.
/// Applying it twice changes nothing more.
pub fn normalise(mut url: Url) -> Url {
    if url.fragment().is_some() {
        url.set_fragment(None);
    }
    if url.query() == Some("") {
        url.set_query(None);
    }
    if has_credentials(&url) {
        // Both fail only for URLs without a host, which cannot have credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
    }
    // Most links hold no escape and are done here.
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

/// The normalised http(s) URL that a reference on the page `base` leads to; none for other
/// schemes (`mailto:`, `javascript:`) and for what does not parse.
pub fn join(base: &Url, reference: &str) -> Option<Url> {
    // Browsers strip ASCII whitespace around a reference; the parser strips more and agrees.
    let reference = reference.trim_ascii();
    if names_other_scheme(reference) {
        return None;
    }
    let url = base.join(single_authority(reference)).ok()?;
    is_http(&url).then(|| normalise(url))
}

/// Reads what a person typed as the start of a crawl.
pub fn parse_seed(input: &str) -> Result<Url, SeedError> {
    let input = input.trim();
    if input.is_empty() {
        return Err(SeedError::Empty);
    }
    // `example.org:8080/x` parses as the scheme `example.org`, so look for the scheme first.
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

/// Why a crawl cannot start at what was typed, one sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeedError {
    /// Nothing was typed.
    #[error("the URL is empty: give one like https://docs.example.org/")]
    Empty,
    /// A host without a scheme.
    #[error("the URL lacks its scheme: did you mean {suggestion}?")]
    NoScheme {
        /// The URL that was probably meant.
        suggestion: String,
    },
    /// Not of the web.
    #[error("only http and https URLs can be crawled, not {scheme}:")]
    OtherScheme {
        /// Scheme of the URL, without the colon.
        scheme: String,
    },
    /// User name or password before the host.
    #[error(
        "the URL holds credentials, which would be stored with every page: leave them out and send them with --header 'Authorization: ...'"
    )]
    Credentials,
    /// It does not parse.
    #[error("{input:?} is no URL: {why}")]
    Invalid {
        /// What was typed, trimmed.
        input: String,
        /// The parser's reason.
        why: String,
    },
}

/// How far a URL may go before it counts as generated without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest URL in bytes, normalised.
    pub bytes: usize,
    /// Most segments of a path.
    pub segments: usize,
    /// How often one segment may occur in a path.
    pub repeats: usize,
}

impl Default for Limits {
    /// Wide enough for every documentation site that was looked at; a link that is relative by
    /// mistake (`/a/b/a/b/...`) ends after five rounds.
    fn default() -> Self {
        Limits {
            bytes: 2_000,
            segments: 30,
            repeats: 5,
        }
    }
}

/// What makes a URL look generated without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap<'a> {
    /// So many bytes are too long.
    Long(usize),
    /// So many segments are too many.
    Segments(usize),
    /// This segment occurs so often.
    Repeats(&'a str, usize),
}

/// For a person: a sentence about the URL.
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

/// Why a URL is not followed, judged by its spelling alone.
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
    segments.iter().find_map(|segment| {
        // Numbers repeat in honest paths, such as dates and shards (`/0/0/0/0/0/0/7.html`).
        let times = segments.iter().filter(|other| *other == segment).count();
        (times > limits.repeats && !is_number(segment)).then_some(Trap::Repeats(segment, times))
    })
}

/// Whether this is a URL of the web.
pub fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// Upper-cases escapes and decodes unreserved characters; none when nothing changes or an escape
/// is malformed.
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

/// Tells `mailto:` and long `data:` references without parsing them. A scheme that is hidden by
/// tabs or line breaks gets through; the parser sees it.
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

/// Leaves two of the slashes at the start of `///host/path`: all lead to the authority (WHATWG
/// URL, "special authority ignore slashes state"), where the parser sees an empty host.
fn single_authority(reference: &str) -> &str {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    let slashes = reference.bytes().take_while(is_slash).count();
    // Slashes are single bytes, so that the cut is at a character's border.
    reference
        .get(slashes.saturating_sub(2)..)
        .filter(|_| slashes > 2)
        .unwrap_or(reference)
}

/// The input with a scheme before it, when that makes a URL that a person may have meant.
/// `has_colon` says that the input parses with its first word as the scheme.
fn with_scheme(input: &str, has_colon: bool) -> Option<String> {
    if input.contains("://") {
        return None;
    }
    let rest = input.trim_start_matches('/');
    let url = Url::parse(&format!("https://{rest}")).ok()?;
    let local = match url.host()? {
        url::Host::Domain("localhost") => true,
        // `tel:123` is no host and port.
        url::Host::Domain(name) if has_colon && !name.contains('.') => return None,
        url::Host::Domain(_) => false,
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => true,
    };
    // Servers of one's own seldom have a certificate; `mailto:a@b.org` has a user name.
    let scheme = if local { "http" } else { "https" };
    (!has_credentials(&url)).then(|| format!("{scheme}://{rest}"))
}
