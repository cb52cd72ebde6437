//! An index of one test on the real Elasticsearch, removed when the test ends.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use url::Url;

use crate::stack::Stack;

/// A unique name for an index. Dropping it removes the indexes and templates whose names begin with
/// it.
pub struct OwnIndex {
    server: Url,
    name: String,
}

impl OwnIndex {
    /// A new name; nothing is created on the server yet. Panics if no server was started for tests.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        OwnIndex {
            server: Stack::find().elasticsearch,
            name: format!("test-{}-{now}-{number}", std::process::id()),
        }
    }

    /// What `--index` takes.
    pub fn url(&self) -> String {
        self.server.join(&self.name).unwrap().into()
    }

    /// The same index through another address, such as a proxy.
    pub fn by_way_of(&self, server: &Url) -> String {
        server.join(&self.name).unwrap().into()
    }

    /// The URL of the server.
    pub fn server(&self) -> &Url {
        &self.server
    }

    /// Sends a request to the server. Gives the status and the body, which is null if it is not
    /// JSON. `path` begins with a slash.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let host = self.server.host_str().unwrap();
        let port = self.server.port_or_known_default().unwrap();
        let mut stream = TcpStream::connect((host, port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // In HTTP/1.0 the answer ends with the connection, and is not chunked.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            status.unwrap(),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }
}

impl Drop for OwnIndex {
    fn drop(&mut self) {
        let name = &self.name;
        // By their full names: newer servers delete nothing by a pattern.
        let (_, indexes) = self.ask("GET", &format!("/_cat/indices/{name}-*?format=json"), "");
        for index in indexes.as_array().into_iter().flatten() {
            let index = index["index"].as_str().unwrap();
            self.ask("DELETE", &format!("/{index}"), "");
        }
        self.ask("DELETE", &format!("/_index_template/{name}-*"), "");
    }
}
