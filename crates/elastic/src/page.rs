//! A page in Elasticsearch: one document with nested sections.
//!
//! Searched fields hold terms, which the server splits at spaces, and are not stored. Stored fields
//! (the page and its text) are not searched. The parts that a result shows are stored apart, section
//! by section, so that a search need not read whole pages (`docs/adr/0011`). Links are in the archive
//! only: pages that were written before that have a field of them, which nobody reads.

use std::borrow::Cow;
use std::collections::BTreeSet;

use canter_core::document::{Document, Stored};
use canter_core::failure::Failure;
use canter_ranking::facets::folders;
use canter_ranking::hit::{Passage, Shown};
use canter_ranking::plan::{Bm25Params, Field, Saturation, is_number};
use canter_ranking::snippet::start;
use canter_ranking::terms::PageTerms;
use canter_ranking::tokenizer::Tokenizer;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::packed::{pack, pack_meanings, unpack};

/// Layout of the index. Raise it whenever fields or terms of usual words change. It is part of the
/// index's name, so that each layout has its own index.
pub(crate) const LAYOUT: &str = "canter-elastic-7";

/// The server's name for BM25 with the factor `k1 + 1`, with which texts have the same weight against
/// links as in the embedded index. OpenSearch 3 leaves the factor out of `BM25`; older servers do not
/// know `LegacyBM25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Similarity {
    Bm25,
    LegacyBm25,
}

impl Similarity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Similarity::Bm25 => "BM25",
            Similarity::LegacyBm25 => "LegacyBM25",
        }
    }
}

/// Returns the settings and mapping of the index, with the BM25 parameters of each field.
pub(crate) fn index_body(similarity: Similarity) -> Value {
    let mut body: Value = serde_json::from_str(include_str!("mapping.json")).unwrap_or_default();
    // A number that a page holds counts the same however often it is repeated.
    let numbers = Bm25Params { k1: 0.0, b: 0.0 };
    for (name, bm25) in [
        ("sections", Field::Sections.bm25(Saturation::Early)),
        ("body", Field::Body.bm25(Saturation::Early)),
        ("body-late", Field::Body.bm25(Saturation::Late)),
        ("numbers", numbers),
        ("mentions", Field::AnchorText.bm25(Saturation::Early)),
        ("mentions-late", Field::AnchorText.bm25(Saturation::Late)),
        ("address", Field::Address.bm25(Saturation::Early)),
    ] {
        body["settings"]["index"]["similarity"][name] =
            serde_json::json!({ "type": similarity.name(), "k1": bm25.k1, "b": bm25.b });
    }
    body["mappings"]["_meta"] = serde_json::json!({ "layout": LAYOUT });
    body
}

/// A page as the server receives it.
#[derive(Serialize)]
struct Source<'a> {
    id: String,
    site: &'a str,
    /// The page's language and the languages that it is a variant of: `pt-br` and `pt`.
    languages: Vec<&'a str>,
    path: &'a str,
    folders: Vec<&'a str>,
    /// [`PageTerms::near_duplicates`], as a signed number.
    twins: i64,
    /// [`PageTerms::known`] plus one.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<u32>,
    /// Names of the page itself and its titles, and names of sections that are weighed as part of
    /// another section.
    names: Vec<&'a str>,
    /// The server leaves a gap between values, so no pair of terms spans two of them.
    body: [&'a str; 4],
    numbers: String,
    mentions: &'a str,
    /// [`canter_core::inlinks::Inlinks::link_score`]; none for 0, which the server refuses.
    #[serde(rename = "standing", skip_serializing_if = "Option::is_none")]
    link_score: Option<f32>,
    /// Whether the page holds little more than its links.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    list: bool,
    address: &'a str,
    common: &'a str,
    spelled: Vec<&'a str>,
    sections: Vec<Section<'a>>,
    /// A packed [`Shown`].
    shown: String,
    /// The packed [`start`] of the text.
    lead: String,
    /// [`PageTerms::meanings`], one after the other.
    meanings: String,
    page: Stored,
    text: String,
}

#[derive(Serialize)]
struct Section<'a> {
    terms: String,
    names: &'a [String],
    /// [`canter_ranking::terms::SectionTerms::known`] plus one.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<u32>,
    /// A packed [`Passage`]; none if the text of the section is not on the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<String>,
}

/// Returns a page as JSON. For a long page this takes milliseconds of CPU time.
pub(crate) fn source(
    document: &Document,
    tokenizer: &mut Tokenizer,
) -> Result<String, serde_json::Error> {
    let page = &document.page;
    let terms = PageTerms::of(document, tokenizer);
    let language = page.language.as_ref().map(|it| it.to_ascii_lowercase());
    let weighed = terms.weighed_sections();
    let beyond = terms.sections.iter().skip(weighed.len());
    let beyond = beyond.flat_map(|section| &section.names);
    let names = terms.names.iter().chain(&terms.titles).chain(beyond);
    let names = names.map(String::as_str);
    let marks = terms.sections.iter().map(|section| section.marks.as_str());
    let marks: Vec<&str> = marks.filter(|marks| !marks.is_empty()).collect();
    let mut sections = Vec::with_capacity(weighed.len());
    for ((terms, section), of) in weighed.into_iter().zip(&page.sections).zip(&terms.sections) {
        let shown = page.text.get(section.range.clone()).map(|text| {
            let anchor = section.anchor.as_deref().map(Cow::Borrowed);
            packed(&Passage {
                known: of.known,
                ..Passage::new(anchor, section.title.as_str().into(), text)
            })
        });
        sections.push(Section {
            terms,
            names: &of.names,
            known: of.known.map(|known| known.saturating_add(1)),
            shown: shown.transpose()?,
        });
    }
    serde_json::to_string(&Source {
        id: document.id().to_string(),
        site: &document.site,
        languages: language.as_deref().map_or_else(Vec::new, kinds),
        path: document.url.path(),
        folders: folders(&document.url).collect(),
        twins: terms.near_duplicates.cast_signed(),
        known: terms.known.map(|known| known.saturating_add(1)),
        names: names.collect(),
        body: [
            &terms.text,
            &marks.join(" "),
            &terms.title,
            &terms.identifiers,
        ],
        numbers: numbers(&terms),
        mentions: &terms.anchor_text,
        link_score: Some(document.inlinks.link_score).filter(|it| *it > 0.0),
        list: terms.list,
        address: &terms.address,
        common: &terms.common,
        spelled: terms.spelled.split_terminator(' ').collect(),
        sections,
        shown: packed(&Shown::of(document, &terms))?,
        lead: pack(start(&page.text)).map_err(serde_json::Error::io)?,
        meanings: pack_meanings(&terms.meanings),
        page: Stored::without_text_and_links(document),
        text: pack(&page.text).map_err(serde_json::Error::io)?,
    })
}

/// Returns the numbers of a page's body, and a mark: every page with a body has the field, so that a
/// number is as rare in it as in the body.
fn numbers(terms: &PageTerms) -> String {
    let texts = [&terms.text, &terms.title].into_iter();
    let marks = terms.sections.iter().map(|section| &section.marks);
    let words = texts
        .chain(marks)
        .flat_map(|text| text.split_terminator(' '));
    let mut words = words.peekable();
    if words.peek().is_none() {
        return String::new();
    }
    let numbers: BTreeSet<&str> = words.filter(|word| is_number(word)).collect();
    numbers
        .into_iter()
        .fold("-".to_owned(), |all, number| all + " " + number)
}

/// Packs a value as JSON.
fn packed<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    pack(&serde_json::to_string(value)?).map_err(serde_json::Error::io)
}

/// Unpacks a value that was packed as JSON.
pub(crate) fn unpacked<T: DeserializeOwned>(packed: &str) -> Result<T, Failure> {
    serde_json::from_str(&unpack(packed)?).map_err(broken)
}

/// Returns a language tag and its prefixes before hyphens, so that a filter can match a whole term.
fn kinds(language: &str) -> Vec<&str> {
    let hyphens = language.match_indices('-').map(|(at, _)| &language[..at]);
    hyphens.chain([language]).collect()
}

/// The stored fields of a page.
#[derive(Deserialize)]
struct StoredPage {
    page: Stored,
    #[serde(default)]
    text: String,
}

impl StoredPage {
    fn stored(self) -> Result<Stored, Failure> {
        Ok(Stored {
            text: unpack(&self.text)?,
            ..self.page
        })
    }
}

/// Reads the stored form of a page from its JSON.
pub(crate) fn stored(source: &Value) -> Result<Stored, Failure> {
    StoredPage::deserialize(source).map_err(broken)?.stored()
}

fn broken(error: serde_json::Error) -> Failure {
    Failure::permanent(format!("a page in the index is broken: {error}"))
}
