//! The OpenAPI document and the service say the same: routes, statuses, fields, both ways.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::fake::{FakeIndex, Running, get, over, send};
use canter_api::{ROUTES, router};
use canter_core::failure::Failure;
use serde_json::Value;

async fn description() -> Value {
    get(&over(FakeIndex::with(0)), "/api/v1/openapi.json")
        .await
        .json()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// What a `$ref` names, or the value itself.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let found = document.pointer(reference.trim_start_matches('#'));
            found.unwrap_or_else(|| panic!("nothing at {reference}"))
        }
        None => value,
    }
}

/// Holds a value to a schema: same keys, required ones present, types, enumerations, bounds.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = resolve(document, schema);
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().collect(),
        kind => vec![kind],
    };
    let fits = kinds.iter().any(|kind| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("null") => value.is_null(),
        other => panic!("{at}: no such type: {other:?}"),
    });
    assert!(fits, "{at}: {value} is no {kinds:?}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value}");
    }
    if let Some(properties) = schema.get("properties").filter(|_| !value.is_null()) {
        for key in keys(value) {
            assert!(properties.get(key).is_some(), "{at}.{key} is not described");
            check(
                document,
                &properties[key],
                &value[key],
                &format!("{at}.{key}"),
            );
        }
        for required in schema["required"].as_array().unwrap() {
            let key = required.as_str().unwrap();
            assert!(properties.get(key).is_some(), "{at}.{key} has no schema");
            assert!(
                value.get(key).is_some(),
                "{at}.{key} is described and not there"
            );
        }
        // Whatever may be left out is named here, so that no field is described and never sent.
        let required = schema["required"].as_array().unwrap().len();
        let optional = keys(properties).len() - required;
        assert_eq!(
            optional,
            usize::from(properties.get("errors").is_some()),
            "{at}"
        );
    }
    for item in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], item, &format!("{at}[]"));
    }
}

#[tokio::test]
async fn every_route_is_described_and_every_described_path_is_a_route() {
    let document = description().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(keys(&document["paths"]), BTreeSet::from(ROUTES));
    for (path, item) in document["paths"].as_object().unwrap() {
        assert_eq!(keys(item), BTreeSet::from(["get"]), "{path}");
    }
}

/// `name: index, method, URL, path in the document => status`: status, type and body as described.
macro_rules! described {
    ($($name:ident: $index:expr, $method:expr, $uri:expr => $status:expr;)*) => {
        mod described {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let document = description().await;
                let service = router(Arc::new($index), Arc::new(Running { searchable: 1 }));
                let answer = send(&service, $method, $uri).await;
                assert_eq!(answer.status.as_u16(), $status);
                let path = $uri.split('?').next().unwrap();
                let responses = &document["paths"][path]["get"]["responses"];
                let response = responses.get(answer.status.as_str()).expect("a described status");
                let response = resolve(&document, response);
                let kind = answer.header("content-type").split(';').next().unwrap();
                let content = response["content"].get(kind).expect("a described type");
                for header in response.get("headers").map(keys).into_iter().flatten() {
                    assert!(answer.headers.contains_key(header), "no {header}");
                }
                if kind.ends_with("json") {
                    check(&document, &content["schema"], &answer.json(), path);
                }
            })*
        }
    };
}

described! {
    results: FakeIndex::with(30), "GET", "/api/v1/search?q=a&offset=10" => 200;
    invalid: FakeIndex::with(1), "GET", "/api/v1/search?limit=0" => 400;
    not_allowed: FakeIndex::with(1), "POST", "/api/v1/search?q=a" => 405;
    broken: FakeIndex::failing(Failure::permanent("x")), "GET", "/api/v1/search?q=a" => 500;
    unavailable: FakeIndex::failing(Failure::transient("x")), "GET", "/api/v1/search?q=a" => 503;
    suggestions: FakeIndex::with(1), "GET", "/api/v1/suggest?q=ab" => 200;
    suggestions_invalid: FakeIndex::with(1), "GET", "/api/v1/suggest" => 400;
    suggestions_unavailable: FakeIndex::failing(Failure::transient("x")), "GET", "/api/v1/suggest?q=a" => 503;
    status: FakeIndex::with(0), "GET", "/api/v1/status" => 200;
    health: FakeIndex::with(0), "GET", "/healthz" => 200;
    health_unavailable: FakeIndex::failing(Failure::transient("x")), "GET", "/healthz" => 503;
    itself: FakeIndex::with(0), "GET", "/api/v1/openapi.json" => 200;
    page: FakeIndex::with(3), "GET", "/?q=a" => 200;
    page_invalid: FakeIndex::with(3), "GET", "/?q=a&limit=x" => 400;
    page_unavailable: FakeIndex::failing(Failure::transient("x")), "GET", "/?q=a" => 503;
    style: FakeIndex::with(0), "GET", "/style.css" => 200;
    script: FakeIndex::with(0), "GET", "/search.js" => 200;
    widget: FakeIndex::with(0), "GET", "/widget.js" => 200;
    icon: FakeIndex::with(0), "GET", "/icon.svg" => 200;
}

#[tokio::test]
async fn every_example_fits_its_schema() {
    let document = description().await;
    let mut checked = 0;
    let responses = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item["get"]["responses"].as_object().unwrap().values())
        .chain(
            document["components"]["responses"]
                .as_object()
                .unwrap()
                .values(),
        );
    for response in responses {
        for content in response["content"].as_object().into_iter().flatten() {
            let content = content.1;
            let several = content["examples"].as_object().into_iter().flatten();
            let examples = several
                .map(|(_, example)| &example["value"])
                .chain(content.get("example"));
            for example in examples {
                check(&document, &content["schema"], example, "example");
                checked += 1;
            }
        }
    }
    assert!(checked >= 7, "{checked}");
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = description().await;
    let text = document.to_string();
    let named: BTreeSet<_> = text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    for reference in &named {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for (group, components) in document["components"].as_object().unwrap() {
        for name in keys(components) {
            let reference = format!("/components/{group}/{name}");
            assert!(
                named.contains(reference.as_str()),
                "{reference} is not used"
            );
        }
    }
}

/// The bounds that the document gives are the ones that the service keeps.
#[tokio::test]
async fn the_bounds_of_parameters_are_kept() {
    let document = description().await;
    let parameters = document["components"]["parameters"].as_object().unwrap();
    let service = over(FakeIndex::with(1));
    for parameter in parameters.values() {
        let name = parameter["name"].as_str().unwrap();
        let schema = &parameter["schema"];
        let text = |length: u64| format!("/{}", "a".repeat(length as usize - 1));
        let rows = match name {
            "limit" | "offset" => {
                let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
                let (least, most) = (least.unwrap(), most.unwrap());
                let other = if name == "limit" { "" } else { "&limit=1" };
                [(least, 200), (least - 1, 400), (most, 200), (most + 1, 400)]
                    .map(|(value, status)| (format!("{name}={value}&q=a{other}"), status))
                    .to_vec()
            }
            "lang" => continue,
            _ => {
                let most = schema["maxLength"].as_u64().unwrap();
                let rest = if name == "q" { "" } else { "&q=a" };
                vec![
                    (format!("{name}={}{rest}", text(most)), 200),
                    (format!("{name}={}{rest}", text(most + 1)), 400),
                ]
            }
        };
        for (query, status) in rows {
            let answer = get(&service, &format!("/api/v1/search?{query}")).await;
            assert_eq!(answer.status.as_u16(), status, "{query}");
        }
    }
}
