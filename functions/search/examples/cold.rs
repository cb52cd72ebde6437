//! How long the search function takes for a first answer and for the next ones, over an index in a
//! bucket that answers 30 ms late, as S3 does. The bucket is that of the servers that
//! `localstack/up --stack test` started; the index is one of a data folder.
//!
//! `cargo run --release -p canter-search --example cold -- PROGRAM DATA SITE WORD…`
//!
//! `PROGRAM` is `target/release/canter-search`; each word is searched for, the first one cold.

#![expect(clippy::print_stdout, reason = "figures are for a person")]
#![expect(clippy::unwrap_used, reason = "a measurement may end by a panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, UNIX_EPOCH};

use canter_aws::{Cloud, CloudGenerations, Endpoints, Names, create_bucket, delete_bucket, tables};
use canter_core::ports::{Generations, Pointer};
use canter_core::time::Moment;
use canter_tantivy::LAYOUT;
use canter_tests::faults::{Reply, Turn};
use canter_tests::{Faults, Stack};
use serde_json::{Value, json};

/// Time that each request to S3 takes more.
const LATE: Duration = Duration::from_millis(30);
/// How often the function is started.
const STARTS: usize = 5;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, data, site, words @ ..] = arguments.as_slice() else {
        panic!("usage: cold PROGRAM DATA SITE WORD…");
    };
    let stack = Stack::find();
    let endpoints = Endpoints {
        dynamodb: stack.dynamodb_endpoint.to_string(),
        s3: stack.aws_endpoint.to_string(),
        sqs: stack.aws_endpoint.to_string(),
    };
    let name = |kind: &str| format!("{kind}-cold-{}", std::process::id());
    let names = Names {
        pages: name("pages"),
        state: name("state"),
        bucket: name("index"),
        queue: String::new(),
        errands: String::new(),
        dead_letters: String::new(),
    };
    let cloud = Cloud::connect_local(names.clone(), endpoints).await;
    tables::create(&cloud).await.unwrap();
    create_bucket(&cloud).await.unwrap();
    let now = || Moment(UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64);
    let generations = CloudGenerations::new(cloud.clone(), std::sync::Arc::new(now));
    store(&generations, &Path::new(data).join("index"), site).await;
    let s3 = Faults::before(&stack.aws_endpoint);
    s3.rule(|_| Turn::Late(LATE));
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let function = Function::start(program, &names, s3.url().as_str());
        for (number, word) in words.iter().enumerate() {
            let took = function.search(word);
            match number {
                0 => cold.push(took),
                _ => warm.push(took),
            }
        }
    }
    for (what, mut took) in [("cold, from its start", cold), ("warm", warm)] {
        took.sort_unstable();
        let at = |share: usize| took[took.len() * share / 100].as_millis();
        println!(
            "{what}: median {} ms, most {} ms, of {}",
            at(50),
            at(99),
            took.len()
        );
    }
    delete_bucket(&cloud).await.unwrap();
    tables::delete(&cloud).await.unwrap();
}

/// Stores the index of a folder as a generation.
async fn store(generations: &CloudGenerations, folder: &Path, site: &str) {
    let meta: Value =
        serde_json::from_slice(&std::fs::read(folder.join("meta.json")).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with('.') || name == "meta.json" {
            continue;
        }
        generations
            .upload(site, &name, &entry.path())
            .await
            .unwrap();
        files.insert(name, entry.metadata().unwrap().len());
    }
    println!(
        "{} MB in {} files",
        files.values().sum::<u64>() >> 20,
        files.len()
    );
    let manifest = json!({"layout": LAYOUT, "meta": meta, "files": files, "left_out": {}});
    let text = manifest.to_string().into_bytes();
    generations.write(site, "first", text).await.unwrap();
    let pointer = Pointer {
        current: "first".into(),
        previous: None,
    };
    assert!(generations.point(site, None, &pointer).await.unwrap());
}

/// A process of the function, and Lambda's Runtime API (2018-06-01) around it.
struct Function {
    began: Instant,
    first: AtomicUsize,
    child: Child,
    events: Sender<Value>,
    answers: Receiver<Value>,
    _api: Faults,
}

impl Function {
    fn start(program: &str, names: &Names, s3: &str) -> Self {
        let (events, waiting) = channel::<Value>();
        let (answered, answers) = channel();
        let (waiting, answered) = (Mutex::new(waiting), Mutex::new(answered));
        let api = Faults::before(&Stack::find().aws_endpoint);
        api.rule(move |asked| {
            if asked.path.ends_with("/invocation/next") {
                let Ok(event) = waiting.lock().unwrap().recv() else {
                    return Turn::CutBefore;
                };
                let mut reply = Reply::json(200, event.to_string());
                for (name, value) in [
                    ("Lambda-Runtime-Aws-Request-Id", "1"),
                    ("Lambda-Runtime-Deadline-Ms", "9999999999999"),
                    (
                        "Lambda-Runtime-Invoked-Function-Arn",
                        "arn:aws:lambda:x:1:function:f",
                    ),
                ] {
                    reply.headers.push((name.to_owned(), value.to_owned()));
                }
                return Turn::Answer(reply);
            }
            let answer = serde_json::from_slice(&asked.body).unwrap_or_default();
            let _ = answered.lock().unwrap().send(answer);
            Turn::Answer(Reply::json(202, r#"{"status":"OK"}"#))
        });
        let stack = Stack::find();
        let child = Command::new(program)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.url().authority())
            .env("AWS_LAMBDA_FUNCTION_NAME", "search")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", stack.aws_endpoint.as_str())
            .env(
                "AWS_ENDPOINT_URL_DYNAMODB",
                stack.dynamodb_endpoint.as_str(),
            )
            .env("AWS_ENDPOINT_URL_S3", s3)
            .env("CANTER_INDEX_URL", "")
            .env("CANTER_INDEX_STORAGE", "2048")
            .env("CANTER_BUCKET", &names.bucket)
            .env("CANTER_STATE_TABLE", &names.state)
            .env("CANTER_METRICS", "canter/cold")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Function {
            began: Instant::now(),
            first: AtomicUsize::new(0),
            child,
            events,
            answers,
            _api: api,
        }
    }

    /// Searches, and returns the time that it took; that of the first search is since the start.
    fn search(&self, word: &str) -> Duration {
        let began = match self.first.fetch_add(1, Ordering::Relaxed) {
            0 => self.began,
            _ => Instant::now(),
        };
        let path = "/api/v1/search";
        let event = json!({
            "resource": "/{proxy+}", "path": path, "httpMethod": "GET",
            "headers": {"host": "h"}, "multiValueHeaders": {"host": ["h"]},
            "queryStringParameters": {"q": word},
            "multiValueQueryStringParameters": {"q": [word]},
            "pathParameters": {"proxy": "api/v1/search"},
            "requestContext": {
                "resourcePath": "/{proxy+}", "httpMethod": "GET", "path": path,
                "requestId": "1", "apiId": "a", "stage": "search", "accountId": "1",
                "resourceId": "r", "identity": {}, "protocol": "HTTP/1.1",
            },
            "isBase64Encoded": false,
        });
        self.events.send(event).unwrap();
        let answer = self.answers.recv_timeout(Duration::from_secs(60)).unwrap();
        let took = began.elapsed();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        took
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
