//! The schema of the index.

use canter_core::task::UrlKey;
use tantivy::Term;
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, STORED, Schema, SchemaBuilder, TextFieldIndexing,
    TextOptions,
};

use crate::tokenizer::TERMS;

/// Layout of the index. Raise it whenever fields or terms of usual words change, so that an index of
/// another layout is made anew.
pub const LAYOUT: &str = "canter-index-8";
/// The layout before, without vectors. It can be read: a folder from before the archive has its pages
/// in such an index alone.
const READABLE: &str = "canter-index-7";

/// Names of the columns.
pub(super) mod column {
    /// Positions of a page's sections among its words; see [`crate::sections`].
    pub(crate) const SECTIONS: &str = "sections";
    /// Positions of the sections' marks.
    pub(crate) const MARKS: &str = "marks";
    /// First half of a page's id.
    pub(crate) const ID_HIGH: &str = "id-high";
    /// Second half of a page's id.
    pub(crate) const ID_LOW: &str = "id-low";
    /// Version of a page.
    pub(crate) const VERSION: &str = "version";
    /// Link score of a page; see [`canter_core::inlinks::Inlinks::link_score`].
    pub(crate) const LINK_SCORE: &str = "standing";
    /// Whether a page is little more than its links.
    pub(crate) const LIST: &str = "list";
    /// Site of a page.
    pub(crate) const SITE: &str = "site";
    /// Language of a page.
    pub(crate) const LANGUAGE: &str = "language";
    /// Path of a page's URL.
    pub(crate) const PATH: &str = "path";
    /// Folders that contain a page.
    pub(crate) const FOLDERS: &str = "folders";
    /// Vectors of a page's sections; see [`crate::meanings`].
    pub(crate) const MEANINGS: &str = "meanings";
    /// Number shared by near-duplicates.
    pub(crate) const NEAR_DUPLICATES: &str = "twins";
}

/// The fields of an indexed page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) id: Field,
    /// Names of the page and of its sections, and its titles
    /// ([`canter_ranking::terms::PageTerms::titles`]).
    pub(super) name: Field,
    pub(super) sections: Field,
    pub(super) marks: Field,
    pub(super) id_high: Field,
    pub(super) id_low: Field,
    pub(super) version: Field,
    pub(super) link_score: Field,
    pub(super) list: Field,
    pub(super) site: Field,
    pub(super) language: Field,
    pub(super) path: Field,
    pub(super) folders: Field,
    pub(super) near_duplicates: Field,
    /// Words of the text, marks of its sections, title, identifiers. The order matters because
    /// sections are ranges of positions.
    pub(super) body: Field,
    pub(super) anchor_text: Field,
    pub(super) address: Field,
    pub(super) common: Field,
    /// Unstemmed words, for corrections.
    pub(super) spelled: Field,
    /// Names for completion; see [`crate::completion`].
    pub(super) completions: Field,
    /// [`Stored`] as JSON, without its text and its links.
    pub(super) stored: Field,
    /// The text, which would have to be escaped in JSON.
    pub(super) text: Field,
    /// The links as JSON. Only an index of an older canter holds any; now the archive does.
    pub(super) links: Field,
    pub(super) meanings: Field,
}

impl Fields {
    /// Creates the fields and the schema that holds them.
    pub(super) fn new() -> (Self, Schema) {
        let (mut fields, mut schema) = Fields::of_layout(LAYOUT);
        fields.meanings = schema.add_u64_field(column::MEANINGS, FAST);
        (fields, schema.build())
    }

    /// Returns whether an index with a schema can be read.
    pub(super) fn can_read(schema: &Schema) -> bool {
        *schema == Fields::new().1 || *schema == Fields::of_layout(READABLE).1.build()
    }

    /// Creates the fields that both layouts have.
    fn of_layout(layout: &str) -> (Self, SchemaBuilder) {
        let mut schema = Schema::builder();
        // Positions serve pairs and sections. In a field of pairs almost every pair would be a new
        // term, which took half of the indexing time; a field of sections would hold each word a
        // second time.
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
        // The field holds no value; its name is the layout.
        let layout = schema.add_u64_field(layout, FAST);
        let fields = Fields {
            id: schema.add_bytes_field("id", BytesOptions::default().set_indexed()),
            name: schema.add_text_field("name", name.clone()),
            sections: schema.add_u64_field(column::SECTIONS, FAST),
            marks: schema.add_u64_field(column::MARKS, FAST),
            id_high: schema.add_u64_field(column::ID_HIGH, FAST),
            id_low: schema.add_u64_field(column::ID_LOW, FAST),
            version: schema.add_u64_field(column::VERSION, FAST),
            link_score: schema.add_f64_field(column::LINK_SCORE, FAST),
            list: schema.add_bool_field(column::LIST, FAST),
            site: schema.add_text_field(column::SITE, name.clone().set_fast("raw")),
            language: schema.add_text_field(column::LANGUAGE, word.clone()),
            path: schema.add_text_field(column::PATH, word.clone()),
            folders: schema.add_text_field(column::FOLDERS, word),
            near_duplicates: schema.add_u64_field(column::NEAR_DUPLICATES, FAST),
            body: schema.add_text_field("body", placed),
            anchor_text: schema.add_text_field("mentions", terms.clone()),
            address: schema.add_text_field("address", terms.clone()),
            common: schema.add_text_field("common", terms),
            spelled: schema.add_text_field("spelled", listed),
            completions: schema.add_text_field("offers", name),
            stored: schema.add_text_field("stored", STORED),
            text: schema.add_text_field("text", STORED),
            links: schema.add_text_field("links", STORED),
            // The layout before has no such field, and nobody writes it.
            meanings: layout,
        };
        (fields, schema)
    }

    /// Returns the term that identifies a page.
    pub(super) fn id_term(&self, id: UrlKey) -> Term {
        Term::from_field_bytes(self.id, &id.0)
    }
}

/// Returns the two halves of an id. Pairs of halves are ordered like ids.
pub(super) fn halves(id: UrlKey) -> (u64, u64) {
    let whole = u128::from_be_bytes(id.0);
    ((whole >> 64) as u64, whole as u64)
}

/// Returns the id with these halves.
pub(super) fn whole((high, low): (u64, u64)) -> UrlKey {
    UrlKey((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}
