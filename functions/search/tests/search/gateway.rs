//! Requests as API Gateway hands them to the function, and what it hands back.

use std::sync::Arc;

use axum::Router;
use canter_aws::Metrics;
use canter_core::document::Document;
use canter_core::ports::IndexWriter;
use canter_core::time::Moment;
use canter_elastic::{ElasticIndex, Settings};
use canter_search::{Latency, service};
use canter_tests::{Lines, OwnIndex};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Service};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

/// What API Gateway is given for its client.
pub(crate) struct Answered {
    pub(crate) status: u64,
    headers: Value,
    pub(crate) body: String,
    pub(crate) base64: bool,
}

impl Answered {
    /// What a function's process hands back.
    pub(crate) fn of(answer: &Value) -> Self {
        Answered {
            status: answer["statusCode"].as_u64().unwrap(),
            headers: answer["multiValueHeaders"].clone(),
            body: answer["body"].as_str().unwrap_or_default().to_owned(),
            base64: answer["isBase64Encoded"].as_bool().unwrap(),
        }
    }

    /// The one value of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        match &self.headers[name] {
            Value::Null => "",
            values => {
                assert_eq!(values.as_array().unwrap().len(), 1, "{name}");
                values[0].as_str().unwrap()
            }
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The parameters that a problem names. Panics where this is none.
    pub(crate) fn problem(&self) -> Vec<String> {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let names = errors
            .iter()
            .map(|error| error["parameter"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }
}

/// The event of a request to the stage `search`, by its URL behind that; empty for the stage's root
/// without a slash. The shape is that of "Input format of a Lambda function for proxy integration"
/// in the developer guide of API Gateway; parameters come decoded, and of a repeated one the single
/// values hold the last.
pub(crate) fn event(method: &str, url: &str) -> Value {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut single, mut multiple) = (json!({}), json!({}));
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        single[&*name] = json!(value);
        match &mut multiple[&*name] {
            Value::Array(values) => values.push(json!(value)),
            none => *none = json!([value]),
        }
    }
    let none_if_empty = |map: Value| match map.as_object() {
        Some(map) if map.is_empty() => Value::Null,
        _ => map,
    };
    let rest = path.trim_start_matches('/');
    let (resource, parameters) = match rest {
        "" => ("/", Value::Null),
        rest => ("/{proxy+}", json!({"proxy": rest})),
    };
    json!({
        "resource": resource,
        "path": format!("/{rest}"),
        "httpMethod": method,
        "headers": {
            "Accept": "*/*",
            "Host": "abc123.execute-api.eu-central-1.amazonaws.com",
            "X-Forwarded-Proto": "https",
        },
        "multiValueHeaders": {
            "Accept": ["*/*"],
            "Host": ["abc123.execute-api.eu-central-1.amazonaws.com"],
            "X-Forwarded-Proto": ["https"],
        },
        "queryStringParameters": none_if_empty(single),
        "multiValueQueryStringParameters": none_if_empty(multiple),
        "pathParameters": parameters,
        "stageVariables": null,
        "requestContext": {
            "resourceId": "x1y2z3",
            "resourcePath": resource,
            "httpMethod": method,
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "requestTime": "22/Nov/2026:10:00:00 +0000",
            "path": format!("/search{path}"),
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "search",
            "domainPrefix": "abc123",
            "requestTimeEpoch": 1_795_341_600_000_u64,
            "requestId": "77375676-0000-4b79-853a-f982474efe18",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "apiId": "abc123",
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

/// Hands an event over as the function's process does.
pub(crate) async fn hand(router: &Router, event: &Value) -> Answered {
    measured(router, event, &Lines::default()).await
}

/// The same, with the metrics in a log.
pub(crate) async fn measured(router: &Router, event: &Value, log: &Lines) -> Answered {
    let request: LambdaRequest = serde_json::from_str(&event.to_string()).unwrap();
    let metrics = Metrics::new("canter/docs".to_owned(), log.clone());
    let latency = Latency::new(metrics, Arc::new(|| Moment::from_millis(7)));
    let mut function = Adapter::from(service(router.clone(), Arc::new(latency)));
    let answer = function.call(LambdaEvent::new(request, Context::default()));
    Answered::of(&serde_json::to_value(answer.await.unwrap()).unwrap())
}

pub(crate) async fn get(router: &Router, url: &str) -> Answered {
    hand(router, &event("GET", url)).await
}

/// How an index of a test's own is opened.
pub(crate) fn settings(own: &OwnIndex) -> Settings {
    Settings::new(&own.url(), None).unwrap()
}

/// Puts pages into it.
pub(crate) async fn fill(own: &OwnIndex, pages: Vec<Document>) {
    let index = ElasticIndex::open(&settings(own)).await.unwrap();
    let (put, flushed) = tokio::join!(biased; index.put(pages), index.flush());
    assert_eq!((put, flushed), (Ok(vec![]), Ok(())));
}

/// Every URL that a page of HTML names.
pub(crate) fn urls_of(page: &str) -> Vec<String> {
    let attributes = [" href=\"", " src=\"", " action=\""];
    let values = attributes.iter().flat_map(|name| {
        let after = page.split(name).skip(1);
        after.map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
    });
    values.collect()
}

/// Where a URL leads that stands on the page of this address.
pub(crate) fn resolved(page: &str, url: &str) -> String {
    Url::parse(page).unwrap().join(url).unwrap().into()
}
