//! An index without a server: its files in the bucket of the stack, its pointers in one item of the
//! table of states, `index#generations`.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `s` and a hash of the site | S | the name of the current generation, that of the one before or `-`, the site |
//!
//! The key of a file is `index/`, a hash of its site, `/` and its name. All pointers share an item,
//! so that a search learns of all sites by one read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use canter_core::failure::Failure;
use canter_core::ports::{Generations, KeptFile, Pointer};
use canter_core::task::UrlKey;

use crate::archive::{Bucket, prefix};
use crate::change::Change;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::item::{Item, text, text_of};
use crate::tables::{KEY, state_key};

/// In place of the generation before the first.
const NONE: &str = "-";

/// The generations of a stack's index.
#[derive(Clone)]
pub struct CloudGenerations {
    cloud: Cloud,
    bucket: Bucket,
    clock: Clock,
}

impl CloudGenerations {
    /// The generations of a stack. Sends nothing.
    pub fn new(cloud: Cloud, clock: Clock) -> Self {
        CloudGenerations {
            bucket: Bucket::of(&cloud),
            cloud,
            clock,
        }
    }

    /// Points a site back to the generation before its current one. Returns whether there is one;
    /// none if the site has no index here.
    ///
    /// # Errors
    ///
    /// Returns the failure of the table, or a transient failure if the site is being published.
    pub async fn roll_back(&self, site: &str) -> Result<Option<bool>, Failure> {
        let Some(now) = self.pointers().await?.remove(site) else {
            return Ok(None);
        };
        let Some(previous) = now.previous.clone() else {
            return Ok(Some(false));
        };
        let back = Pointer {
            current: previous,
            previous: Some(now.current.clone()),
        };
        match self.point(site, Some(&now), &back).await? {
            true => Ok(Some(true)),
            false => Err(Failure::transient(format!(
                "{site} has just been published: look at what it shows now, and roll back again if \
                 that is still wrong"
            ))),
        }
    }
}

impl Generations for CloudGenerations {
    async fn pointers(&self) -> Result<BTreeMap<String, Pointer>, Failure> {
        let table = &self.cloud.names.state;
        let item = self.cloud.item(table, key(), true).await?;
        let texts = item.keys().filter(|name| *name != KEY);
        let texts = texts.filter_map(|name| text_of(&item, name));
        Ok(texts.filter_map(parse).collect())
    }

    async fn point(
        &self,
        site: &str,
        from: Option<&Pointer>,
        to: &Pointer,
    ) -> Result<bool, Failure> {
        let name = attribute(site);
        let change = Change::default().set(&name, text(written(site, to)));
        // The SDK repeats a write whose answer was lost.
        let (change, condition) = match from {
            Some(from) => (
                change.value("from", text(written(site, from))),
                format!("#{name} = :from OR #{name} = :{name}"),
            ),
            None => (
                change,
                format!("attribute_not_exists(#{name}) OR #{name} = :{name}"),
            ),
        };
        let table = &self.cloud.names.state;
        let moved = change.write(&self.cloud, table, key(), &condition).await?;
        Ok(moved.done())
    }

    async fn read(
        &self,
        site: &str,
        name: &str,
        part: Range<u64>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        self.bucket.get(&place(site, name), part).await
    }

    async fn read_whole(&self, site: &str, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.bucket.read(&place(site, name), None).await
    }

    async fn write(&self, site: &str, name: &str, content: Vec<u8>) -> Result<(), Failure> {
        self.bucket.put(&place(site, name), content).await
    }

    async fn upload(&self, site: &str, name: &str, file: &Path) -> Result<(), Failure> {
        self.bucket.upload(&place(site, name), file).await
    }

    async fn list(&self, site: &str) -> Result<Vec<KeptFile>, Failure> {
        let folder = place(site, "");
        let now = (self.clock)();
        let objects = self.bucket.list(&folder).await?.into_iter();
        let files = objects.filter_map(|object| {
            Some(KeptFile {
                name: object.key.strip_prefix(&folder)?.to_owned(),
                age: object.put.until(now),
            })
        });
        Ok(files.collect())
    }

    async fn delete(&self, site: &str, names: Vec<String>) -> Result<(), Failure> {
        let keys = names.iter().map(|name| place(site, name));
        self.bucket.delete(keys.collect()).await
    }
}

fn key() -> Item {
    state_key("index", "generations")
}

fn attribute(site: &str) -> String {
    format!("s{}", UrlKey::hash(site.as_bytes()))
}

/// Returns the key of a file.
fn place(site: &str, name: &str) -> String {
    format!("index/{}{name}", prefix(site))
}

fn written(site: &str, pointer: &Pointer) -> String {
    let previous = pointer.previous.as_deref().unwrap_or(NONE);
    format!("{} {previous} {site}", pointer.current)
}

fn parse(text: &str) -> Option<(String, Pointer)> {
    let mut parts = text.splitn(3, ' ').map(str::to_owned);
    let pointer = Pointer {
        current: parts.next()?,
        previous: Some(parts.next()?).filter(|name| name != NONE),
    };
    Some((parts.next()?, pointer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_comes_back_from_its_text() {
        for previous in [None, Some("a1".to_owned())] {
            let pointer = Pointer {
                current: "b2".to_owned(),
                previous,
            };
            let site = "docs.example.org/a b".to_owned();
            assert_eq!(parse(&written(&site, &pointer)), Some((site, pointer)));
        }
        assert_eq!(parse("half"), None);
    }
}
