//! Errors in the format of RFC 9457. The type is `about:blank`, so the title is the status's own
//! phrase (RFC 9457 section 4.2.1), and `errors` names the parameters.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use canter_core::failure::Failure;
use serde::Serialize;

use crate::parameters::Invalid;

/// The reason why a request has no answer.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// One sentence for a person. It never quotes an index or a store, whose messages may name
    /// machines.
    pub(crate) detail: &'static str,
    /// The invalid parameters.
    pub(crate) errors: Vec<Invalid>,
}

impl Problem {
    /// Returns the problem for invalid parameters.
    pub(crate) fn invalid(errors: Vec<Invalid>) -> Self {
        Problem {
            errors,
            ..Problem::new(
                StatusCode::BAD_REQUEST,
                "The request's parameters are not valid; see errors.",
            )
        }
    }

    /// Returns the problem for a failure of the index or the status source. The failure is logged
    /// here, since no caller can handle it.
    pub(crate) fn failed(failure: &Failure) -> Self {
        match failure {
            Failure::Transient(why) => {
                tracing::warn!(why = &**why, "no answer for now");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The index does not answer at the moment; ask again soon.",
                )
            }
            Failure::Permanent(why) => {
                tracing::error!(why = &**why, "no answer");
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The index cannot answer; the log of the service says why.",
                )
            }
        }
    }

    /// Returns the number of seconds after which the same request may succeed.
    pub(crate) fn retry_after(&self) -> Option<HeaderValue> {
        (self.status == StatusCode::SERVICE_UNAVAILABLE).then(|| HeaderValue::from_static("5"))
    }

    /// Returns a problem that concerns the whole request.
    pub(crate) fn new(status: StatusCode, detail: &'static str) -> Self {
        Problem {
            status,
            detail,
            errors: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct Details<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Invalid],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = Details {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: &self.errors,
        };
        // Strings and a number always serialize to JSON.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
