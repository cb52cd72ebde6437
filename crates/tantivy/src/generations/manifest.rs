//! What a generation is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use canter_core::failure::Failure;
use canter_core::ports::Generations;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tantivy::index::SegmentId;

use crate::schema::LAYOUT;

/// A generation of a site's index. It is stored beside its files, under the generation's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// See [`LAYOUT`].
    pub(crate) layout: String,
    /// Tantivy's own description of the segments, as in `meta.json`.
    pub(crate) meta: Value,
    /// Names and lengths of the files.
    pub(crate) files: BTreeMap<String, u64>,
    /// Files of former generations, each with the time at which it was left out, in Unix seconds.
    /// Searches that have not seen the newest generation yet may be reading them.
    pub(crate) left_out: BTreeMap<String, u64>,
}

impl Manifest {
    /// Reads a generation; none if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns the failure of the store, or a permanent failure if its text is no manifest.
    pub(crate) async fn load(
        store: &impl Generations,
        site: &str,
        generation: &str,
    ) -> Result<Option<Self>, Failure> {
        let Some(text) = store.read_whole(site, generation).await? else {
            return Ok(None);
        };
        let manifest = serde_json::from_slice(&text).map_err(|error| {
            Failure::permanent(format!(
                "the index of {site} in the stack's bucket is damaged ({generation}: {error}): \
                 `canter rollback` goes back to the one before, `canter reindex` makes it anew"
            ))
            .with_source(error)
        })?;
        Ok(Some(manifest))
    }

    /// Returns whether this version of canter can read it.
    pub(crate) fn is_readable(&self) -> bool {
        self.layout == LAYOUT
    }

    /// Returns the size of all files, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().sum()
    }

    /// Returns the number of the commit that it was made of.
    pub(crate) fn commit(&self) -> Option<u64> {
        self.meta.get("opstamp").and_then(Value::as_u64)
    }
}

/// Returns a name for a new generation.
pub(crate) fn new_name() -> String {
    format!("{}.generation", SegmentId::generate_random().uuid_string())
}

/// Returns the description of an index that has the segments of all of these generations; none if
/// there are none.
pub(crate) fn merged<'a>(manifests: impl Iterator<Item = &'a Manifest>) -> Option<Value> {
    let mut whole: Option<Value> = None;
    for manifest in manifests {
        let Some(whole) = &mut whole else {
            whole = Some(manifest.meta.clone());
            continue;
        };
        let more = manifest.meta.get("segments").and_then(Value::as_array);
        let all = whole.get_mut("segments").and_then(Value::as_array_mut);
        if let (Some(all), Some(more)) = (all, more) {
            all.extend(more.iter().cloned());
        }
    }
    whole
}

/// Returns the names and lengths of the files in a folder that belong to the segments of a commit.
pub(crate) fn files_of(
    dir: &Path,
    meta: &tantivy::IndexMeta,
) -> std::io::Result<BTreeMap<String, u64>> {
    let deletions: BTreeMap<String, Option<u64>> = meta
        .segments
        .iter()
        .map(|segment| (segment.id().uuid_string(), segment.delete_opstamp()))
        .collect();
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((segment, rest)) = name.split_once('.') else {
            continue;
        };
        let Some(deleted) = deletions.get(segment) else {
            continue;
        };
        // Each commit that deletes writes the list of all deleted pages anew.
        let is_older = rest
            .strip_suffix(".del")
            .is_some_and(|commit| deleted.map(|it| it.to_string()).as_deref() != Some(commit));
        if !is_older {
            files.insert(name, entry.metadata()?.len());
        }
    }
    Ok(files)
}

/// Returns the files of a new generation that stand beside those of the old one.
pub(crate) fn new_files(old: Option<&Manifest>, files: &BTreeMap<String, u64>) -> BTreeSet<String> {
    let known = |name: &String| old.is_some_and(|old| old.files.contains_key(name));
    files.keys().filter(|name| !known(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(meta: Value) -> Manifest {
        Manifest {
            layout: LAYOUT.to_owned(),
            meta,
            files: BTreeMap::new(),
            left_out: BTreeMap::new(),
        }
    }

    #[test]
    fn segments_of_all_sites_are_one_index() {
        let one = manifest(json!({"schema": 1, "segments": ["a"], "opstamp": 5}));
        let two = manifest(json!({"schema": 1, "segments": ["b", "c"], "opstamp": 3}));
        assert_eq!(merged([].into_iter()), None);
        let both = merged([&one, &two].into_iter());
        assert_eq!(
            both,
            Some(json!({"schema": 1, "segments": ["a", "b", "c"], "opstamp": 5}))
        );
        assert_eq!(two.commit(), Some(3));
    }

    #[test]
    fn names_are_never_the_same() {
        assert_ne!(new_name(), new_name());
    }
}
