//! A reader of the guide.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use canter_tests::canter::Started;
use canter_tests::{Answer, Ended, Serving, Site};
use serde_json::Value;
use tempfile::TempDir;

/// What a line of the guide says, and what it means here.
const SITE: &str = "https://docs.example.org";
const SITE_NAME: &str = "docs.example.org";
const OWN_SITE: &str = "127.0.0.1:8000";
const SERVER: &str = "127.0.0.1:8080";

/// Somebody who reads the guide and types what it says.
pub(crate) struct Reader {
    site: Serving,
    home: TempDir,
    /// What serves the search at the moment, and its address.
    server: Option<(Started, String)>,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let tasks = "<!doctype html><html lang=en><title>Coroutines and Tasks</title>\
            <main><h1>Coroutines and Tasks</h1><p>Begin tasks with create_task.</p>\
            <h2 id=asyncio.gather>asyncio.gather</h2><p>With asyncio gather you wait for all.</p>";
        let library = [
            "/3/library/asyncio-task.html",
            "/3/library/asyncio.html",
            "/3/library/moved.html",
            "/3/library/dead.html",
        ];
        let site = Site::new()
            .page("/", ["/3/", "/2/"])
            .page("/3/", library)
            .answer(library[0], Answer::html(tasks))
            .page(library[1], [library[0]])
            .redirect(library[2], library[1])
            .robots("User-agent: *\nDisallow: /3/private/\n")
            .start();
        Reader {
            site,
            home: tempfile::tempdir().unwrap(),
            server: None,
        }
    }

    /// Does what a line says, and asserts that it went well.
    pub(crate) fn runs(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        // The lines that tell that a server is there, and that Ctrl-C ends it cleanly.
        let signs: &[&str] = match words.as_slice() {
            ["curl", url] => return self.asks(url.trim_matches('\'')),
            ["canter", "serve", ..] => &["Search at "],
            ["canter", "demo", ..] => &["Search at ", "Crawling "],
            ["canter", "crawl", ..] if words.contains(&"--serve") => &["Search at ", "Search at "],
            ["canter" | "mkdir", ..] => &[],
            _ => panic!("a block with this line must be marked sh,norun: {line}"),
        };
        self.ends_the_server();
        let here = self.here(line);
        eprintln!("$ {here}");
        if signs.is_empty() {
            let ended = self.shell(&here).end();
            assert_eq!(ended.status, Some(0), "{here}: {ended:?}");
            self.checks(line, &ended);
            return;
        }
        let run = self.shell(&format!("exec {here}"));
        let said: Vec<String> = signs.iter().map(|sign| run.says(sign)).collect();
        let address = said[0].split("http://").nth(1).unwrap();
        let address = address.split('/').next().unwrap().to_owned();
        assert_eq!(get(&address, "/healthz").0, 200, "{here}");
        self.server = Some((run, address));
    }

    /// Asserts that a search found something.
    fn checks(&self, line: &str, ended: &Ended) {
        let found =
            !line.starts_with("canter search") || ended.stdout.contains(&self.site.url("/"));
        assert!(found, "{line} finds nothing: {ended:?}");
    }

    /// A command as it is typed here.
    fn here(&self, line: &str) -> String {
        let name = format!("127.0.0.1:{}", self.site.port());
        let mut line = line
            .replace(SITE, &self.site.url(""))
            .replace(SITE_NAME, &name)
            .replace(OWN_SITE, &name)
            .replace(&format!(" --listen {SERVER}"), "");
        if line.starts_with("canter crawl") && !line.contains(" --allow-private") {
            line = line.replace("canter crawl", "canter crawl --allow-private");
        }
        if line.starts_with("canter serve") || line.starts_with("canter demo") {
            line += " --listen 127.0.0.1:0";
        }
        line.replace(" --serve", " --serve 127.0.0.1:0")
    }

    fn shell(&self, line: &str) -> Started {
        let program = Path::new(env!("CARGO_BIN_EXE_canter"));
        let folder = program.parent().unwrap().to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = [folder].into_iter().chain(std::env::split_paths(&others));
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env_remove("XDG_DATA_HOME");
        Started::spawn(command)
    }

    /// Sends a request to the server that was started last, and asserts that it has an answer.
    fn asks(&self, url: &str) {
        let (_, address) = self
            .server
            .as_ref()
            .expect("no line before starts a server");
        let target = url.strip_prefix(&format!("http://{SERVER}"));
        let target = self.here(target.unwrap_or_else(|| panic!("{url} is another server")));
        let (status, body) = get(address, &target);
        assert_eq!(status, 200, "{target}: {body}");
        let answer = || serde_json::from_str::<Value>(&body).unwrap();
        let found = match target.split('?').next().unwrap() {
            "/api/v1/search" => answer()["results"] != Value::Array(Vec::new()),
            "/api/v1/suggest" => answer()["suggestions"] != Value::Array(Vec::new()),
            _ => true,
        };
        assert!(found, "{target} finds nothing: {body}");
    }

    pub(crate) fn ends_the_server(&mut self) {
        if let Some((run, _)) = self.server.take() {
            run.signal("INT");
            run.end().done();
        }
    }
}

/// Status and body of an answer.
fn get(address: &str, target: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    // By HTTP/1.0 the body is not chunked, and ends with the connection.
    let request = format!("GET {target} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
