//! Packing tasks into few messages.

use std::collections::HashMap;

use canter_core::domain::{Domain, domain};
use canter_core::task::Task;
use url::Url;

use super::message::{Delivery, Message};

/// Maximum number of bytes in a message with more than one task. SQS bills each 64 KB as one request,
/// and whoever writes the JSON again may write it a little longer.
const MAX_BYTES: usize = 60 * 1024;

/// Packs tasks into few messages in the given order. Each message has one domain, site and crawl, at
/// most `most(domain)` tasks, and at most [`MAX_BYTES`] unless a single task is longer.
pub(super) fn pack(
    tasks: Vec<Task>,
    delivery: Delivery,
    most: impl Fn(&Domain) -> usize,
) -> Vec<Message> {
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
                    delivery,
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
    /// Upper bound of the bytes that the message has by now.
    bytes: usize,
    empty: usize,
    parents: HashMap<Url, ()>,
}

impl Packing {
    /// Maximum bytes of a task beside its URLs: names, punctuation and numbers.
    const TASK: usize = 110;

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

    /// Adds a task. When the message is full, returns it and begins another with the task.
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
        Self::TASK + length(&task.url) + parent.map_or(0, |parent| length(parent) + 1)
    }
}

/// Bytes of a URL as JSON. A URL is ASCII, and JSON escapes only the backslash in it.
fn length(url: &Url) -> usize {
    let escapes = url.as_str().bytes().filter(|&byte| byte == b'\\').count();
    url.as_str().len() + escapes + 2
}

#[cfg(test)]
mod tests {
    use canter_core::time::Moment;

    use super::super::message::tests::task;
    use super::*;

    #[test]
    fn messages_have_one_domain_and_few_tasks() {
        let urls = ["https://a.org/1", "https://b.org/1", "https://x.a.org/2"];
        let mut tasks: Vec<Task> = urls.into_iter().map(task).collect();
        tasks.push(Task {
            crawl: 8,
            ..task("https://a.org/3")
        });
        tasks.extend((4..8).map(|n| task(&format!("https://a.org/{n}"))));
        let packed = pack(tasks, Delivery::default(), |domain| {
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
        let delivery = Delivery {
            due: Some(Moment::from_millis(u64::MAX / 1_000_000)),
            outages: u32::MAX,
            run: u32::MAX,
        };
        let packed = pack(tasks.clone(), delivery, |_| 1_000);
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
