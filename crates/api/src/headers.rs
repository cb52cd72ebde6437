//! Headers that every answer carries, unless its handler has set its own.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// What the page may load: its own style, script, icon and answers. No frame, no other host.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const EVERYWHERE: [(HeaderName, &str); 4] = [
    // While a crawl runs an answer is old at once, so nothing keeps it without asking.
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    // A link out of the page must not tell its target what was searched for.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Adds the headers that are missing.
pub(crate) async fn complete(mut response: Response) -> Response {
    for (name, value) in EVERYWHERE {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
