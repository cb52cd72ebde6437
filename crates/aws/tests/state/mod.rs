//! A pair of tables of a test's own, in the DynamoDB of the running stack.

#![allow(dead_code, reason = "each file of tests uses its part")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{process, thread};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use canter_aws::{Cloud, Endpoints, Names, tables};
use canter_tests::stack::Stack;
use tokio::runtime::Runtime;

/// Tables that go when this is dropped.
pub(crate) struct State {
    /// `name` in the names of the tables.
    pub(crate) name: String,
    pub(crate) cloud: Cloud,
}

impl State {
    pub(crate) async fn create() -> Self {
        let name = format!("paces-{}-{:x}", process::id(), fastrand::u64(..));
        let cloud = connect(&name, &endpoint()).await;
        tables::create(&cloud).await.unwrap();
        State { name, cloud }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let names = names(&self.name);
        // The test's own runtime cannot be waited for here.
        let dropped = thread::spawn(move || {
            Runtime::new().unwrap().block_on(async {
                for name in [names.pages, names.state] {
                    client()
                        .delete_table()
                        .table_name(name)
                        .send()
                        .await
                        .unwrap();
                }
            });
        });
        // A test that failed has said why already.
        let _ = dropped.join();
    }
}

/// Where DynamoDB itself answers.
pub(crate) fn endpoint() -> String {
    Stack::find().dynamodb_endpoint.to_string()
}

/// A connection to the tables of this name.
pub(crate) async fn connect(name: &str, dynamodb: &str) -> Cloud {
    let endpoints = Endpoints {
        dynamodb: dynamodb.to_owned(),
        sqs: Stack::find().aws_endpoint.to_string(),
    };
    Cloud::connect_local(names(name), endpoints).await
}

/// DynamoDB, without canter between.
pub(crate) fn client() -> aws_sdk_dynamodb::Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "local"))
        .endpoint_url(endpoint());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn names(name: &str) -> Names {
    Names {
        pages: format!("{name}-pages"),
        state: format!("{name}-state"),
        queue: "no queue is asked".into(),
        errands: String::new(),
        dead_letters: String::new(),
    }
}

/// Another way to DynamoDB: its answers come later, and some not at all.
pub(crate) struct Door {
    pub(crate) url: String,
    swallowed: Arc<AtomicUsize>,
}

impl Door {
    /// A way to the server at this URL, on which answers take so much longer.
    pub(crate) fn to(url: &str, delay: Duration) -> Self {
        let server = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let swallowed = Arc::new(AtomicUsize::new(0));
        let swallow = Arc::clone(&swallowed);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let server = TcpStream::connect(&server).unwrap();
                let (asking, asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let swallow = Arc::clone(&swallow);
                thread::spawn(move || carry(asking, asked, || true));
                thread::spawn(move || {
                    carry(server, client, || {
                        thread::sleep(delay);
                        let less = |left: usize| left.checked_sub(1);
                        let (set, get) = (Ordering::SeqCst, Ordering::SeqCst);
                        swallow.fetch_update(set, get, less).is_err()
                    });
                });
            }
        });
        Door { url, swallowed }
    }

    /// Ends the connection in the place of each of the next answers.
    pub(crate) fn swallow(&self, answers: usize) {
        self.swallowed.store(answers, Ordering::SeqCst);
    }
}

/// Carries what is read, while it may pass.
fn carry(mut from: TcpStream, mut to: TcpStream, passes: impl Fn() -> bool) {
    let mut buffer = [0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !passes() || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Either end may be closed already.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
