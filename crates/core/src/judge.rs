//! What a response means for its task.

use std::time::Duration;

use url::Url;

use crate::back_off::retry_after;
use crate::exchange::{FetchError, Head, Headers, Response};
use crate::task::{Kind, Skip, Task};
use crate::time::Moment;
use canter_page::url::join;

/// Maximum length of the cookies that are sent back.
const MAX_COOKIES: usize = 8 * 1024;

/// What to do with a response.
#[derive(Debug)]
pub enum Judgement {
    /// Read it as a page.
    Page(Response),
    /// Read it as a sitemap.
    Sitemap(Response),
    /// Keep the copy in the index, which is still right (RFC 9110 §15.4.5).
    NotModified,
    /// Follow the redirect.
    Redirect(Url),
    /// Ask again at once and send this cookie: the answer sets it and redirects to itself.
    Cookie(String),
    /// Note that there is no page.
    Gone,
    /// Keep the page out of the index.
    Skip(Skip),
    /// Try again later.
    Again {
        /// What happened, one phrase for a person.
        why: String,
        /// Set if the site wants to be left alone; the inner value is the time it asks for, if it
        /// names one.
        hold: Option<Option<Duration>>,
    },
    /// Give up: another attempt would fail as well.
    Failed(String),
    /// Leave the task waiting: the request was not made, since the crawl is being stopped.
    Stopped,
}

/// Whether to read the body of a response: for a page, if the response is successful and may be
/// HTML. Only the body shows whether something is a sitemap.
pub fn wants_body(kind: Kind) -> fn(&Head) -> bool {
    match kind {
        Kind::Page => {
            |head| is_success(head.status) && head.headers.get("content-type").is_none_or(is_html)
        }
        Kind::Sitemap => |head| is_success(head.status),
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Judges the response to a task's request. `conditional` tells whether the request carried
/// validators, `cookie` whether it carried what an answer before had set.
pub fn judge(
    task: &Task,
    conditional: bool,
    cookie: bool,
    answer: Result<Response, FetchError>,
    now: Moment,
) -> Judgement {
    let response = match answer {
        Ok(response) => response,
        Err(FetchError::Closed) => return Judgement::Stopped,
        Err(FetchError::PrivateAddress(_)) => return Judgement::Skip(Skip::PrivateAddress),
        Err(error @ FetchError::Tls(_)) => return Judgement::Failed(error.to_string()),
        Err(error) => {
            let why = error.to_string();
            return Judgement::Again { why, hold: None };
        }
    };
    let head = &response.head;
    match head.status {
        // There is no content, whatever type the header names (RFC 9110 §15.3.5, §15.3.6).
        204 | 205 => Judgement::Skip(Skip::NotHtml),
        200..=299 => match task.kind {
            Kind::Page => judge_page(response),
            Kind::Sitemap => Judgement::Sitemap(response),
        },
        304 if conditional => Judgement::NotModified,
        301 | 302 | 303 | 307 | 308 => match head.headers.get("location") {
            None => Judgement::Failed(format!("status {} without a target", head.status)),
            Some(target) => match join(&task.url, target) {
                Some(to) if to == task.url => match cookies(&head.headers) {
                    Some(set) if !cookie => Judgement::Cookie(set),
                    _ => Judgement::Skip(Skip::RedirectLoop),
                },
                Some(to) => Judgement::Redirect(to),
                None => Judgement::Skip(Skip::LeavesSite),
            },
        },
        404 | 410 => Judgement::Gone,
        429 | 503 => Judgement::Again {
            why: format!("status {}", head.status),
            hold: Some(retry_after(&head.headers, now)),
        },
        408 | 425 | 500 | 502 | 504 | 520..=599 => Judgement::Again {
            why: format!("status {}", head.status),
            hold: None,
        },
        status => Judgement::Failed(format!("status {status}")),
    }
}

/// Returns the value of `Cookie` that sends back what a response sets (RFC 6265 §5.4); none if it
/// sets nothing, or more than a request should hold.
fn cookies(headers: &Headers) -> Option<String> {
    let pairs = headers.all("set-cookie").filter_map(|set| {
        let pair = set.split(';').next()?.trim();
        let (name, _) = pair.split_once('=')?;
        let is_sendable = pair.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        (!name.is_empty() && is_sendable).then_some(pair)
    });
    let cookies = pairs.collect::<Vec<_>>().join("; ");
    (!cookies.is_empty() && cookies.len() <= MAX_COOKIES).then_some(cookies)
}

/// Returns whether a response is a page, by its `Content-Type` or else by its body.
pub fn is_page(content_type: Option<&str>, body: &[u8]) -> bool {
    // Byte-order marks of UTF-8 and UTF-16.
    let marks: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let mark = marks.iter().find(|mark| body.starts_with(mark));
    let body = &body[mark.map_or(0, |mark| mark.len())..];
    // Every other byte of UTF-16 is zero here.
    let blank = |byte: &&u8| byte.is_ascii_whitespace() || **byte == 0;
    match content_type {
        Some(content_type) => is_html(content_type),
        None => body.iter().find(|byte| !blank(byte)) == Some(&b'<'),
    }
}

fn judge_page(response: Response) -> Judgement {
    let content_type = response.head.headers.get("content-type");
    if !is_page(content_type, &response.body) {
        Judgement::Skip(Skip::NotHtml)
    } else if response.cut {
        Judgement::Skip(Skip::TooLarge)
    } else {
        Judgement::Page(response)
    }
}

/// Of a header that was sent twice, `text/html,text/html`, the first value counts.
fn is_html(content_type: &str) -> bool {
    let essence = content_type.split([';', ',']).next();
    let essence = essence.unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| essence.eq_ignore_ascii_case(html))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_sent_back_as_pairs() {
        let long = format!("a={}", "x".repeat(MAX_COOKIES));
        let cases: [(&[&str], Option<&str>); 6] = [
            (&["a=1; Path=/; HttpOnly", "b=2"], Some("a=1; b=2")),
            (&["a=b=c"], Some("a=b=c")),
            (&["a="], Some("a=")),
            (&["nothing", "=1", "a=\u{fffd}"], None),
            (&[&long], None),
            (&[], None),
        ];
        for (set, expected) in cases {
            let headers = set
                .iter()
                .map(|set| ("Set-Cookie".to_owned(), (*set).to_owned()));
            let headers = Headers(headers.collect());
            assert_eq!(cookies(&headers).as_deref(), expected, "{set:?}");
        }
    }

    #[test]
    fn a_page_is_known_by_its_type_or_else_by_its_body() {
        let utf_16 = b"\xff\xfe\n\0<\0p\0>\0";
        let cases: [(Option<&str>, &[u8], bool); 13] = [
            (Some("text/html"), b"", true),
            (Some("Text/HTML;charset=utf-8"), b"", true),
            (Some("text/html,text/html"), b"", true),
            (Some("application/xhtml+xml , text/plain"), b"", true),
            (Some("text/plain"), b"<p>", false),
            (Some(""), b"<p>", false),
            (None, b" \n<p>", true),
            (None, b"\xef\xbb\xbf<p>", true),
            (None, utf_16, true),
            (None, b"\xfe\xff\0<\0p", true),
            (None, b"\0<\0p", true),
            (None, b"PK", false),
            (None, b"", false),
        ];
        for (content_type, body, expected) in cases {
            assert_eq!(
                is_page(content_type, body),
                expected,
                "{content_type:?} {body:?}"
            );
        }
    }
}
