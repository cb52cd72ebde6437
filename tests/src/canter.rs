//! Runs of the real program.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Maximum wait for the next line of a run, or for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program of the calling package, with its own data folder.
#[macro_export]
macro_rules! canter {
    () => {
        $crate::Canter::new(env!("CARGO_BIN_EXE_canter"))
    };
}

/// The program and a data folder.
pub struct Canter {
    program: PathBuf,
    data: PathBuf,
    environment: Vec<(OsString, OsString)>,
    _folder: TempDir,
}

impl Canter {
    /// The program with a new data folder, which is removed with this value.
    pub fn new(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Canter {
            program: program.into(),
            data: folder.path().join("data"),
            environment: Vec::new(),
            _folder: folder,
        }
    }

    /// With another data folder.
    #[must_use]
    pub fn at(mut self, data: impl AsRef<Path>) -> Self {
        self.data = data.as_ref().to_owned();
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The path of the program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Crawls a test site as the site `t`, and waits for the end. Without `--rps` in `args` there
    /// is no rate limit.
    pub fn crawl(&self, url: &str, args: &[&str]) -> Ended {
        self.start_crawl(url, args).end()
    }

    /// Like [`Canter::crawl`], but does not wait.
    pub fn start_crawl(&self, url: &str, args: &[&str]) -> Started {
        let mut all = vec!["crawl", url, "--allow-private", "--json", "--site", "t"];
        if !args.contains(&"--rps") {
            all.extend(["--rps", "unlimited"]);
        }
        all.extend(args);
        self.start(&all)
    }

    /// Runs a command with the data folder, and waits for its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.start(args).end()
    }

    /// Starts a command with the data folder.
    pub fn start(&self, args: &[&str]) -> Started {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .arg("--data")
            .arg(&self.data)
            .envs(self.environment.clone());
        Started::spawn(command)
    }

    /// The pages of the site `t` in the index, sorted by URL, without the times of their fetches.
    pub fn export(&self) -> Vec<Value> {
        let ended = self.run(&["export", "t"]);
        let mut pages: Vec<Value> = ended.done().stdout.lines().map(parse).collect();
        for page in &mut pages {
            page.as_object_mut().unwrap().remove("fetched_at_ms");
        }
        pages.sort_by_key(|page| page["url"].to_string());
        pages
    }

    /// The paths of the pages of the site `t` in the index, sorted.
    pub fn indexed(&self) -> Vec<String> {
        let path = |page: &Value| {
            let url: url::Url = page["url"].as_str().unwrap().parse().unwrap();
            url[url::Position::BeforePath..].to_owned()
        };
        self.export().iter().map(path).collect()
    }
}

/// A running program. It is killed when dropped.
pub struct Started {
    child: Child,
    lines: Receiver<String>,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Started {
    /// Starts a command and reads its outputs.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (out, err) = (sender.clone(), sender);
        let read = |from: Box<dyn Read + Send>, to: std::sync::mpsc::Sender<String>| {
            thread::spawn(move || {
                let mut whole = String::new();
                for line in BufReader::new(from).lines().map_while(Result::ok) {
                    whole += &line;
                    whole.push('\n');
                    // The receiver may be gone.
                    let _ = to.send(line);
                }
                whole
            })
        };
        Started {
            child,
            lines,
            stdout: read(Box::new(stdout), out),
            stderr: read(Box::new(stderr), err),
        }
    }

    /// Waits for a line on either output that contains `words`.
    pub fn says(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it never says {words:?}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal: `INT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        // Fails if the process has ended already.
        let _ = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .output();
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ended {
        // Both outputs close when the process ends.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("no word and no end within {PATIENCE:?}");
                }
            }
        }
        let status = self.child.wait().unwrap();
        let outputs = (
            std::mem::replace(&mut self.stdout, thread::spawn(String::new)),
            std::mem::replace(&mut self.stderr, thread::spawn(String::new)),
        );
        Ended {
            status: status.code(),
            stdout: outputs.0.join().unwrap(),
            stderr: outputs.1.join().unwrap(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Fails if it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ended {
    /// Asserts that it succeeded.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.status, Some(0), "{}\n{}", self.stderr, self.stdout);
        self
    }

    /// Asserts that it failed with this status, and with one sentence that contains all of `words`.
    #[track_caller]
    pub fn fails(self, status: i32, words: &[&str]) {
        assert_eq!(
            self.status,
            Some(status),
            "{}\n{}",
            self.stderr,
            self.stdout
        );
        let sentences: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error:"))
            .collect();
        assert_eq!(sentences.len(), 1, "{}", self.stderr);
        for word in words {
            assert!(
                sentences[0].contains(word),
                "{word:?} is not in {}",
                self.stderr
            );
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    /// The last line of `--json`.
    #[track_caller]
    pub fn summary(&self) -> Value {
        let last = self.stdout.lines().last();
        let summary = parse(last.unwrap_or_else(|| panic!("no summary: {}", self.stderr)));
        assert_eq!(summary["event"], "summary", "{}", self.stdout);
        summary
    }

    /// Asserts numbers of the summary.
    #[track_caller]
    pub fn counts(&self, expected: &[(&str, u64)]) {
        let summary = self.summary();
        for (name, count) in expected {
            let found = if let Some(reason) = name.strip_prefix("skipped_by.") {
                &summary["skipped_by"][reason]
            } else {
                &summary[name]
            };
            assert_eq!(found.as_u64(), Some(*count), "{name} in {summary}");
        }
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
