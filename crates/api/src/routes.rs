//! The routes and their handlers.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use canter_ranking::query::Query;
use canter_ranking::search::{self, SearchIndex};
use futures_util::future::join;
use serde::Serialize;
use tower_http::cors::{Any, CorsLayer};

use crate::access::{Access, Load, check_host};
use crate::answer::{Answer, Suggestion, Suggestions};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::status::{Report, Status};
use crate::{headers, page, paging};

/// All paths; each answers GET and HEAD requests.
pub const ROUTES: [&str; 10] = [
    "/",
    "/style.css",
    "/search.js",
    "/widget.js",
    "/icon.svg",
    "/healthz",
    "/api/v1/search",
    "/api/v1/suggest",
    "/api/v1/status",
    "/api/v1/openapi.json",
];

/// Maximum number of names above the results on the search page.
const MAX_NAMES: usize = 6;

/// The search widget for pages of other sites.
const WIDGET: &str = include_str!("../assets/widget.js");
/// Header that says which sites' pages may load a resource without CORS (Fetch Standard, 3.7).
const READ_BY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

const DESCRIPTION: &str = include_str!("../assets/openapi.json");

/// Returns the API and the search page over an index; see [`ROUTES`]. A service that knows nothing
/// of crawls passes [`NoStatus`](crate::NoStatus).
pub fn router<I, S>(index: Arc<I>, status: Arc<S>) -> Router
where
    I: SearchIndex + 'static,
    S: Status + 'static,
{
    router_for(Access::default(), index, status)
}

/// Like [`router`], for those who may use it.
pub fn router_for<I, S>(access: Access, index: Arc<I>, status: Arc<S>) -> Router
where
    I: SearchIndex + 'static,
    S: Status + 'static,
{
    let read_only = CorsLayer::new()
        .allow_origin(access.origins.allowed())
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers(Any)
        .expose_headers([header::LINK, header::RETRY_AFTER]);
    let api = Router::new()
        .route("/healthz", get(health::<I, S>))
        .route("/api/v1/search", get(search::<I, S>))
        .route("/api/v1/suggest", get(suggest::<I, S>))
        .route("/api/v1/status", get(status_report::<I, S>))
        .route("/api/v1/openapi.json", get(description))
        // The fallback comes before the layer, which answers a browser's preflight requests and
        // lets other methods through.
        .method_not_allowed_fallback(only_reading)
        .layer(read_only);
    Router::new()
        .route("/", get(search_page::<I, S>))
        .route("/style.css", get(style))
        .route("/search.js", get(script))
        .route("/widget.js", get(widget))
        .route("/icon.svg", get(icon))
        .method_not_allowed_fallback(only_reading)
        .merge(api)
        .fallback(no_such_path)
        .layer(from_fn_with_state(Arc::new(access.hosts), check_host))
        .layer(map_response(headers::complete))
        .with_state(Service {
            index,
            status,
            load: Arc::new(Load::new(access.searches)),
        })
}

struct Service<I, S> {
    index: Arc<I>,
    status: Arc<S>,
    load: Arc<Load>,
}

impl<I, S> Clone for Service<I, S> {
    fn clone(&self) -> Self {
        Service {
            index: Arc::clone(&self.index),
            status: Arc::clone(&self.status),
            load: Arc::clone(&self.load),
        }
    }
}

/// A page of results and its neighbours.
struct Results {
    answer: Answer,
    next: Option<Query>,
    previous: Option<Query>,
}

impl<I, S> Service<I, S>
where
    I: SearchIndex + 'static,
    S: Status + 'static,
{
    async fn find(&self, query: &Query) -> Result<Results, Problem> {
        let (index, query) = (Arc::clone(&self.index), query.clone());
        self.load
            .carry(async move {
                let start = Instant::now();
                let hits = search::search(&*index, &query).await?;
                Ok(Results {
                    next: paging::next(&query, &hits),
                    previous: paging::previous(&query),
                    answer: Answer::new(&query, hits, start.elapsed()),
                })
            })
            .await
    }

    /// Returns completions of the typed text.
    async fn complete(&self, query: &Query) -> Result<Vec<Suggestion>, Problem> {
        let (index, query) = (Arc::clone(&self.index), query.clone());
        self.load
            .carry(async move {
                let Query {
                    text, site, limit, ..
                } = query;
                let found = search::completions(&*index, &text, site, limit).await?;
                Ok(Suggestion::all(found))
            })
            .await
    }

    /// Returns names that begin like the query; none after the first page of results.
    async fn names(&self, query: &Query) -> Vec<Suggestion> {
        if query.offset > 0 {
            return Vec::new();
        }
        let (index, query) = (Arc::clone(&self.index), query.clone());
        let found = self.load.carry(async move {
            let found = search::names(&*index, &query.text, query.site, MAX_NAMES).await?;
            Ok(Suggestion::all(found))
        });
        // The results are worth showing without the names too.
        found.await.unwrap_or_default()
    }

    async fn report(&self) -> Result<Report, Problem> {
        let status = Arc::clone(&self.status);
        self.load.carry(async move { status.status().await }).await
    }
}

async fn search<I: SearchIndex + 'static, S: Status + 'static>(
    State(service): State<Service<I, S>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::read(raw.as_deref().unwrap_or_default());
    let query = parameters.query().map_err(Problem::invalid)?;
    let found = service.find(&query).await?;
    let mut response = json(&found.answer);
    let neighbours = [("next", found.next), ("prev", found.previous)];
    let links: Vec<_> = neighbours
        .into_iter()
        .filter_map(|(relation, query)| Some((relation, query?)))
        .map(|(relation, query)| {
            // Relative to the URL of the request, as RFC 8288 section 3.2 requires.
            let target = paging::query_string(&query);
            format!("<search?{target}>; rel=\"{relation}\"")
        })
        .collect();
    if let Ok(links) = HeaderValue::try_from(links.join(", "))
        && !links.is_empty()
    {
        response.headers_mut().insert(header::LINK, links);
    }
    Ok(response)
}

async fn suggest<I: SearchIndex + 'static, S: Status + 'static>(
    State(service): State<Service<I, S>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::read(raw.as_deref().unwrap_or_default());
    let query = parameters.query().map_err(Problem::invalid)?;
    let suggestions = service.complete(&query).await?;
    let query = query.text;
    Ok(json(&Suggestions { query, suggestions }))
}

async fn search_page<I: SearchIndex + 'static, S: Status + 'static>(
    State(service): State<Service<I, S>>,
    RawQuery(raw): RawQuery,
) -> Response {
    let parameters = Parameters::read(raw.as_deref().unwrap_or_default());
    let (text, is_blank) = (parameters.text().to_owned(), parameters.is_blank());
    let query = match parameters.query() {
        Ok(query) => query,
        Err(faults) if is_blank && faults.iter().all(|fault| fault.parameter == "q") => {
            let report = service.report().await.unwrap_or_default();
            return html(StatusCode::OK, page::start(&report));
        }
        Err(faults) => return html(StatusCode::BAD_REQUEST, page::refused(&text, &faults)),
    };
    match join(service.find(&query), service.names(&query)).await {
        (Ok(found), _) if found.answer.results.is_empty() => {
            let report = service.report().await.unwrap_or_default();
            html(
                StatusCode::OK,
                page::nothing(&query, &found.answer, &report),
            )
        }
        (Ok(found), names) => html(
            StatusCode::OK,
            page::results(
                &query,
                &found.answer,
                &names,
                [found.previous.as_ref(), found.next.as_ref()],
            ),
        ),
        (Err(problem), _) => {
            let mut response = html(problem.status, page::failed(&query, &problem));
            if let Some(seconds) = problem.retry_after() {
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            response
        }
    }
}

/// Succeeds if the index answers. The query is a single letter: it is the cheapest search, and too
/// short to be corrected or completed.
async fn health<I: SearchIndex + 'static, S: Status + 'static>(
    State(service): State<Service<I, S>>,
) -> Result<Response, Problem> {
    let smallest = Query {
        text: "x".to_owned(),
        limit: 1,
        offset: 0,
        site: None,
        language: None,
        path: None,
    };
    service.find(&smallest).await?;
    Ok(json(&serde_json::json!({ "status": "ok" })))
}

async fn status_report<I: SearchIndex + 'static, S: Status + 'static>(
    State(service): State<Service<I, S>>,
) -> Result<Response, Problem> {
    Ok(json(&service.report().await?))
}

async fn description() -> Response {
    typed("application/json", DESCRIPTION.to_owned())
}

/// The page refers to the style sheet by its hash, so clients may cache it forever.
async fn style() -> Response {
    lasting(typed("text/css; charset=utf-8", page::STYLE.to_owned()))
}

async fn script() -> Response {
    lasting(typed(
        "text/javascript; charset=utf-8",
        page::SCRIPT.to_owned(),
    ))
}

/// Other sites refer to this name permanently, so clients cache the widget for only an hour.
async fn widget() -> Response {
    let mut response = typed("text/javascript; charset=utf-8", WIDGET.to_owned());
    let kept = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    let read = HeaderValue::from_static("cross-origin");
    response.headers_mut().insert(READ_BY, read);
    response
}

async fn icon() -> Response {
    lasting(typed("image/svg+xml", page::ICON.to_owned()))
}

async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "There is nothing at this path; api/v1/openapi.json lists what there is.",
    )
}

async fn only_reading() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only GET and HEAD are answered here.",
    )
}

fn json(body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => typed("application/json", text),
        Err(_) => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The answer has no JSON form.",
        )
        .into_response(),
    }
}

fn html(status: StatusCode, page: String) -> Response {
    (status, typed("text/html; charset=utf-8", page)).into_response()
}

fn typed(kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn lasting(mut response: Response) -> Response {
    const YEAR: (HeaderName, HeaderValue) = (
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    response.headers_mut().insert(YEAR.0, YEAR.1);
    response
}
