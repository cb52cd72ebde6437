//! The latency of searches, as metrics of the stack.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Uri;
use axum::response::Response;
use canter_aws::{Clock, Metrics, Unit};
use serde_json::Value;

/// Id of the canary's request. The template's schedule calls the function with an event like those
/// of API Gateway, whose own ids are UUIDs.
const CANARY: &str = "canary";

/// Measures searches.
pub struct Latency {
    metrics: Metrics,
    clock: Clock,
}

/// Who searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Searcher {
    Person,
    Canary,
}

impl Searcher {
    /// Returns who searches by the request with this id; none if it is no search.
    pub(crate) fn of(id: &str, uri: &Uri) -> Option<Self> {
        let search = match uri.path() {
            "/api/v1/search" => true,
            "/" => uri.query().is_some(),
            _ => false,
        };
        search.then_some(match id {
            CANARY => Searcher::Canary,
            _ => Searcher::Person,
        })
    }
}

impl Latency {
    /// Measures into these metrics.
    pub fn new(metrics: Metrics, clock: Clock) -> Self {
        Latency { metrics, clock }
    }

    /// Notes a search that took this time, if it was answered. The canary's must have found a page,
    /// too: its alarm is raised where it has no latency.
    pub(crate) async fn note(
        &self,
        searcher: Searcher,
        took: Duration,
        answer: Response,
    ) -> Response {
        if !answer.status().is_success() {
            return answer;
        }
        let (name, answer) = match searcher {
            Searcher::Person => ("SearchLatency", answer),
            Searcher::Canary => {
                let (found, answer) = found(answer).await;
                if !found {
                    tracing::error!("the canary's search found nothing");
                    return answer;
                }
                ("CanaryLatency", answer)
            }
        };
        let took = (name, Unit::Milliseconds, took.as_secs_f64() * 1e3);
        self.metrics.write((self.clock)(), None, &[took]);
        answer
    }
}

/// Whether an answer of the search API has a result.
async fn found(answer: Response) -> (bool, Response) {
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let read: Value = serde_json::from_slice(&body).unwrap_or_default();
    let found = read["total"]["value"].as_u64() > Some(0);
    (found, Response::from_parts(head, Body::from(body)))
}
