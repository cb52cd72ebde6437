//! What the server is asked to find, and how it says what it found: the same for a search, for names
//! and for counts.

use std::time::Duration;

use canter_core::failure::Failure;
use canter_ranking::hit::Passage;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::entry::unpacked;
use crate::opening::nothing;
use crate::server::Server;

/// Asks a server, once: whoever waits for results asks again. Where the index is gone, the next
/// crawl makes another.
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

/// What a result shows, each packed; a field is a list on the server.
#[derive(Deserialize)]
pub(crate) struct Fields {
    pub(crate) shown: [String; 1],
    /// The start of the text, where stop words and signs are looked for in it.
    #[serde(default)]
    pub(crate) lead: [String; 1],
}

/// Sections of a page that was found.
#[derive(Default, Deserialize)]
pub(crate) struct Sections {
    hits: Ranked,
}

impl Sections {
    /// Best first.
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
    /// Empty for one whose text is not on the page.
    #[serde(rename = "sections.shown", default)]
    shown: [String; 1],
}

impl Section {
    /// Its place in the page.
    pub(crate) fn offset(&self) -> usize {
        self.nested.offset
    }

    /// What is shown of it; none where its text is not on the page.
    pub(crate) fn passage(&self) -> Option<Result<Passage<'static>, Failure>> {
        let shown = &self.fields.shown[0];
        (!shown.is_empty()).then(|| unpacked(shown))
    }
}

/// How many pages have each value of a field, those of most pages first.
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
