//! A message of the queue: tasks of one domain.
//!
//! The body is JSON. LocalStack and Lambda's event source may parse it and write it again, so nothing
//! relies on its exact bytes:
//!
//! ```json
//! {"canter":1,"site":"docs.example.org","crawl":1767225600000,"domain":"example.org",
//!  "parents":["https://docs.example.org/"],
//!  "tasks":[{"url":"https://docs.example.org/a","depth":1,"parent":0}]}
//! ```
//!
//! `parent` is an index into `parents`, since many tasks share a parent. `due`, in milliseconds since
//! the Unix epoch, is set when a message must wait for longer than the queue can delay it, `outages`
//! when its tasks were sent on because a store failed, and `run` when the crawl went on after a rest.
//! Zeros are left out.

use std::collections::HashMap;

use canter_core::domain::{Domain, domain};
use canter_core::task::{Kind, Task};
use canter_core::time::Moment;
use canter_page::url::is_http;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// Version of the format.
pub(super) const VERSION: u64 = 1;
/// Maximum number of bytes that are parsed: more than a whole batch of ours has.
const MAX_PARSED: usize = 256 * 1024;

/// One or more tasks of one domain, site and crawl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Id of the site.
    pub site: String,
    /// Id of the crawl.
    pub crawl: u64,
    /// The domain whose pace the tasks wait for. A message of a build with another list of public
    /// suffixes may hold tasks of several domains; this is the first task's.
    pub domain: Domain,
    /// How the tasks were sent.
    pub delivery: Delivery,
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// When and under which circumstances the tasks of a message were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// No task is begun before this.
    pub due: Option<Moment>,
    /// How often in a row the tasks were sent on through no fault of their pages: because a store
    /// failed, or because time was up.
    pub outages: u32,
    /// How often the crawl had gone on after a rest. All tasks are sent again when a crawl goes on,
    /// and those of an earlier run are dropped as they come up.
    pub run: u32,
}

/// Why a body is no message of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The message is another sender's.
    #[error("the message is not canter's")]
    Foreign,
    /// The message is of an older or a newer version of canter.
    #[error("the message has version {0}, this canter reads version {VERSION}")]
    Version(u64),
    /// The message looks like ours but is not whole.
    #[error("the message is broken: {0}")]
    Broken(String),
    /// The message is longer than any of ours.
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
    /// For people who look at a queue. Readers go by their own list of public suffixes.
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
    tasks: Vec<WireTask>,
}

#[derive(Serialize, Deserialize)]
struct WireTask {
    url: Url,
    #[serde(default, skip_serializing_if = "is_default")]
    depth: u32,
    #[serde(rename = "hops", default, skip_serializing_if = "is_default")]
    redirects: u8,
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
    /// The body of the message.
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
            tasks.push(WireTask {
                url: task.url.clone(),
                depth: task.depth,
                redirects: task.redirects,
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
            due: self.delivery.due.map(Moment::millis),
            outages: self.delivery.outages,
            run: self.delivery.run,
            parents,
            tasks,
        };
        // Strings, numbers and lists of them always have a JSON form.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Parses the body of a message, whoever wrote it.
    ///
    /// # Errors
    ///
    /// Why the body is no message of ours.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        check_envelope(body)?;
        let wire: Wire =
            serde_json::from_str(body).map_err(|error| Refusal::Broken(error.to_string()))?;
        let tasks: Result<Vec<Task>, Refusal> =
            wire.tasks.iter().map(|it| task(&wire, it)).collect();
        let tasks = tasks?;
        let Some(first) = tasks.first() else {
            return Err(Refusal::Broken("it has no task".into()));
        };
        Ok(Message {
            site: wire.site,
            crawl: wire.crawl,
            domain: domain(&first.url),
            delivery: Delivery {
                due: wire.due.map(Moment::from_millis),
                outages: wire.outages,
                run: wire.run,
            },
            tasks,
        })
    }
}

/// Checks that a body claims to be a message of ours, of this version.
pub(super) fn check_envelope(body: &str) -> Result<(), Refusal> {
    if body.len() > MAX_PARSED {
        return Err(Refusal::TooLarge(body.len()));
    }
    let envelope: Envelope = serde_json::from_str(body).map_err(|_| Refusal::Foreign)?;
    if envelope.canter != VERSION {
        return Err(Refusal::Version(envelope.canter));
    }
    Ok(())
}

fn task(wire: &Wire, it: &WireTask) -> Result<Task, Refusal> {
    let broken = |what: String| Err(Refusal::Broken(what));
    if !is_http(&it.url) {
        return broken(format!("{} cannot be fetched", it.url));
    }
    let parent = match it.parent {
        None => None,
        Some(place) => match wire.parents.get(place) {
            Some(parent) => Some(parent.clone()),
            None => return broken(format!("{} has no parent {place}", it.url)),
        },
    };
    Ok(Task {
        site: wire.site.clone(),
        crawl: wire.crawl,
        url: it.url.clone(),
        depth: it.depth,
        redirects: it.redirects,
        attempts: it.attempts,
        parent,
        kind: it.kind,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::queue) fn task(url: &str) -> Task {
        Task {
            site: "a".into(),
            crawl: 7,
            url: Url::parse(url).unwrap(),
            depth: 3,
            redirects: 1,
            attempts: 2,
            parent: Some(Url::parse("https://a.org/parent?q=\\").unwrap()),
            kind: Kind::Sitemap,
        }
    }

    fn message() -> Message {
        let plain = Task {
            depth: 0,
            redirects: 0,
            attempts: 0,
            parent: None,
            kind: Kind::Page,
            ..task("https://a.org/2")
        };
        Message {
            site: "a".into(),
            crawl: 7,
            domain: domain(&plain.url),
            delivery: Delivery {
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
}
