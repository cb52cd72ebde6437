//! Deletes the files of generations that nobody reads any more.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use canter_core::failure::Failure;
use canter_core::ports::{Generations, KeptFile, Pointer};

use super::manifest::Manifest;

/// Time for which a file stays that was left out, since a search may read an older generation; and
/// time for which a file stays that no generation has, since another process may be storing one.
/// Many times the longest run of a function.
const STAYS: Duration = Duration::from_secs(60 * 60);

impl Manifest {
    /// Returns the generation of these files that comes after another one.
    pub(super) fn after(
        before: Option<&Manifest>,
        meta: serde_json::Value,
        files: std::collections::BTreeMap<String, u64>,
    ) -> Self {
        let now = unix_seconds();
        let mut left_out = before.map_or_else(Default::default, |it| it.left_out.clone());
        left_out.retain(|_, since| now.saturating_sub(*since) < STAYS.as_secs());
        let gone = before.into_iter().flat_map(|it| it.files.keys());
        for name in gone.filter(|name| !files.contains_key(*name)) {
            left_out.entry(name.clone()).or_insert(now);
        }
        Manifest {
            layout: crate::schema::LAYOUT.to_owned(),
            meta,
            files,
            left_out,
        }
    }
}

/// Deletes what neither the current generation of a site needs nor the one before, and nobody has
/// been able to read for a while.
pub(super) async fn clear(
    store: &impl Generations,
    site: &str,
    pointer: &Pointer,
    current: &Manifest,
    before: Option<&Manifest>,
) -> Result<(), Failure> {
    let listed = store.list(site).await?;
    let unused = unused(listed, pointer, current, before);
    match unused.is_empty() {
        true => Ok(()),
        false => store.delete(site, unused).await,
    }
}

fn unused(
    listed: Vec<KeptFile>,
    pointer: &Pointer,
    current: &Manifest,
    before: Option<&Manifest>,
) -> Vec<String> {
    let now = unix_seconds();
    let recent = |since: &&u64| now.saturating_sub(**since) < STAYS.as_secs();
    let left_out = current.left_out.iter();
    let left_out = left_out
        .filter(|(_, since)| recent(since))
        .map(|(name, _)| name);
    let files = [Some(current), before];
    let files = files.into_iter().flatten().flat_map(|it| it.files.keys());
    let generations = [Some(&pointer.current), pointer.previous.as_ref()];
    let used: BTreeSet<&String> = files
        .chain(left_out)
        .chain(generations.into_iter().flatten())
        .collect();
    let listed = listed.into_iter().filter(|file| file.age >= STAYS);
    let names = listed.map(|file| file.name);
    names.filter(|name| !used.contains(name)).collect()
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    fn files(names: &[&str]) -> BTreeMap<String, u64> {
        names.iter().map(|name| ((*name).to_owned(), 1)).collect()
    }

    #[test]
    fn what_may_still_be_read_stays() {
        let mut oldest = Manifest::after(None, Value::Null, files(&["a", "b", "c"]));
        oldest.left_out = BTreeMap::from([("z".to_owned(), 0), ("y".to_owned(), unix_seconds())]);
        let before = Manifest::after(Some(&oldest), Value::Null, files(&["a", "b"]));
        let current = Manifest::after(Some(&before), Value::Null, files(&["a", "d"]));
        let pointer = Pointer {
            current: "3".to_owned(),
            previous: Some("2".to_owned()),
        };
        let old = |name: &str| KeptFile {
            name: name.to_owned(),
            age: STAYS,
        };
        let mut listed: Vec<_> = ["1", "2", "3", "a", "b", "c", "d", "x", "y", "z"]
            .map(old)
            .into();
        listed.push(KeptFile {
            name: "new".to_owned(),
            age: Duration::ZERO,
        });
        let unused = unused(listed, &pointer, &current, Some(&before));
        assert_eq!(unused, ["1", "x", "z"]);
    }
}
