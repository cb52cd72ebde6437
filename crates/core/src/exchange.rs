//! A request, its response, and what can go wrong between the two.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::time::Moment;

/// Name and value pairs of a request or response head. Names are compared without case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a header, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A GET request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Absolute http(s) URL without a fragment.
    pub url: Url,
    /// Headers besides those that every request carries.
    pub headers: Headers,
    /// Maximum number of bytes to read of the decoded body.
    pub max_bytes: usize,
    /// Maximum time from the start of the request to the last byte of the body.
    pub timeout: Duration,
    /// Decides from the head whether to read the body.
    pub wants_body: fn(&Head) -> bool,
}

/// Status line and headers of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Status code, 200 to 599.
    pub status: u16,
    /// The headers as received. Bytes of a value that are not UTF-8 are replaced.
    pub headers: Headers,
}

/// A response. A redirect is a response like any other.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// Decoded body; empty if the request did not want it.
    pub body: Vec<u8>,
    /// Whether the body was longer than `max_bytes` and was cut there.
    pub cut: bool,
    /// When the request started, since the Unix epoch.
    pub started: Moment,
    /// Time from the start of the request to the last byte.
    pub took: Duration,
    /// Number of bytes received for the body, decoded.
    pub bytes: u64,
}

/// Why a request got no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The gate was closed before the request started; nothing was sent.
    #[error("the crawl was stopped")]
    Closed,
    /// The host is, or resolves to, an address that must not be dialled.
    #[error("{0} is a private address")]
    PrivateAddress(String),
    /// The name does not resolve.
    #[error("no such host: {0}")]
    NoSuchHost(String),
    /// The connection was refused or reset, or the host cannot be reached.
    #[error("cannot connect to {0}")]
    Connect(String),
    /// There is no trusted TLS connection.
    #[error("TLS error: {0}")]
    Tls(String),
    /// The time limit passed.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// The response broke off or is not HTTP.
    #[error("broken answer: {0}")]
    Broken(String),
}

/// What the page store keeps of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Status code.
    pub status: u16,
    /// When the request started, since the Unix epoch.
    pub started: Moment,
    /// Time from the start of the request to the last byte.
    pub took: Duration,
    /// Number of bytes of the body, decoded.
    pub bytes: u64,
}

impl Exchange {
    /// The figures of a response.
    pub fn of(response: &Response) -> Self {
        Exchange {
            status: response.head.status,
            started: response.started,
            took: response.took,
            bytes: response.bytes,
        }
    }
}
