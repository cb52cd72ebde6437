//! What one message of the queue says: tasks of one domain.
//!
//! JSON, since LocalStack and Lambda's event source may parse a body and write it again; nothing
//! relies on its exact bytes:
//!
//! ```json
//! {"canter":1,"site":"docs.example.org","crawl":1767225600000,"domain":"example.org",
//!  "parents":["https://docs.example.org/"],
//!  "tasks":[{"url":"https://docs.example.org/a","depth":1,"parent":0}]}
//! ```
//!
//! `parent` is a place in `parents`, as many tasks have one parent. `due`, in milliseconds since
//! the Unix epoch, is there when a message is to wait for longer than the queue can delay it,
//! `outages` when its tasks were sent on since a store failed them, `run` when the crawl has gone
//! on after a rest. Zeros are left out.

use std::collections::HashMap;

use canter_core::domain::{Domain, domain};
use canter_core::task::{Kind, Task};
use canter_core::time::Moment;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// The version that this canter writes and reads.
pub(super) const VERSION: u64 = 1;
/// Most bytes of a message with more than one task: SQS bills each 64 KB as one request, and
/// whoever writes the JSON again may write it a little longer.
pub const MAX_BYTES: usize = 60 * 1024;
/// Nothing longer is even parsed: more than a whole batch of ours may have.
const MAX_PARSED: usize = 256 * 1024;

/// Tasks of one domain, site and crawl; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Id of the site.
    pub site: String,
    /// Id of the crawl.
    pub crawl: u64,
    /// Whose pace the tasks wait for. In a message of a build with another list of public suffixes
    /// they may wait for several: this is the first task's.
    pub domain: Domain,
    /// How the tasks were sent.
    pub terms: Terms,
    /// What is to be fetched.
    pub tasks: Vec<Task>,
}

/// What is said of tasks that are sent together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Terms {
    /// Nothing is begun before this.
    pub due: Option<Moment>,
    /// How often, in a row, the tasks were sent on for no fault of their pages: a store failed, or
    /// time was up before their end.
    pub outages: u32,
    /// How often the crawl had gone on after a rest. Whoever lets it go on sends all tasks again,
    /// and those of an earlier run that the queue still holds are dropped as they come up.
    pub run: u32,
}

/// Why a body is no message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Some other sender's.
    #[error("the message is not canter's")]
    NotOurs,
    /// Of an older or a newer canter.
    #[error("the message has version {0}, this canter reads version {VERSION}")]
    Version(u64),
    /// Ours by its looks, yet not whole.
    #[error("the message is broken: {0}")]
    Broken(String),
    /// Longer than any of ours.
    #[error("the message has {0} bytes, canter's have at most {MAX_PARSED}")]
    TooLarge(usize),
}

#[derive(Deserialize)]
struct Envelope {
    canter: u64,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    canter: u64,
    site: String,
    crawl: u64,
    /// For who looks at a queue: a reader goes by its own list of public suffixes.
    #[serde(skip_deserializing)]
    domain: Option<Domain>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    outages: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    run: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parents: Vec<Url>,
    tasks: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    url: Url,
    #[serde(default, skip_serializing_if = "is_default")]
    depth: u32,
    #[serde(default, skip_serializing_if = "is_default")]
    hops: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<usize>,
    #[serde(default, skip_serializing_if = "is_default")]
    kind: Kind,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Message {
    /// As it is sent.
    pub fn encode(&self) -> String {
        let mut parents = Vec::new();
        let mut places: HashMap<&Url, usize> = HashMap::new();
        let mut tasks = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            let parent = task.parent.as_ref().map(|parent| {
                *places.entry(parent).or_insert_with(|| {
                    parents.push(parent.clone());
                    parents.len() - 1
                })
            });
            tasks.push(Entry {
                url: task.url.clone(),
                depth: task.depth,
                hops: task.hops,
                attempts: task.attempts,
                parent,
                kind: task.kind,
            });
        }
        let wire = Wire {
            canter: VERSION,
            site: self.site.clone(),
            crawl: self.crawl,
            domain: Some(self.domain.clone()),
            due: self.terms.due.map(Moment::millis),
            outages: self.terms.outages,
            run: self.terms.run,
            parents,
            tasks,
        };
        // Strings, numbers and lists of them: nothing that JSON cannot say.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads a body, whoever wrote it.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        check_envelope(body)?;
        let wire: Wire =
            serde_json::from_str(body).map_err(|error| Refusal::Broken(error.to_string()))?;
        let tasks: Result<Vec<Task>, Refusal> =
            wire.tasks.iter().map(|entry| task(&wire, entry)).collect();
        let tasks = tasks?;
        let Some(first) = tasks.first() else {
            return Err(Refusal::Broken("it has no task".into()));
        };
        Ok(Message {
            site: wire.site,
            crawl: wire.crawl,
            domain: domain(&first.url),
            terms: Terms {
                due: wire.due.map(Moment::from_millis),
                outages: wire.outages,
                run: wire.run,
            },
            tasks,
        })
    }
}

/// Whether a body says that it is a message of ours, of this version.
pub(super) fn check_envelope(body: &str) -> Result<(), Refusal> {
    if body.len() > MAX_PARSED {
        return Err(Refusal::TooLarge(body.len()));
    }
    let envelope: Envelope = serde_json::from_str(body).map_err(|_| Refusal::NotOurs)?;
    if envelope.canter != VERSION {
        return Err(Refusal::Version(envelope.canter));
    }
    Ok(())
}

fn task(wire: &Wire, entry: &Entry) -> Result<Task, Refusal> {
    let broken = |what: String| Err(Refusal::Broken(what));
    if !matches!(entry.url.scheme(), "http" | "https") {
        return broken(format!("{} cannot be fetched", entry.url));
    }
    let parent = match entry.parent {
        None => None,
        Some(place) => match wire.parents.get(place) {
            Some(parent) => Some(parent.clone()),
            None => return broken(format!("{} has no parent {place}", entry.url)),
        },
    };
    Ok(Task {
        site: wire.site.clone(),
        crawl: wire.crawl,
        url: entry.url.clone(),
        depth: entry.depth,
        hops: entry.hops,
        attempts: entry.attempts,
        parent,
        kind: entry.kind,
    })
}

/// Packs tasks into few messages: each of one domain, site and crawl, in the given order, with at
/// most so many tasks as `most` says of its domain, and within [`MAX_BYTES`] unless one task alone
/// is longer.
pub fn pack(tasks: Vec<Task>, terms: Terms, most: impl Fn(&Domain) -> usize) -> Vec<Message> {
    let mut open: Vec<Packing> = Vec::new();
    let mut places: HashMap<(String, u64, Domain), usize> = HashMap::new();
    let mut full = Vec::new();
    for task in tasks {
        let key = (task.site.clone(), task.crawl, domain(&task.url));
        let place = *places
            .entry(key)
            .or_insert_with_key(|(site, crawl, domain)| {
                let message = Message {
                    site: site.clone(),
                    crawl: *crawl,
                    domain: domain.clone(),
                    terms,
                    tasks: Vec::new(),
                };
                open.push(Packing::new(message, most(domain).max(1)));
                open.len() - 1
            });
        if let Some(packing) = open.get_mut(place) {
            full.extend(packing.add(task));
        }
    }
    let last = open.into_iter().map(|packing| packing.message);
    full.extend(last.filter(|message| !message.tasks.is_empty()));
    full
}

/// A message that is being filled.
struct Packing {
    message: Message,
    most: usize,
    /// At least as many bytes as the message has by now.
    bytes: usize,
    empty: usize,
    parents: HashMap<Url, ()>,
}

impl Packing {
    /// What the names, the marks and the numbers of an entry take at most.
    const ENTRY: usize = 110;

    fn new(message: Message, most: usize) -> Self {
        let empty = message.encode().len() + r#","parents":[]"#.len();
        Packing {
            message,
            most,
            bytes: empty,
            empty,
            parents: HashMap::new(),
        }
    }

    /// Adds a task; gives the message without it when that was full, and begins another.
    fn add(&mut self, task: Task) -> Option<Message> {
        let room =
            self.message.tasks.len() < self.most && self.bytes + self.weight(&task) <= MAX_BYTES;
        let full = (!room && !self.message.tasks.is_empty()).then(|| {
            let next = Message {
                tasks: Vec::new(),
                ..self.message.clone()
            };
            self.bytes = self.empty;
            self.parents.clear();
            std::mem::replace(&mut self.message, next)
        });
        self.bytes += self.weight(&task);
        if let Some(parent) = &task.parent {
            self.parents.insert(parent.clone(), ());
        }
        self.message.tasks.push(task);
        full
    }

    fn weight(&self, task: &Task) -> usize {
        let parent = task.parent.as_ref();
        let parent = parent.filter(|parent| !self.parents.contains_key(*parent));
        Self::ENTRY + length(&task.url) + parent.map_or(0, |parent| length(parent) + 1)
    }
}

/// Bytes of a URL as JSON: it is ASCII, and of what JSON escapes only a backslash stands in one.
fn length(url: &Url) -> usize {
    let escapes = url.as_str().bytes().filter(|&byte| byte == b'\\').count();
    url.as_str().len() + escapes + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(url: &str) -> Task {
        Task {
            site: "a".into(),
            crawl: 7,
            url: Url::parse(url).unwrap(),
            depth: 3,
            hops: 1,
            attempts: 2,
            parent: Some(Url::parse("https://a.org/parent?q=\\").unwrap()),
            kind: Kind::Sitemap,
        }
    }

    fn message() -> Message {
        let plain = Task {
            depth: 0,
            hops: 0,
            attempts: 0,
            parent: None,
            kind: Kind::Page,
            ..task("https://a.org/2")
        };
        Message {
            site: "a".into(),
            crawl: 7,
            domain: domain(&plain.url),
            terms: Terms {
                due: Some(Moment::from_millis(1_234)),
                outages: 2,
                run: 3,
            },
            tasks: vec![task("https://a.org/1?q=\\"), plain, task("https://a.org/3")],
        }
    }

    #[test]
    fn a_message_comes_back_also_when_it_is_written_anew() {
        let body = message().encode();
        assert_eq!(Message::parse(&body), Ok(message()));
        let anew: serde_json::Value = serde_json::from_str(&body).unwrap();
        let anew = serde_json::to_string_pretty(&anew).unwrap();
        assert_ne!(anew, body);
        assert_eq!(Message::parse(&anew), Ok(message()));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let good = message().encode();
        let with = |old: &str, new: &str| {
            let changed = good.replacen(old, new, 1);
            assert_ne!(changed, good, "{old}");
            changed
        };
        let deep = "[".repeat(100_000);
        let rows = [
            (String::new(), "not canter's"),
            ("null".into(), "not canter's"),
            ("{}".into(), "not canter's"),
            ("{\"canter\":\"1\"}".into(), "not canter's"),
            (deep, "not canter's"),
            ("{\"canter\":2,\"urls\":3}".into(), "version 2"),
            ("{\"canter\":1}".into(), "broken: missing field"),
            (good[..good.len() - 5].into(), "not canter's"),
            (
                with("https://a.org/1", "file:///etc/passwd"),
                "cannot be fetched",
            ),
            (with("https://a.org/1", "no URL"), "broken: "),
            (with("\"parent\":0", "\"parent\":9"), "no parent 9"),
            (with("\"hops\":1", "\"hops\":300"), "broken: "),
            (with("\"crawl\":7", "\"crawl\":-7"), "broken: "),
            (with("\"sitemap\"", "\"poem\""), "broken: "),
            (
                "{\"canter\":1,\"site\":\"a\",\"crawl\":7,\"domain\":\"a.org\",\"tasks\":[]}"
                    .into(),
                "no task",
            ),
            (" ".repeat(MAX_PARSED + 1), "bytes, canter's have at most"),
        ];
        for (body, reason) in rows {
            let said = Message::parse(&body).unwrap_err().to_string();
            let start: String = body.chars().take(80).collect();
            assert!(said.contains(reason), "{start}: {said}");
        }
    }

    /// Another build may have another list of public suffixes.
    #[test]
    fn a_domain_is_what_this_build_takes_it_for() {
        let body = message().encode();
        let other = body.replacen("\"domain\":\"a.org\"", "\"domain\":\"docs.a.org\"", 1);
        assert_ne!(other, body);
        assert_eq!(Message::parse(&other), Ok(message()));
        let without = body.replacen("\"domain\":\"a.org\",", "", 1);
        assert_ne!(without, body);
        assert_eq!(Message::parse(&without), Ok(message()));
    }

    #[test]
    fn messages_have_one_domain_and_few_tasks() {
        let urls = ["https://a.org/1", "https://b.org/1", "https://x.a.org/2"];
        let mut tasks: Vec<Task> = urls.into_iter().map(task).collect();
        tasks.push(Task {
            crawl: 8,
            ..task("https://a.org/3")
        });
        tasks.extend((4..8).map(|n| task(&format!("https://a.org/{n}"))));
        let packed = pack(tasks, Terms::default(), |domain| {
            if domain.as_str() == "a.org" { 3 } else { 0 }
        });
        let paths: Vec<(u64, Vec<&str>)> = packed
            .iter()
            .map(|message| {
                let paths = message.tasks.iter().map(|task| task.url.path());
                (message.crawl, paths.collect())
            })
            .collect();
        assert_eq!(
            paths,
            [
                (7, vec!["/1", "/2", "/4"]),
                (7, vec!["/5", "/6", "/7"]),
                (7, vec!["/1"]),
                (8, vec!["/3"]),
            ]
        );
        for message in packed {
            assert_eq!(Message::parse(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn messages_stay_small_and_lose_nothing() {
        // Each with a parent of its own, many backslashes, and one that is too long for company.
        let long = |n: usize, length: usize| Task {
            parent: Some(
                Url::parse(&format!("https://a.org/{n}?{}", "\\".repeat(length))).unwrap(),
            ),
            ..task(&format!("https://a.org/{n}?{}", "\\".repeat(length)))
        };
        let mut tasks: Vec<Task> = (0..300).map(|n| long(n, 150)).collect();
        tasks.insert(100, long(1_000, MAX_BYTES));
        let terms = Terms {
            due: Some(Moment::from_millis(u64::MAX / 1_000_000)),
            outages: u32::MAX,
            run: u32::MAX,
        };
        let packed = pack(tasks.clone(), terms, |_| 1_000);
        assert!(packed.len() <= 7, "{}", packed.len());
        let mut unpacked = Vec::new();
        for message in packed {
            let bytes = message.encode().len();
            assert!(bytes <= MAX_BYTES || message.tasks.len() == 1, "{bytes}");
            unpacked.extend(message.tasks);
        }
        assert_eq!(unpacked, tasks);
    }
}
