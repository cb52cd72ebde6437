//! What API Gateway puts around a request.
//!
//! Before the path that the router knows stands a stage's name or, with a domain of one's own, a
//! base path; and which of these an event's `path` holds depends on the mapping. The resource that
//! API Gateway matched, `/` or `/{proxy+}`, is free of both.

use std::convert::Infallible;

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

/// What stands in a path as it is: the unreserved characters of RFC 3986 section 2.3, and slashes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The router, as the function is called with it. What is logged on the way has the id of the
/// request in API Gateway's own log.
pub fn service(
    router: Router,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone {
    service_fn(move |mut request: Request| {
        let router = router.clone();
        async move {
            let context = request.request_context_ref();
            let Some(RequestContext::ApiGatewayV1(context)) = context else {
                return router.oneshot(request).await;
            };
            if let Some(answer) = with_slash(context, request.uri()) {
                return Ok(answer);
            }
            let id = context.request_id.as_deref().unwrap_or_default();
            let span = info_span!("request", id);
            if let Some(uri) = inner(context, &request) {
                *request.uri_mut() = uri;
            }
            router.oneshot(request).instrument(span).await
        }
    })
}

/// The URL as the router knows it; none for a resource that is no proxy's.
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

/// Where the root was asked for without the slash at its end, relative URLs of the page would lead
/// past the stage: the way to the root with the slash, itself relative.
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
