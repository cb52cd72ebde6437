//! The form in which Tantivy indexes a page: one document, whose sections are ranges of the
//! positions of its words (`docs/adr/0006`).

use canter_core::document::{Document, Stored};
use canter_ranking::completion::name_entries;
use canter_ranking::facets::folders;
use canter_ranking::terms::PageTerms;
use tantivy::schema::{Field, OwnedValue};
use tokio::sync::OwnedSemaphorePermit;

use crate::completion::coded;
use crate::meanings::packed;
use crate::schema::{Fields, halves};
use crate::sections::Places;
use crate::stored_page::lines;

/// A page on its way into Tantivy.
pub(super) struct IndexedPage {
    values: Vec<(Field, OwnedValue)>,
    /// The page's share of the memory of waiting pages.
    _room: Option<OwnedSemaphorePermit>,
}

impl IndexedPage {
    /// Returns the indexed form of a document. Dropping it releases the permit.
    pub(super) fn new(
        fields: &Fields,
        document: &Document,
        terms: PageTerms,
        room: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, serde_json::Error> {
        let id = document.id();
        let (high, low) = halves(id);
        let text = |field, text: String| (field, OwnedValue::Str(text));
        let number = |field, number| (field, OwnedValue::U64(number));
        let mut values = vec![
            (fields.id, OwnedValue::Bytes(id.0.to_vec())),
            number(fields.id_high, high),
            number(fields.id_low, low),
            number(fields.version, document.version),
            (
                fields.link_score,
                OwnedValue::F64(f64::from(document.inlinks.link_score)),
            ),
            text(fields.site, document.site.clone()),
            text(fields.path, document.url.path().to_owned()),
            number(fields.near_duplicates, terms.near_duplicates),
            text(
                fields.stored,
                lines(Stored::without_text_and_links(document))?,
            ),
            text(fields.text, document.page.text.clone()),
            // The archive keeps the links.
            text(fields.links, "[]".to_owned()),
        ];
        if terms.list {
            values.push((fields.list, OwnedValue::Bool(true)));
        }
        if let Some(language) = &document.page.language {
            values.push(text(fields.language, language.to_ascii_lowercase()));
        }
        values.extend(folders(&document.url).map(|it| text(fields.folders, it.to_owned())));
        values.extend(
            name_entries(document, &terms).map(|it| text(fields.completions, coded(&it, document))),
        );
        let places = Places::of(&terms);
        values.extend(
            places
                .starts
                .into_iter()
                .map(|it| number(fields.sections, it)),
        );
        values.extend(places.marks.into_iter().map(|it| number(fields.marks, it)));
        values.extend(packed(&terms.meanings).map(|it| number(fields.meanings, it)));
        let marks = terms.sections.iter().map(|section| section.marks.as_str());
        let marks: Vec<&str> = marks.filter(|marks| !marks.is_empty()).collect();
        // Tantivy leaves a gap between values, so no pair spans two of them.
        values.extend([
            text(fields.body, terms.text),
            text(fields.body, marks.join(" ")),
            text(fields.body, terms.title),
            text(fields.body, terms.identifiers),
            text(fields.anchor_text, terms.anchor_text),
            text(fields.address, terms.address),
            text(fields.common, terms.common),
            text(fields.spelled, terms.spelled),
        ]);
        let mut names = terms.names;
        names.extend(terms.sections.into_iter().flat_map(|section| section.names));
        names.sort_unstable();
        names.dedup();
        names.extend(terms.titles);
        values.extend(names.into_iter().map(|name| text(fields.name, name)));
        Ok(IndexedPage {
            values,
            _room: room,
        })
    }
}

impl tantivy::Document for IndexedPage {
    type Value<'a> = &'a OwnedValue;
    type FieldsValuesIter<'a> = Values<'a>;

    fn iter_fields_and_values(&self) -> Values<'_> {
        Values(self.values.iter())
    }
}

/// An iterator over the values of an [`IndexedPage`].
pub(super) struct Values<'a>(std::slice::Iter<'a, (Field, OwnedValue)>);

impl<'a> Iterator for Values<'a> {
    type Item = (Field, &'a OwnedValue);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(field, value)| (*field, value))
    }
}
