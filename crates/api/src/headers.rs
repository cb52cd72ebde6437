//! Headers of every response, unless its handler has set its own.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Content security policy of the search page. It may load its own style, script, icon and
/// responses, but no frame, and nothing from other hosts.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const EVERYWHERE: [(HeaderName, &str); 4] = [
    // While a crawl runs, a response is outdated at once, so caches must revalidate it.
    (header::CACHE_CONTROL, "no-cache"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    // A link from the search page must not tell its target what the person searched for.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Adds the headers that the response lacks.
pub(crate) async fn complete(mut response: Response) -> Response {
    for (name, value) in EVERYWHERE {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
