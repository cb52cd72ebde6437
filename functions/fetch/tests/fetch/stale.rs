//! What a worker does with tasks of a crawl that it reads wrongly, or cannot read.

use std::sync::Arc;
use std::time::Duration;

use canter_aws::Endpoints;
use canter_tantivy::TantivyIndex;
use canter_tests::faults::{Faults, Reply, Turn};
use canter_tests::{Site, Stack};
use serde_json::{Value, json};

use crate::world::{Place, indexed, plenty, received, spec};

/// Works on the messages of a crawl of one page, while cheap reads of the site have another
/// value of an attribute: the reasons why messages failed, and the pages in the index.
async fn worked_on(name: &'static str, value: Value) -> (Vec<String>, usize) {
    let site = Site::new().page("/", []).start();
    let place = Place::create(Duration::from_secs(300)).await;
    let spec = spec(&site.url("/"), None);
    place.begin(&spec).await;
    let proxy = Faults::before(&Stack::find().dynamodb_endpoint);
    proxy.rule(move |request| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let of_site = asked["Key"].to_string().contains("\"site#");
        if !of_site || asked["ConsistentRead"] == true {
            return Turn::Pass;
        }
        let value = value.clone();
        Turn::Change {
            body: request.body.clone(),
            answer: Box::new(move |reply| {
                let mut answer: Value = serde_json::from_slice(&reply.body).unwrap();
                if answer.get("Item").is_some() {
                    answer["Item"][name] = value;
                }
                Reply {
                    body: answer.to_string().into_bytes(),
                    ..reply
                }
            }),
        }
    });
    let through = Endpoints {
        dynamodb: proxy.url().to_string(),
        ..place.endpoints()
    };
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let worker = place.worker_over(place.through(through).await, &index);
    let messages = place.receive().await;
    let report = worker.batch(received(&messages), plenty()).await;
    let failed = report.failed.into_iter().map(|failed| failed.why).collect();
    (failed, indexed(&index, &spec.site.id).await.len())
}

/// It rested a moment ago, and goes on: its tasks are in no other message.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn a_crawl_that_goes_on_again_loses_no_task() {
    for (name, value) in [
        ("rest", json!({"S": "{\"rest\":\"stopped\"}"})),
        ("ended", json!({"N": "5"})),
    ] {
        assert_eq!(worked_on(name, value).await, (vec![], 1), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn tasks_of_what_another_version_wrote_stay_in_the_queue() {
    let (failed, _) = worked_on("plan", json!({"B": "AAAA"})).await;
    let [why] = failed.as_slice() else {
        panic!("{failed:?}");
    };
    assert!(why.contains("another version"), "{why}");
}
