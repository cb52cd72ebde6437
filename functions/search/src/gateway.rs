//! Requests as API Gateway passes them on.
//!
//! API Gateway puts the name of a stage in front of the path that the router knows, or a base path
//! under a custom domain. Which of these an event's `path` holds depends on the mapping. The
//! matched resource, `/` or `/{proxy+}`, holds neither.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequestContext;
use lambda_http::request::RequestContext;
use lambda_http::tower::{Service, ServiceExt, service_fn};
use lambda_http::{Request, RequestExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tracing::{Instrument, info_span};

use crate::latency::{Latency, Searcher};

/// All characters but those that a path holds unescaped: the unreserved characters of RFC 3986
/// section 2.3, and slashes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Wraps the router for calls by Lambda. Each log line of a request carries the id that the request
/// has in API Gateway's own log. Searches are measured.
pub fn service(
    router: Router,
    latency: Arc<Latency>,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone {
    service_fn(move |mut request: Request| {
        let (router, latency) = (router.clone(), Arc::clone(&latency));
        async move {
            let context = request.request_context_ref();
            let Some(RequestContext::ApiGatewayV1(context)) = context else {
                return router.oneshot(request).await;
            };
            if let Some(answer) = with_slash(context, request.uri()) {
                return Ok(answer);
            }
            let id = context.request_id.clone().unwrap_or_default();
            let span = info_span!("request", id);
            if let Some(uri) = inner(context, &request) {
                *request.uri_mut() = uri;
            }
            let searcher = Searcher::of(&id, request.uri());
            let began = Instant::now();
            let answering = async {
                let answer = router.oneshot(request).await?;
                Ok(match searcher {
                    Some(searcher) => latency.note(searcher, began.elapsed(), answer).await,
                    None => answer,
                })
            };
            answering.instrument(span).await
        }
    })
}

/// Returns the URL as the router knows it; none if the request is not for a proxy resource.
fn inner(context: &ApiGatewayProxyRequestContext, request: &Request) -> Option<Uri> {
    let resource = context.resource_path.as_deref()?;
    let mut path = resource.to_owned();
    if let Some((before, name)) = resource.split_once('{') {
        let parameters = request.path_parameters_ref()?;
        let rest = parameters.first(name.trim_end_matches(['+', '}']))?;
        path = format!("{before}{}", utf8_percent_encode(rest, ESCAPED));
    }
    if let Some(query) = request.uri().query() {
        path = format!("{path}?{query}");
    }
    path.parse().ok()
}

/// Redirects a request for the root without its trailing slash, since the page's relative URLs
/// would lead past the stage. The target is relative as well.
fn with_slash(context: &ApiGatewayProxyRequestContext, uri: &Uri) -> Option<Response> {
    let path = context.path.as_deref()?;
    let stage = path.rsplit('/').next().unwrap_or_default();
    if context.resource_path.as_deref() != Some("/") || stage.is_empty() {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}"));
    let target = format!("{stage}/{}", query.unwrap_or_default());
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let target = HeaderValue::try_from(target).ok()?;
    answer.headers_mut().insert(header::LOCATION, target);
    Some(answer)
}
