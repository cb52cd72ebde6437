//! robots.txt by RFC 9309: what a site lets canter fetch, and what a response for the file means.
//!
//! `robotxt` parses the file and matches rules. This module repairs two faults of real files before
//! parsing, and afterwards keeps only the rules of the crawler's own group, in a form small enough to
//! store for all workers.

use std::borrow::Cow;
use std::time::Duration;

use robotxt::Robots;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::back_off::retry_after;
use crate::exchange::{FetchError, Head};
use crate::site::PRODUCT;
use crate::time::Moment;
use canter_page::url::{is_http, join, normalise};

/// Maximum size of a robots.txt to fetch, in bytes. This is one byte more than is read (500 KiB,
/// RFC 9309 §2.5), which tells a line cut in the middle from a whole one.
pub const MAX_BYTES: usize = robotxt::BYTE_LIMIT + 1;

/// Maximum age of a policy (RFC 9309 §2.4). One that disallows because of a failure should be
/// renewed much sooner.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Maximum number of redirects in a row (RFC 9309 §2.3.1.2).
pub const MAX_REDIRECTS: u8 = 5;

/// Maximum `Crawl-delay`. With a longer one a crawl would not move at all.
const MAX_DELAY: Duration = Duration::from_secs(60 * 60);

/// URL of the robots.txt that applies to a URL: one for each scheme, host and port.
pub fn location(url: &Url) -> Option<Url> {
    robotxt::robots_url(url).ok()
}

/// The rules of one robots.txt for one crawler. The serialised form has one rule a line, after `+`
/// or `-`, and what else of the file concerns that crawler.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Rules {
    own: Robots,
    /// The group for canter, if the crawler calls itself otherwise and the file has one.
    canter: Option<Robots>,
}

impl PartialEq for Rules {
    /// Compares everything but the name of the group.
    fn eq(&self, other: &Self) -> bool {
        let (rules, others) = (
            self.all().map(Robots::rules),
            other.all().map(Robots::rules),
        );
        rules.eq(others)
            && self.crawl_delay() == other.crawl_delay()
            && self.sitemaps().eq(other.sitemaps())
    }
}

impl Eq for Rules {}

impl Rules {
    /// Parses a file of any content and ignores what is not a rule. `token` is the crawler's
    /// product token (RFC 9309 §2.2.1), which is compared without case. Of a file longer than 500
    /// KiB, only the whole lines before that limit are read.
    pub fn parse(file: &[u8], token: &str) -> Self {
        Rules {
            own: Robots::parse(&mend(whole_lines(&utf_8(file))), token),
            canter: None,
        }
    }

    /// Parses a file for a crawl that calls itself `token`. What the file says to canter by name
    /// holds as well, so that another name gets around no rule.
    pub fn for_crawl(file: &[u8], token: &str) -> Self {
        let rules = Rules::parse(file, token);
        let by_name = || Rules::parse(file, PRODUCT).own;
        let canter = (!token.eq_ignore_ascii_case(PRODUCT)).then(by_name);
        Rules {
            canter: canter.filter(|it| it.user_agent() != robotxt::ANY_AGENT),
            ..rules
        }
    }

    /// All groups that apply.
    fn all(&self) -> impl Iterator<Item = &Robots> {
        std::iter::once(&self.own).chain(&self.canter)
    }

    /// Whether the URL may be fetched. `/robots.txt` always may (RFC 9309 §2.2.2).
    pub fn allows(&self, url: &Url) -> bool {
        self.all().all(|robots| robots.is_url_allowed(url))
    }

    /// The rule that decides on a URL, as a file would have it: `Disallow: /private`. None if no
    /// rule matches, so that the URL is allowed.
    pub fn rule(&self, url: &Url) -> Option<String> {
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let robots = self.all().find(|it| !it.is_url_allowed(url));
        let rule = robots.unwrap_or(&self.own).matching_rule(path)?;
        let verb = if rule.is_allow() { "Allow" } else { "Disallow" };
        // No rule applies to `/robots.txt`, even one that matches it.
        (rule.is_allow() == self.allows(url)).then(|| format!("{verb}: {}", rule.pattern()))
    }

    /// Name of the group that applies: the crawler's product token, or else `*`.
    pub fn group(&self) -> &str {
        self.own.user_agent()
    }

    /// The delay between two requests that the site asks for (`Crawl-delay`, not part of the RFC),
    /// in whole milliseconds and at most an hour. None if it asks for none.
    pub fn crawl_delay(&self) -> Option<Duration> {
        let delay = self.all().filter_map(Robots::crawl_delay).max()?;
        let delay = delay.min(MAX_DELAY);
        let millis = u64::try_from(delay.as_millis()).ok()?;
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// The http(s) sitemaps that the file names. They are meant for every crawler and may lie on
    /// other hosts.
    pub fn sitemaps(&self) -> impl Iterator<Item = Url> {
        let sitemaps = self.own.sitemaps().iter();
        sitemaps.filter(|url| is_http(url)).cloned().map(normalise)
    }
}

/// What may be fetched from an authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobotsPolicy {
    /// What the rules allow.
    Rules(Rules),
    /// Everything: there is no robots.txt (RFC 9309 §2.3.1.3).
    AllowAll,
    /// Nothing: the server or the network failed (RFC 9309 §2.3.1.4).
    DisallowAll {
        /// What happened, one phrase for a person.
        why: String,
    },
    /// Nothing for now: fetch the file again. This policy must not be saved.
    Retry {
        /// The wait that the server asks for; none if it leaves the wait to us.
        after: Option<Duration>,
    },
}

/// What to do after a response for a robots.txt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// Fetch the file from there. Whatever host it lies on, it still applies to the authority that
    /// was asked first.
    Follow(Url),
    /// Use this policy.
    Done(RobotsPolicy),
}

/// Judges the response of `url` after a number of redirects. `body` is the file, up to
/// [`MAX_BYTES`]; `token` is the crawl's product token; `now` is the time since the Unix epoch.
pub fn judge(url: &Url, redirects: u8, head: &Head, body: &[u8], token: &str, now: Moment) -> Hop {
    Hop::Done(match head.status {
        200..=299 => RobotsPolicy::Rules(Rules::for_crawl(body, token)),
        300..=399 => {
            let target = head.headers.get("location").and_then(|to| join(url, to));
            match target {
                Some(to) if redirects < MAX_REDIRECTS => return Hop::Follow(to),
                // After too many redirects, or one without a target, the file counts as unavailable
                // (RFC 9309 §2.3.1.2).
                _ => RobotsPolicy::AllowAll,
            }
        }
        // A server that restarts answers 503 for some seconds.
        429 | 503 => RobotsPolicy::Retry {
            after: retry_after(&head.headers, now),
        },
        400..=499 => RobotsPolicy::AllowAll,
        status => RobotsPolicy::DisallowAll {
            why: format!("robots.txt answered with status {status}"),
        },
    })
}

/// The policy after a request for a robots.txt that got no response.
pub fn unreachable(error: &FetchError) -> RobotsPolicy {
    match error {
        // Nothing was sent, so nothing is known.
        FetchError::Closed => RobotsPolicy::Retry { after: None },
        // These errors say enough: there is no server that could have a robots.txt.
        error @ (FetchError::NoSuchHost(_) | FetchError::Connect(_) | FetchError::Tls(_)) => {
            RobotsPolicy::DisallowAll {
                why: error.to_string(),
            }
        }
        error => RobotsPolicy::DisallowAll {
            why: format!("robots.txt cannot be fetched: {error}"),
        },
    }
}

/// The file without the line that crosses the limit: `Allow: /private`, cut, must not become
/// `Allow: /`.
fn whole_lines(file: &[u8]) -> &[u8] {
    match file.get(..MAX_BYTES) {
        Some(window) => {
            let end = window.iter().rposition(is_line_end).unwrap_or(0);
            &window[..end]
        }
        None => file,
    }
}

/// Whether `robotxt` ends a line at this byte.
fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'\0')
}

/// Returns a file in UTF-8. A file with a mark of UTF-16, which editors write, is meant to be obeyed
/// as well.
fn utf_8(file: &[u8]) -> Cow<'_, [u8]> {
    let (rest, unit): (_, fn([u8; 2]) -> u16) = match file {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return Cow::Borrowed(file),
    };
    let (pairs, _) = rest.as_chunks();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    Cow::Owned(String::from_utf16_lossy(&units).into_bytes())
}

/// Repairs faults of real files: removes the rest of a damaged byte-order mark, and cuts
/// `User-agent` lines after their token (`Foo Bar`, `Foo/1.0` and `Foo*` all mean `Foo`).
fn mend(file: &[u8]) -> Vec<u8> {
    let mark = file.iter().zip(b"\xef\xbb\xbf");
    let file = &file[mark.take_while(|(byte, mark)| byte == mark).count()..];
    let mut mended = Vec::with_capacity(file.len());
    for line in file.split_inclusive(is_line_end) {
        match agent_end(line) {
            Some(end) => {
                mended.extend_from_slice(&line[..end]);
                mended.push(b'\n');
            }
            None => mended.extend_from_slice(line),
        }
    }
    mended
}

/// Where the token of a `User-agent` line ends; none for other lines and lines without a token.
/// Accepts the same spellings and separators as `robotxt`.
fn agent_end(line: &[u8]) -> Option<usize> {
    let blank = |byte: &&u8| byte.is_ascii_whitespace();
    let start = line.iter().take_while(blank).count();
    let key = ["user-agent", "user agent", "useragent"]
        .into_iter()
        .find(|key| {
            line[start..]
                .get(..key.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(key.as_bytes()))
        })?;
    let after_key = start + key.len();
    let blanks = line[after_key..].iter().take_while(blank).count();
    let separator = after_key + blanks;
    let value = match line.get(separator) {
        Some(b':') => separator + 1,
        _ if blanks > 0 => separator,
        _ => return None,
    };
    let value = value + line[value..].iter().take_while(blank).count();
    let token = line[value..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        .count();
    match line.get(value..) {
        // `*` with a word after it.
        Some([b'*', next, ..]) if next.is_ascii_whitespace() => Some(value + 1),
        _ => (token > 0).then_some(value + token),
    }
}

/// The stored form of rules.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// One rule a line: `+/path` allows, `-/path` disallows. Normalised paths contain no line end.
    #[serde(rename = "r", default, skip_serializing_if = "String::is_empty")]
    rules: String,
    /// The group that the rules came from; left out if it is `*`.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    sitemaps: Vec<Url>,
    /// The group for canter, if the crawler calls itself otherwise.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    canter: Option<Box<Stored>>,
}

impl From<Rules> for Stored {
    fn from(Rules { own, canter }: Rules) -> Self {
        let canter = canter.map(|own| Rules { own, canter: None });
        let rules = Rules { own, canter: None };
        let mut lines = String::new();
        for rule in rules.own.rules() {
            lines.push(if rule.is_allow() { '+' } else { '-' });
            lines.push_str(rule.pattern());
            lines.push('\n');
        }
        Stored {
            rules: lines,
            group: Some(rules.group())
                .filter(|group| *group != robotxt::ANY_AGENT)
                .map(str::to_owned),
            delay_ms: rules
                .crawl_delay()
                .and_then(|delay| u64::try_from(delay.as_millis()).ok()),
            sitemaps: rules.sitemaps().collect(),
            canter: canter.map(|canter| Box::new(Stored::from(canter))),
        }
    }
}

impl TryFrom<Stored> for Rules {
    type Error = serde_json::Error;

    /// `robotxt` builds rules only from a file or from its own serialised form, and a file of the
    /// stored rules could be longer than it reads.
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let rules = stored.rules.lines().filter_map(|line| {
            let (verb, pattern) = line.split_at_checked(1)?;
            Some(json!({ "pattern": pattern, "allow": verb == "+" }))
        });
        let robots = json!({
            "user_agent": stored.group.as_deref().unwrap_or(robotxt::ANY_AGENT),
            "rules": rules.collect::<Vec<_>>(),
            "crawl_delay": stored.delay_ms.map(Duration::from_millis),
            "sitemaps": stored.sitemaps,
        });
        let canter = stored.canter.map(|it| Rules::try_from(*it)).transpose()?;
        Ok(Rules {
            own: serde_json::from_value(robots)?,
            canter: canter.map(|it| it.own),
        })
    }
}
