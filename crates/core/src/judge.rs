//! What an answer means for its task.

use std::time::Duration;

use url::Url;

use crate::patience::retry_after;
use crate::ports::{FetchError, Head, Response};
use crate::task::{Kind, Skip, Task};
use crate::time::Moment;
use canter_page::url::join;

/// What is to be done with an answer.
#[derive(Debug)]
pub enum Judgement {
    /// Read it.
    Page(Response),
    /// Read what it lists.
    Sitemap(Response),
    /// The copy in the index is still right (RFC 9110 §15.4.5).
    NotModified,
    /// It leads elsewhere.
    Redirect(Url),
    /// There is no page.
    Gone,
    /// Not for the index.
    Skip(Skip),
    /// It may go better later.
    Again {
        /// What happened, one phrase for a person.
        why: String,
        /// The site wants to be left alone: for this long if it said so.
        hold: Option<Option<Duration>>,
    },
    /// It will not go better later.
    Failed(String),
    /// The request was not made: the crawl is being stopped.
    Stopped,
}

/// Whether the body of an answer is worth reading: of a successful one that may be HTML. What a
/// sitemap is shows in its body alone.
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

/// Judges an answer to a task's request; `conditional` says that it carried validators.
pub fn judge(
    task: &Task,
    conditional: bool,
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
        // No content, whatever the header says of its type (RFC 9110 §15.3.5, §15.3.6).
        204 | 205 => Judgement::Skip(Skip::NotHtml),
        200..=299 => match task.kind {
            Kind::Page => judge_page(response),
            Kind::Sitemap => Judgement::Sitemap(response),
        },
        304 if conditional => Judgement::NotModified,
        301 | 302 | 303 | 307 | 308 => match head.headers.get("location") {
            None => Judgement::Failed(format!("status {} without a target", head.status)),
            Some(target) => match join(&task.url, target) {
                Some(to) if to == task.url => Judgement::Skip(Skip::RedirectLoop),
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

fn judge_page(response: Response) -> Judgement {
    let html = match response.head.headers.get("content-type") {
        Some(content_type) => is_html(content_type),
        None => response.body.trim_ascii_start().starts_with(b"<"),
    };
    if !html {
        Judgement::Skip(Skip::NotHtml)
    } else if response.cut {
        Judgement::Skip(Skip::TooLarge)
    } else {
        Judgement::Page(response)
    }
}

fn is_html(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| essence.eq_ignore_ascii_case(html))
}
