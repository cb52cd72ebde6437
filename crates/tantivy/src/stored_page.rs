//! The stored form of a page: head and sections as lines of JSON, the text, the links. A search
//! result reads only the head and the sections that it displays.

use canter_core::document::{Stored, StoredSection};
use tantivy::TantivyError;
use tantivy::schema::OwnedValue;
use tantivy::schema::document::{DeserializeError, DocumentDeserialize, DocumentDeserializer};

/// A page without its links.
pub(super) struct StoredPage {
    /// One line for the page without text, sections and links, then one line for each section.
    lines: String,
    text: String,
}

/// A page with its links.
pub(super) struct WholePage {
    page: StoredPage,
    /// Links as JSON.
    links: String,
}

/// Returns the head and the sections of a page, as lines of JSON.
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

impl StoredPage {
    /// Reads the page with its text, without sections and links, and splits the lines of the
    /// sections.
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

/// The sections of a page, which are parsed one by one.
pub(super) struct Lines {
    lines: String,
    /// Byte offset of each section.
    starts: Vec<usize>,
}

impl Lines {
    /// Reads the section with the given number; `None` if there is no such section.
    pub(super) fn section(&self, number: usize) -> tantivy::Result<Option<StoredSection>> {
        let start = self.starts.get(number).copied();
        let line = start.and_then(|start| self.lines.get(start..)?.lines().next());
        let section = line.map(serde_json::from_str).transpose();
        section.map_err(broken)
    }
}

impl WholePage {
    /// Reads the page with all its parts.
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
}

/// Deserialization stops before the links, which come last and are long.
impl DocumentDeserialize for StoredPage {
    fn deserialize<'de, D>(mut values: D) -> Result<Self, DeserializeError>
    where
        D: DocumentDeserializer<'de>,
    {
        StoredPage::next(&mut values)
    }
}

impl DocumentDeserialize for WholePage {
    fn deserialize<'de, D>(mut values: D) -> Result<Self, DeserializeError>
    where
        D: DocumentDeserializer<'de>,
    {
        Ok(WholePage {
            page: StoredPage::next(&mut values)?,
            links: next(&mut values)?,
        })
    }
}

impl StoredPage {
    fn next<'de>(values: &mut impl DocumentDeserializer<'de>) -> Result<Self, DeserializeError> {
        Ok(StoredPage {
            lines: next(values)?,
            text: next(values)?,
        })
    }
}

/// Returns the next stored value, which is a text.
fn next<'de>(values: &mut impl DocumentDeserializer<'de>) -> Result<String, DeserializeError> {
    match values.next_field::<OwnedValue>()? {
        Some((_, OwnedValue::Str(text))) => Ok(text),
        _ => Err(DeserializeError::custom("a stored page is not whole")),
    }
}

/// Returns the error for a stored page that cannot be read.
pub(super) fn broken(error: serde_json::Error) -> TantivyError {
    TantivyError::InternalError(format!("a stored page is broken: {error}"))
}
