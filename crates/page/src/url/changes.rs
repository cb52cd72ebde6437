//! What normalising changes in a URL that a person typed or that a page has.

use std::fmt;

use url::Url;

use super::{has_credentials, normalise, tidy_escapes};

/// One difference between a URL as it is written and its normalised form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Blanks around it, tabs and line breaks within it.
    Blanks,
    /// Backslashes, and more or fewer than two slashes after the scheme.
    Slashes,
    /// Letter case of scheme and host.
    LetterCase,
    /// Spelling of the host: letters beyond ASCII, numbers of an IPv4 address.
    Host,
    /// The scheme's own port.
    DefaultPort,
    /// User name and password.
    Credentials,
    /// The missing slash of an empty path.
    RootPath,
    /// `.` and `..` in the path.
    DotSegments,
    /// Characters that must be escaped.
    Encoded,
    /// Escapes in lower case, and of characters that need none.
    Escapes,
    /// A question mark with nothing after it.
    EmptyQuery,
    /// The fragment.
    Fragment,
    /// Another spelling that the parser changes.
    Spelling,
}

impl Change {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Change::Blanks => "blanks",
            Change::Slashes => "slashes",
            Change::LetterCase => "letter_case",
            Change::Host => "host",
            Change::DefaultPort => "default_port",
            Change::Credentials => "credentials",
            Change::RootPath => "root_path",
            Change::DotSegments => "dot_segments",
            Change::Encoded => "encoded",
            Change::Escapes => "escapes",
            Change::EmptyQuery => "empty_query",
            Change::Fragment => "fragment",
            Change::Spelling => "spelling",
        }
    }
}

/// What was done, for a person.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Blanks => "blanks left out",
            Change::Slashes => "slashes mended",
            Change::LetterCase => "scheme and host in small letters",
            Change::Host => "host as the DNS knows it",
            Change::DefaultPort => "default port left out",
            Change::Credentials => "credentials left out",
            Change::RootPath => "empty path made /",
            Change::DotSegments => "dot segments resolved",
            Change::Encoded => "characters escaped",
            Change::Escapes => "escapes tidied",
            Change::EmptyQuery => "empty query left out",
            Change::Fragment => "fragment left out",
            Change::Spelling => "spelled as browsers do",
        })
    }
}

/// What the parser and [`normalise`] change in this spelling of `url`. The result is empty exactly
/// if the spelling is the normalised form.
pub fn changes(typed: &str, url: &Url) -> Vec<Change> {
    let normal = normalise(url.clone());
    if normal.as_str() == typed {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut note = |change, happened: bool| {
        if happened {
            changes.push(change);
        }
    };
    let clean = typed.trim_matches(|c: char| c <= ' ');
    let clean = clean.replace(['\t', '\n', '\r'], "");
    note(Change::Blanks, clean != typed);
    let (whole, fragment) = cut(&clean, '#');
    let (whole, query) = cut(whole, '?');
    let (scheme, rest) = cut(whole, ':');
    let rest = rest.unwrap_or_default().replace('\\', "/");
    let after_slashes = rest.trim_start_matches('/');
    note(
        Change::Slashes,
        whole.contains('\\') || rest.len() - after_slashes.len() != 2,
    );
    let end = after_slashes.find('/').unwrap_or(after_slashes.len());
    let (authority, path) = after_slashes.split_at(end);
    let place = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    };
    let real = normal.host_str().unwrap_or_default();
    let same_letters = host.eq_ignore_ascii_case(real);
    note(
        Change::LetterCase,
        scheme != normal.scheme() || same_letters && host != real,
    );
    note(Change::Host, !same_letters);
    note(
        Change::DefaultPort,
        port.is_some() && normal.port().is_none(),
    );
    note(Change::Credentials, has_credentials(url));
    note(Change::RootPath, path.is_empty());
    note(Change::DotSegments, path.split('/').any(is_dots));
    let parts = [path, query.unwrap_or_default()];
    let kept = &normal[url::Position::BeforePath..];
    let lost = |c: char| !c.is_alphanumeric() && !"./%\\".contains(c) && !kept.contains(c);
    let foreign = |part: &&str| part.contains(|c: char| !c.is_ascii() || lost(c));
    note(Change::Encoded, parts.iter().any(foreign));
    let tidied = |part: &&str| tidy_escapes(part).is_some();
    note(Change::Escapes, parts.iter().any(tidied));
    note(Change::EmptyQuery, query == Some(""));
    note(Change::Fragment, fragment.is_some());
    if changes.is_empty() {
        changes.push(Change::Spelling);
    }
    changes
}

/// The text before and after the first `sign`.
fn cut(text: &str, sign: char) -> (&str, Option<&str>) {
    match text.split_once(sign) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Whether a segment is `.` or `..`, escaped or not (WHATWG URL, "single-dot" and "double-dot URL
/// path segment").
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}
