//! How a page lies in Tantivy: one entry for the page, then one for each of its sections, in this
//! order and always in one segment, so that a section's page is found by counting back.
//!
//! Tantivy keeps the order of entries when it merges segments, and all entries of a page carry
//! its id and are deleted together: the distance from a section to its page never changes.

use std::sync::Arc;

use canter_core::document::{Document, Stored, StoredSection};
use canter_core::task::UrlKey;
use canter_core::terms::PageTerms;
use serde::Serialize;
use tantivy::indexer::UserOperation;
use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, OwnedValue, STORED, Schema,
    TextFieldIndexing, TextOptions, Value,
};
use tantivy::{TantivyDocument, TantivyError, Term};
use tokio::sync::OwnedSemaphorePermit;

use super::cutter::TERMS;

/// Layout of the index: raise it whenever fields or terms change, so that an index of another
/// layout is refused and not misread.
pub const LAYOUT: &str = "canter-index-2";

/// Sections of one page beyond these have no entry of their own; their text counts for the page.
const MOST_SECTIONS: usize = 5_000;

/// Value of [`Fields::kind`] for a page.
pub(super) const PAGE: u64 = 0;
/// Value of [`Fields::kind`] for a section.
pub(super) const SECTION: u64 = 1;

/// Names of the columns that are read by name.
pub(super) mod column {
    /// Entries from a section back to its page; 0 for a page.
    pub(in crate::index) const DISTANCE: &str = "distance";
    /// First half of a page's id.
    pub(in crate::index) const ID_HIGH: &str = "id-high";
    /// Second half of a page's id.
    pub(in crate::index) const ID_LOW: &str = "id-low";
    /// Version of a page.
    pub(in crate::index) const VERSION: &str = "version";
    /// Site of a page.
    pub(in crate::index) const SITE: &str = "site";
    /// Language of a page.
    pub(in crate::index) const LANGUAGE: &str = "language";
    /// Path of a page's URL.
    pub(in crate::index) const PATH: &str = "path";
}

/// The fields of both kinds of entries. Fields with terms belong to one kind each, so that BM25
/// counts pages among pages and sections among sections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Id of the page, in all its entries.
    pub(super) id: Field,
    pub(super) kind: Field,
    /// Names, in the entry of whatever bears them.
    pub(super) name: Field,
    distance: Field,
    id_high: Field,
    id_low: Field,
    version: Field,
    pub(super) site: Field,
    language: Field,
    path: Field,
    pub(super) body: Field,
    pub(super) address: Field,
    pub(super) common: Field,
    pub(super) section: Field,
    /// [`Stored`] as JSON, without its text and its links.
    stored: Field,
    /// The text, as it is: in JSON it would have to be escaped, and read back for each result.
    text: Field,
    /// The links as JSON: most of what is stored, and no search needs them.
    links: Field,
}

impl Fields {
    /// The fields and the schema that holds them.
    pub(super) fn new() -> (Self, Schema) {
        let mut schema = Schema::builder();
        // Snippets are made from the text, so that positions are kept for pairs alone. A field of
        // pairs would do without, but almost each is a new term, which took half of all the time.
        let terms = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(TERMS)
                .set_index_option(IndexRecordOption::WithFreqs),
        );
        let placed = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(TERMS)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        );
        let whole = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let name = TextOptions::default().set_indexing_options(whole);
        let word = TextOptions::default().set_fast("raw");
        // Holds nothing; its name is the layout.
        schema.add_u64_field(LAYOUT, FAST);
        let fields = Fields {
            id: schema.add_bytes_field("id", BytesOptions::default().set_indexed()),
            kind: schema.add_u64_field("kind", INDEXED),
            name: schema.add_text_field("name", name.clone()),
            distance: schema.add_u64_field(column::DISTANCE, FAST),
            id_high: schema.add_u64_field(column::ID_HIGH, FAST),
            id_low: schema.add_u64_field(column::ID_LOW, FAST),
            version: schema.add_u64_field(column::VERSION, FAST),
            site: schema.add_text_field(column::SITE, name.set_fast("raw")),
            language: schema.add_text_field(column::LANGUAGE, word.clone()),
            path: schema.add_text_field(column::PATH, word),
            body: schema.add_text_field("body", placed),
            address: schema.add_text_field("address", terms.clone()),
            common: schema.add_text_field("common", terms.clone()),
            section: schema.add_text_field("section", terms),
            stored: schema.add_text_field("stored", STORED),
            text: schema.add_text_field("text", STORED),
            links: schema.add_text_field("links", STORED),
        };
        (fields, schema.build())
    }

    /// What all entries of a page have and no other.
    pub(super) fn id_term(&self, id: UrlKey) -> Term {
        Term::from_field_bytes(self.id, &id.0)
    }

    /// The stored form of a page, from its entry.
    pub(super) fn stored(&self, entry: &TantivyDocument, links: bool) -> tantivy::Result<Stored> {
        let (page, page_links) = self.kept(entry);
        let mut stored: Stored = serde_json::from_str(page).map_err(broken)?;
        kept(entry, self.text).clone_into(&mut stored.text);
        if links {
            stored.links = serde_json::from_str(page_links).map_err(broken)?;
        }
        Ok(stored)
    }

    /// A page without text and links, and its links, both as JSON.
    pub(super) fn kept<'a>(&self, entry: &'a TantivyDocument) -> (&'a str, &'a str) {
        (kept(entry, self.stored), kept(entry, self.links))
    }

    /// All entries of a document in order, as one group that Tantivy keeps together. The permit
    /// is given back when the last of them is indexed.
    pub(super) fn entries(
        &self,
        document: &Document,
        terms: PageTerms,
        room: &Arc<OwnedSemaphorePermit>,
    ) -> Result<Vec<UserOperation<Entry>>, serde_json::Error> {
        let id = document.id();
        let (high, low) = halves(id);
        let stored = serde_json::to_string(&stored(document))?;
        let links = links(document)?;
        let entry = |kind: u64, distance: usize, names: Vec<String>| {
            let mut values = vec![
                (self.id, OwnedValue::Bytes(id.0.to_vec())),
                (self.kind, OwnedValue::U64(kind)),
                (self.distance, OwnedValue::U64(distance as u64)),
            ];
            values.extend(
                names
                    .into_iter()
                    .map(|name| (self.name, OwnedValue::Str(name))),
            );
            values
        };
        let mut page = entry(PAGE, 0, terms.names);
        page.extend([
            (self.id_high, OwnedValue::U64(high)),
            (self.id_low, OwnedValue::U64(low)),
            (self.version, OwnedValue::U64(document.version)),
            (self.site, OwnedValue::Str(document.site.clone())),
            (self.path, OwnedValue::Str(document.url.path().to_owned())),
            // Values of their own, between which Tantivy leaves a gap: no pair spans two of them.
            (self.body, OwnedValue::Str(terms.title)),
            (self.body, OwnedValue::Str(terms.text)),
            (self.body, OwnedValue::Str(terms.identifiers)),
            (self.address, OwnedValue::Str(terms.address)),
            (self.common, OwnedValue::Str(terms.common)),
            (self.stored, OwnedValue::Str(stored)),
            (self.text, OwnedValue::Str(document.page.text.clone())),
            (self.links, OwnedValue::Str(links)),
        ]);
        if let Some(language) = &document.page.language {
            page.push((
                self.language,
                OwnedValue::Str(language.to_ascii_lowercase()),
            ));
        }
        let sections = terms.sections.into_iter().take(MOST_SECTIONS);
        let sections = sections.enumerate().map(|(place, section)| {
            let mut values = entry(SECTION, place + 1, section.names);
            values.push((self.section, OwnedValue::Str(section.text)));
            values
        });
        let entries = std::iter::once(page).chain(sections).map(|values| {
            UserOperation::Add(Entry {
                values,
                _room: Arc::clone(room),
            })
        });
        Ok(entries.collect())
    }
}

fn kept(entry: &TantivyDocument, field: Field) -> &str {
    let value = entry.get_first(field);
    value.and_then(|value| value.as_str()).unwrap_or_default()
}

/// What is stored cannot be read.
pub(super) fn broken(error: serde_json::Error) -> TantivyError {
    TantivyError::InternalError(format!("a stored page is broken: {error}"))
}

/// The two halves of an id; as a pair they are ordered as the id is.
pub(super) fn halves(id: UrlKey) -> (u64, u64) {
    let whole = u128::from_be_bytes(id.0);
    ((whole >> 64) as u64, whole as u64)
}

/// The id whose halves these are.
pub(super) fn whole((high, low): (u64, u64)) -> UrlKey {
    UrlKey((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

/// A [`StoredLink`](canter_core::document::StoredLink) that is still the page's.
#[derive(Serialize)]
struct KeptLink<'a> {
    #[serde(rename = "u")]
    url: &'a str,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    fragment: Option<&'a str>,
    #[serde(rename = "t", skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(rename = "n", skip_serializing_if = "std::ops::Not::not")]
    nofollow: bool,
}

/// An entry on its way into Tantivy.
pub(super) struct Entry {
    values: Vec<(Field, OwnedValue)>,
    /// Its share of the memory that waiting entries may take.
    _room: Arc<OwnedSemaphorePermit>,
}

impl tantivy::Document for Entry {
    type Value<'a> = &'a OwnedValue;
    type FieldsValuesIter<'a> = Values<'a>;

    fn iter_fields_and_values(&self) -> Values<'_> {
        Values(self.values.iter())
    }
}

/// The values of an [`Entry`].
pub(super) struct Values<'a>(std::slice::Iter<'a, (Field, OwnedValue)>);

impl<'a> Iterator for Values<'a> {
    type Item = (Field, &'a OwnedValue);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(field, value)| (*field, value))
    }
}

fn stored(document: &Document) -> Stored {
    let page = &document.page;
    let sections = page.sections.iter().map(|section| StoredSection {
        anchor: section.anchor.clone(),
        title: section.title.clone(),
        level: section.level,
        start: section.range.start,
        end: section.range.end,
    });
    Stored {
        site: document.site.clone(),
        url: document.url.clone(),
        title: page.title.clone(),
        language: page.language.clone(),
        fetched_at_ms: document.fetched_at.millis(),
        text: String::new(),
        sections: sections.collect(),
        links: Vec::new(),
    }
}

fn links(document: &Document) -> serde_json::Result<String> {
    let links = document.page.links.iter().map(|link| KeptLink {
        url: link.url.as_str(),
        fragment: link.fragment.as_deref(),
        text: &link.text,
        nofollow: link.nofollow,
    });
    serde_json::to_string(&links.collect::<Vec<_>>())
}
