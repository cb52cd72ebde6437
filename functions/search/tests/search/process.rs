//! The program itself, as Lambda runs it: a server on loopback speaks the Lambda Runtime API
//! (2018-06-01) to it.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::gateway::{Answered, event, fill};
use canter_tests::contract::index::document;
use canter_tests::faults::{Asked, Reply, Turn};
use canter_tests::{Faults, OwnIndex, Stack};
use serde_json::Value;

/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_secs(60);

/// A process of the function, and Lambda around it.
struct Process {
    child: Child,
    events: Sender<Value>,
    answers: Receiver<Value>,
    _api: Faults,
}

impl Process {
    fn start(variables: &[(&str, &str)]) -> Self {
        let (events, waiting) = channel::<Value>();
        let (answered, answers) = channel();
        let waiting = Mutex::new(waiting);
        let handed = AtomicUsize::new(0);
        // Nothing reaches a server behind it.
        let api = Faults::before(&Stack::find().elasticsearch);
        let answered = Mutex::new(answered);
        api.rule(move |asked| {
            if asked.path.ends_with("/invocation/next") {
                // Ends with the test, which then has no use for an event.
                let Ok(event) = waiting.lock().unwrap().recv() else {
                    return Turn::CutBefore;
                };
                return Turn::Answer(next(&event, handed.fetch_add(1, Ordering::SeqCst)));
            }
            // Answers, and errors as they are.
            let _ = answered.lock().unwrap().send(told(asked));
            Turn::Answer(Reply::json(202, r#"{"status":"OK"}"#))
        });
        let address = api.url().authority().to_owned();
        let child = Command::new(env!("CARGO_BIN_EXE_canter-search"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "search")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", Stack::find().aws_endpoint.as_str())
            .env("CANTER_BUCKET", "no-such-bucket")
            .env("CANTER_INDEX_STORAGE", "512")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Process {
            child,
            events,
            answers,
            _api: api,
        }
    }

    fn ask(&self, event: Value) -> Answered {
        self.events.send(event).unwrap();
        let answer = self.answers.recv_timeout(LIMIT).unwrap();
        Answered::of(&answer)
    }

    /// Ends it, and gives what it logged and what it measured.
    fn end(mut self) -> [Vec<Value>; 2] {
        let _ = self.child.kill();
        let measured = self.child.stdout.take().unwrap();
        [self.log(), objects(measured)]
    }

    fn log(&mut self) -> Vec<Value> {
        objects(self.child.stderr.take().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was written: an object a line.
fn objects(mut written: impl Read) -> Vec<Value> {
    let mut text = String::new();
    written.read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

/// An event as the Runtime API hands it over.
fn next(event: &Value, number: usize) -> Reply {
    let mut reply = Reply::json(200, event.to_string());
    let headers = [
        ("lambda-runtime-aws-request-id", format!("request-{number}")),
        ("lambda-runtime-deadline-ms", "9999999999999".to_owned()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:search".to_owned(),
        ),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    reply.headers.extend(headers);
    reply
}

fn told(asked: &Asked) -> Value {
    assert!(asked.path.ends_with("/response"), "{}", asked.path);
    serde_json::from_slice(&asked.body).unwrap()
}

/// It starts before anything was crawled, finds the index once it is there, and tells of crawls.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn it_answers() {
    let own = OwnIndex::new();
    let process = Process::start(&[
        ("CANTER_INDEX_URL", &own.url()),
        ("CANTER_INDEX_SECRET", ""),
        ("CANTER_STATE_TABLE", "no-such-table"),
        ("CANTER_METRICS", "canter/docs"),
    ]);
    let style = process.ask(event("GET", "/style.css"));
    assert_eq!((style.status, style.base64), (200, false));
    let search = || event("GET", "/api/v1/search?q=C%2B%2B");
    assert_eq!(process.ask(search()).status, 503);
    fill(&own, vec![document("/a", 7, "C++")]).await;
    let found = process.ask(search());
    assert_eq!(found.status, 200, "{}", found.body);
    assert_eq!(found.json()["query"], "C++");
    assert_eq!(found.json()["total"]["value"], 1);
    assert_eq!(process.ask(event("GET", "")).header("location"), "search/");
    // The page needs no table; who asks for the crawls is told that there is none.
    assert_eq!(process.ask(event("GET", "/")).status, 200);
    assert_eq!(process.ask(event("GET", "/api/v1/status")).status, 500);
    let [log, measured] = process.end();
    assert_eq!(measured.len(), 1, "one search was answered: {measured:?}");
    assert!(measured[0]["SearchLatency"].as_f64() > Some(0.0));
    let line = |part: &str| {
        let found = log
            .iter()
            .find(|line| line.to_string().contains(part))
            .cloned();
        found.unwrap_or_else(|| panic!("{part} is not in {log:#?}"))
    };
    let nothing = line("there is no index");
    assert_eq!(nothing["level"], "WARN");
    assert_eq!(nothing["message"], "no answer for now");
    assert_eq!(
        nothing["span"]["id"],
        "77375676-0000-4b79-853a-f982474efe18"
    );
    assert_eq!(line("no-such-table")["level"], "ERROR");
}

#[test]
#[ignore = "needs the servers of make test"]
fn what_it_lacks_is_told() {
    let mut process = Process::start(&[("CANTER_INDEX_URL", "http://127.0.0.1:9/docs")]);
    assert_eq!(process.child.wait().unwrap().code(), Some(1));
    let log = process.log();
    let [line] = log.as_slice() else {
        panic!("{log:?}");
    };
    let error = line["error"].as_str().unwrap();
    assert!(
        error.starts_with("CANTER_STATE_TABLE is not set"),
        "{error}"
    );
    assert_eq!(line["level"], "ERROR");
}
