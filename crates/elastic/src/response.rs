//! Requests to `_search` and the common parts of their responses.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_ranking::hit::Passage;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::opening::nothing;
use crate::page::unpacked;
use crate::server::Server;

/// Asks the server once, since a caller that waits for results asks again itself. A missing index
/// is a transient failure, since the next crawl creates it.
pub(crate) async fn ask<T: DeserializeOwned>(
    server: &Server,
    parameters: &str,
    body: &Value,
) -> Result<T, Failure> {
    let path = format!("{}/_search?{parameters}", server.index());
    let answer = server.ask(Method::Post, &path, Some(body), Duration::ZERO);
    let answer = answer.await?;
    if answer.tells_of_no_index() {
        return Err(nothing(server));
    }
    server.understood(&answer)
}

/// The packed parts of a page that a result shows. The server returns every field as a list.
#[derive(Deserialize)]
pub(crate) struct Fields {
    pub(crate) shown: [String; 1],
    /// The start of the text, in which stop words and signs are highlighted.
    #[serde(default)]
    pub(crate) lead: [String; 1],
    /// The vectors of the page's sections, if they were asked for.
    #[serde(default)]
    pub(crate) meanings: [String; 1],
}

/// The matching sections of a page.
#[derive(Default, Deserialize)]
pub(crate) struct Sections {
    hits: Ranked,
}

impl Sections {
    /// Returns the sections, best first.
    pub(crate) fn ranked(&self) -> &[Section] {
        &self.hits.hits
    }
}

#[derive(Default, Deserialize)]
struct Ranked {
    #[serde(default)]
    hits: Vec<Section>,
}

#[derive(Deserialize)]
pub(crate) struct Section {
    #[serde(rename = "_nested")]
    nested: Nested,
    #[serde(default)]
    fields: SectionFields,
}

#[derive(Deserialize)]
struct Nested {
    offset: usize,
}

#[derive(Default, Deserialize)]
struct SectionFields {
    /// Empty if the text of the section is not on the page.
    #[serde(rename = "sections.shown", default)]
    shown: [String; 1],
}

impl Section {
    /// Returns the section's number within the page.
    pub(crate) fn offset(&self) -> usize {
        self.nested.offset
    }

    /// Returns the parts that a result shows; none if the section's text is not on the page.
    pub(crate) fn passage(&self) -> Option<Result<Passage<'static>, Failure>> {
        let shown = &self.fields.shown[0];
        (!shown.is_empty()).then(|| unpacked(shown))
    }
}

/// Numbers of pages by the values of a field, largest number first.
#[derive(Default, Deserialize)]
pub(crate) struct Buckets {
    #[serde(default)]
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: String,
    doc_count: u64,
}

impl Buckets {
    pub(crate) fn counts(self) -> Vec<(String, u64)> {
        let buckets = self.buckets.into_iter();
        buckets.map(|it| (it.key, it.doc_count)).collect()
    }
}
