//! The documents, their links and their blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder of the chapters.
pub(crate) fn guide() -> PathBuf {
    root().join("docs/guide/src")
}

/// The chapters, in their order.
pub(crate) fn chapters() -> Vec<PathBuf> {
    let summary = read(&guide().join("SUMMARY.md"));
    links(&summary).map(|name| guide().join(name)).collect()
}

/// The text of a document.
pub(crate) fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The targets of a document's links.
pub(crate) fn links(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split(')').next())
}

/// The fenced blocks of a document: their marks, and their lines without comments.
pub(crate) fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(mark), None) => open = Some((mark.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, block))) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block does not end: {open:?}");
    let lines = |block: String| -> Vec<String> {
        let whole = block.replace("\\\n", " ");
        let lines = whole.lines().map(|line| match line.split_once(" # ") {
            Some((command, _)) => command.trim().to_owned(),
            None => line.trim().to_owned(),
        });
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect()
    };
    blocks
        .into_iter()
        .map(|(mark, block)| (mark, lines(block)))
        .collect()
}
