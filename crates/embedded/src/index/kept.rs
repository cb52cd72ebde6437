//! What is stored of a page: its head and its sections as lines of JSON, its text, its links. For a
//! result the head is read, and of the sections those that are shown.

use canter_core::document::{Stored, StoredSection};
use tantivy::TantivyError;
use tantivy::schema::OwnedValue;
use tantivy::schema::document::{DeserializeError, DocumentDeserialize, DocumentDeserializer};

/// A page without its links.
pub(super) struct Kept {
    /// The page without text, sections and links; below it each section. JSON has no line breaks.
    lines: String,
    text: String,
}

/// A page with its links.
pub(super) struct Whole {
    page: Kept,
    /// JSON.
    links: String,
}

/// The lines of a page.
pub(super) fn lines(page: Stored) -> serde_json::Result<String> {
    let sections = page.sections;
    let head = Stored {
        sections: Vec::new(),
        ..page
    };
    let mut lines = serde_json::to_string(&head)?;
    for section in &sections {
        lines.push('\n');
        lines.push_str(&serde_json::to_string(section)?);
    }
    Ok(lines)
}

impl Kept {
    /// The page with its text, without sections and links; and the lines of its sections.
    pub(super) fn open(self) -> tantivy::Result<(Stored, Lines)> {
        let head = head(&self.lines);
        let mut page: Stored = serde_json::from_str(head).map_err(broken)?;
        page.text = self.text;
        let begin = (head.len() + 1).min(self.lines.len());
        let mut starts = vec![begin];
        starts.extend(
            self.lines[begin..]
                .match_indices('\n')
                .map(|(at, _)| begin + at + 1),
        );
        let sections = Lines {
            lines: self.lines,
            starts,
        };
        Ok((page, sections))
    }
}

fn head(lines: &str) -> &str {
    lines.lines().next().unwrap_or_default()
}

/// The sections of a page, to be read one by one.
pub(super) struct Lines {
    lines: String,
    /// Where each begins.
    starts: Vec<usize>,
}

impl Lines {
    /// The section of a number; none behind the last.
    pub(super) fn section(&self, number: usize) -> tantivy::Result<Option<StoredSection>> {
        let start = self.starts.get(number).copied();
        let line = start.and_then(|start| self.lines.get(start..)?.lines().next());
        let section = line.map(serde_json::from_str).transpose();
        section.map_err(broken)
    }
}

impl Whole {
    /// All of the page.
    pub(super) fn read(self) -> tantivy::Result<Stored> {
        let (page, lines) = self.page.open()?;
        let mut sections = Vec::with_capacity(lines.starts.len());
        while let Some(section) = lines.section(sections.len())? {
            sections.push(section);
        }
        Ok(Stored {
            sections,
            links: serde_json::from_str(&self.links).map_err(broken)?,
            ..page
        })
    }

    /// The page without text, sections and links, and its links, both as JSON.
    pub(super) fn head_and_links(&self) -> (&str, &str) {
        (head(&self.page.lines), &self.links)
    }
}

/// Reads as far as is wanted: the links come last, and are long.
impl DocumentDeserialize for Kept {
    fn deserialize<'de, D>(mut values: D) -> Result<Self, DeserializeError>
    where
        D: DocumentDeserializer<'de>,
    {
        Kept::next(&mut values)
    }
}

impl DocumentDeserialize for Whole {
    fn deserialize<'de, D>(mut values: D) -> Result<Self, DeserializeError>
    where
        D: DocumentDeserializer<'de>,
    {
        Ok(Whole {
            page: Kept::next(&mut values)?,
            links: next(&mut values)?,
        })
    }
}

impl Kept {
    fn next<'de>(values: &mut impl DocumentDeserializer<'de>) -> Result<Self, DeserializeError> {
        Ok(Kept {
            lines: next(values)?,
            text: next(values)?,
        })
    }
}

/// The next stored value, all of which are texts.
fn next<'de>(values: &mut impl DocumentDeserializer<'de>) -> Result<String, DeserializeError> {
    match values.next_field::<OwnedValue>()? {
        Some((_, OwnedValue::Str(text))) => Ok(text),
        _ => Err(DeserializeError::custom("a stored page is not whole")),
    }
}

/// What is stored cannot be read.
pub(super) fn broken(error: serde_json::Error) -> TantivyError {
    TantivyError::InternalError(format!("a stored page is broken: {error}"))
}
