//! How a page lies in Elasticsearch: one document, whose sections are nested in it.
//!
//! What is searched holds the core's terms, cut at spaces and nothing else, and is not kept; what
//! is kept, the stored page, its text and its links, is not searched.

use canter_core::document::{Document, KeptLink, Stored};
use canter_core::failure::Failure;
use canter_core::terms::PageTerms;
use canter_core::words::Words;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::packed::{pack, unpack};

/// Layout of the index: raise it whenever fields or terms change. It is part of the index's name,
/// so that each layout has an index of its own.
pub(crate) const LAYOUT: &str = "canter-elastic-1";

/// Settings and mapping of the index.
pub(crate) fn index_body() -> Value {
    let mut body: Value = serde_json::from_str(include_str!("mapping.json")).unwrap_or_default();
    body["mappings"]["_meta"] = serde_json::json!({ "layout": LAYOUT });
    body
}

/// A page on its way to the server.
#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    site: &'a str,
    /// The language, and each that it is a kind of: `pt-br` and `pt`.
    languages: Vec<&'a str>,
    path: &'a str,
    names: Vec<&'a str>,
    /// Values of their own, between which the server leaves a gap: no pair spans two of them.
    body: [&'a str; 4],
    address: &'a str,
    common: &'a str,
    sections: Vec<Section>,
    page: Stored,
    text: String,
    links: String,
}

#[derive(Serialize)]
struct Section {
    terms: String,
}

/// A page as JSON. Takes milliseconds of a core for a long page.
pub(crate) fn source(document: &Document, words: &mut Words) -> Result<String, serde_json::Error> {
    let page = &document.page;
    let terms = PageTerms::of(document, words);
    let language = page.language.as_ref().map(|it| it.to_ascii_lowercase());
    let of_sections = terms.sections.iter().flat_map(|section| &section.names);
    let mut names: Vec<&str> = terms
        .names
        .iter()
        .chain(of_sections)
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    let marks = terms.sections.iter().map(|section| section.marks.as_str());
    let marks: Vec<&str> = marks.filter(|marks| !marks.is_empty()).collect();
    let sections = terms.weighed_sections().into_iter();
    let links: Vec<KeptLink> = page.links.iter().map(KeptLink::from).collect();
    let links = serde_json::to_string(&links)?;
    serde_json::to_string(&Entry {
        id: document.id().to_string(),
        site: &document.site,
        languages: language.as_deref().map_or_else(Vec::new, kinds),
        path: document.url.path(),
        names,
        body: [
            &terms.text,
            &marks.join(" "),
            &terms.title,
            &terms.identifiers,
        ],
        address: &terms.address,
        common: &terms.common,
        sections: sections.map(|terms| Section { terms }).collect(),
        page: Stored::without_text_and_links(document),
        text: pack(&page.text).map_err(serde_json::Error::io)?,
        links: pack(&links).map_err(serde_json::Error::io)?,
    })
}

/// A language and what it begins with before a hyphen: a filter then looks for a whole word.
fn kinds(language: &str) -> Vec<&str> {
    let hyphens = language.match_indices('-').map(|(at, _)| &language[..at]);
    hyphens.chain([language]).collect()
}

/// A page as the server keeps it. A request names the parts that it needs.
#[derive(Deserialize)]
pub(crate) struct Kept {
    page: Stored,
    #[serde(default)]
    text: String,
    #[serde(default)]
    links: String,
}

impl Kept {
    /// What is shown of a page: the stored form without its links, which are as they are kept.
    pub(crate) fn shown(self) -> Result<Stored, Failure> {
        let links = String::new();
        Kept { links, ..self }.stored()
    }

    /// The stored form, without its text or links where they were not asked for.
    pub(crate) fn stored(self) -> Result<Stored, Failure> {
        let links = match self.links.as_str() {
            "" => Vec::new(),
            links => serde_json::from_str(&unpack(links)?).map_err(broken)?,
        };
        Ok(Stored {
            text: unpack(&self.text)?,
            links,
            ..self.page
        })
    }
}

/// The stored form of a page, from its JSON.
pub(crate) fn stored(source: &Value) -> Result<Stored, Failure> {
    Kept::deserialize(source).map_err(broken)?.stored()
}

fn broken(error: serde_json::Error) -> Failure {
    Failure::permanent(format!("a page in the index is broken: {error}"))
}
