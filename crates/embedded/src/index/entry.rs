//! How a page lies in Tantivy: one entry, whose sections are ranges of the positions of its words
//! (`docs/adr/0006`).

use std::sync::Arc;

use canter_core::document::{Document, KeptLink, Stored};
use canter_core::task::UrlKey;
use canter_ranking::completion::bearers;
use canter_ranking::counts::folders;
use canter_ranking::terms::PageTerms;
use tantivy::Term;
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, OwnedValue, STORED, Schema, TextFieldIndexing,
    TextOptions,
};
use tokio::sync::OwnedSemaphorePermit;

use super::cutter::TERMS;
use super::kept::lines;
use super::offers::coded;
use super::sections::Places;

/// Layout of the index: raise it whenever fields or terms change, so that an index of another
/// layout is refused and not misread.
pub const LAYOUT: &str = "canter-index-7";

/// Names of the columns that are read by name.
pub(super) mod column {
    /// Where a page's sections lie in its words; see [`crate::index::sections`].
    pub(in crate::index) const SECTIONS: &str = "sections";
    /// Where their marks lie.
    pub(in crate::index) const MARKS: &str = "marks";
    /// First half of a page's id.
    pub(in crate::index) const ID_HIGH: &str = "id-high";
    /// Second half of a page's id.
    pub(in crate::index) const ID_LOW: &str = "id-low";
    /// Version of a page.
    pub(in crate::index) const VERSION: &str = "version";
    /// How many other pages link to a page; see [`canter_core::inbound::Inbound::standing`].
    pub(in crate::index) const STANDING: &str = "standing";
    /// Whether a page is little more than its links.
    pub(in crate::index) const LIST: &str = "list";
    /// Site of a page.
    pub(in crate::index) const SITE: &str = "site";
    /// Language of a page.
    pub(in crate::index) const LANGUAGE: &str = "language";
    /// Path of a page's URL.
    pub(in crate::index) const PATH: &str = "path";
    /// Folders that a page lies in.
    pub(in crate::index) const FOLDERS: &str = "folders";
    /// The same for pages that hold nearly the same.
    pub(in crate::index) const TWINS: &str = "twins";
}

/// The fields of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) id: Field,
    /// Names of the page and of its sections.
    pub(super) name: Field,
    sections: Field,
    marks: Field,
    id_high: Field,
    id_low: Field,
    version: Field,
    standing: Field,
    list: Field,
    pub(super) site: Field,
    language: Field,
    path: Field,
    folders: Field,
    twins: Field,
    /// Words of the text, marks of its sections, title, identifiers: in this order, since the
    /// sections are found in it by position.
    pub(super) body: Field,
    pub(super) mentions: Field,
    pub(super) address: Field,
    pub(super) common: Field,
    /// The words of the page as they are written.
    pub(super) spelled: Field,
    /// Names for completion; see [`crate::index::offers`].
    pub(super) offers: Field,
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
        // Positions serve pairs and sections. A field of pairs would do without, but almost each is
        // a new term, which took half of all the time; a field of sections would hold each word
        // a second time.
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
        let listed = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(TERMS)
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::Basic),
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
            name: schema.add_text_field("name", name.clone()),
            sections: schema.add_u64_field(column::SECTIONS, FAST),
            marks: schema.add_u64_field(column::MARKS, FAST),
            id_high: schema.add_u64_field(column::ID_HIGH, FAST),
            id_low: schema.add_u64_field(column::ID_LOW, FAST),
            version: schema.add_u64_field(column::VERSION, FAST),
            standing: schema.add_f64_field(column::STANDING, FAST),
            list: schema.add_bool_field(column::LIST, FAST),
            site: schema.add_text_field(column::SITE, name.clone().set_fast("raw")),
            language: schema.add_text_field(column::LANGUAGE, word.clone()),
            path: schema.add_text_field(column::PATH, word.clone()),
            folders: schema.add_text_field(column::FOLDERS, word),
            twins: schema.add_u64_field(column::TWINS, FAST),
            body: schema.add_text_field("body", placed),
            mentions: schema.add_text_field("mentions", terms.clone()),
            address: schema.add_text_field("address", terms.clone()),
            common: schema.add_text_field("common", terms),
            spelled: schema.add_text_field("spelled", listed),
            offers: schema.add_text_field("offers", name),
            stored: schema.add_text_field("stored", STORED),
            text: schema.add_text_field("text", STORED),
            links: schema.add_text_field("links", STORED),
        };
        (fields, schema.build())
    }

    /// What a page's entry has and no other.
    pub(super) fn id_term(&self, id: UrlKey) -> Term {
        Term::from_field_bytes(self.id, &id.0)
    }

    /// The entry of a document. The permit is given back when it is indexed.
    pub(super) fn entry(
        &self,
        document: &Document,
        terms: PageTerms,
        room: &Arc<OwnedSemaphorePermit>,
    ) -> Result<Entry, serde_json::Error> {
        let id = document.id();
        let (high, low) = halves(id);
        let text = |field, text: String| (field, OwnedValue::Str(text));
        let number = |field, number| (field, OwnedValue::U64(number));
        let mut values = vec![
            (self.id, OwnedValue::Bytes(id.0.to_vec())),
            number(self.id_high, high),
            number(self.id_low, low),
            number(self.version, document.version),
            (
                self.standing,
                OwnedValue::F64(f64::from(document.inbound.standing)),
            ),
            text(self.site, document.site.clone()),
            text(self.path, document.url.path().to_owned()),
            number(self.twins, terms.twins),
            text(
                self.stored,
                lines(Stored::without_text_and_links(document))?,
            ),
            text(self.text, document.page.text.clone()),
            text(self.links, links(document)?),
        ];
        if terms.list {
            values.push((self.list, OwnedValue::Bool(true)));
        }
        if let Some(language) = &document.page.language {
            values.push(text(self.language, language.to_ascii_lowercase()));
        }
        values.extend(folders(&document.url).map(|it| text(self.folders, it.to_owned())));
        values.extend(bearers(document, &terms).map(|it| text(self.offers, coded(&it, document))));
        let places = Places::of(&terms);
        values.extend(
            places
                .starts
                .into_iter()
                .map(|it| number(self.sections, it)),
        );
        values.extend(places.marks.into_iter().map(|it| number(self.marks, it)));
        let marks = terms.sections.iter().map(|section| section.marks.as_str());
        let marks: Vec<&str> = marks.filter(|marks| !marks.is_empty()).collect();
        // Values of their own, between which Tantivy leaves a gap: no pair spans two of them.
        values.extend([
            text(self.body, terms.text),
            text(self.body, marks.join(" ")),
            text(self.body, terms.title),
            text(self.body, terms.identifiers),
            text(self.mentions, terms.mentions),
            text(self.address, terms.address),
            text(self.common, terms.common),
            text(self.spelled, terms.spelled),
        ]);
        let mut names = terms.names;
        names.extend(terms.sections.into_iter().flat_map(|section| section.names));
        names.sort_unstable();
        names.dedup();
        values.extend(names.into_iter().map(|name| text(self.name, name)));
        Ok(Entry {
            values,
            _room: Arc::clone(room),
        })
    }
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

fn links(document: &Document) -> serde_json::Result<String> {
    let links = document.page.links.iter().map(KeptLink::from);
    serde_json::to_string(&links.collect::<Vec<_>>())
}
