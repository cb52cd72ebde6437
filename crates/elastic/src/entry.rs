//! How a page lies in Elasticsearch.

use canter_core::document::{Document, Stored, StoredLink, StoredSection};
use canter_core::failure::Failure;
use canter_core::words::Words;
use serde_json::{Value, json};

/// Layout of the index: raise it whenever fields or terms change. It is part of the index's name,
/// so that each layout has an index of its own.
pub(crate) const LAYOUT: &str = "canter-elastic-1";

/// Settings and mapping of the index.
pub(crate) fn index_body() -> Value {
    json!({
        "settings": {"index": {"gc_deletes": "1h"}},
        "mappings": {
            "dynamic": false,
            "_meta": {"layout": LAYOUT},
            "properties": {
                "id": {"type": "keyword"},
                "site": {"type": "keyword"},
                "version": {"type": "long"},
                "text": {"type": "text"},
            },
        },
    })
}

/// A page as JSON. Takes milliseconds of a core for a long page.
pub(crate) fn source(document: &Document, _: &mut Words) -> Result<String, serde_json::Error> {
    let page = &document.page;
    let sections = page.sections.iter().map(|section| StoredSection {
        anchor: section.anchor.clone(),
        title: section.title.clone(),
        names: section.names.clone(),
        level: section.level,
        start: section.range.start,
        end: section.range.end,
    });
    let links = page.links.iter().map(|link| StoredLink {
        url: link.url.clone(),
        fragment: link.fragment.clone(),
        text: link.text.clone(),
        nofollow: link.nofollow,
    });
    let stored = Stored {
        site: document.site.clone(),
        url: document.url.clone(),
        title: page.title.clone(),
        language: page.language.clone(),
        fetched_at_ms: document.fetched_at.millis(),
        text: page.text.clone(),
        sections: sections.collect(),
        links: links.collect(),
    };
    let mut value = serde_json::to_value(stored)?;
    value["id"] = document.id().to_string().into();
    serde_json::to_string(&value)
}

/// The stored form of a page, from its JSON.
pub(crate) fn stored(source: &Value) -> Result<Stored, Failure> {
    serde::Deserialize::deserialize(source)
        .map_err(|error| Failure::permanent(format!("a page in the index is broken: {error}")))
}
