//! The languages of the pages in an index. Queries are stemmed in each of them.

use std::time::{Duration, Instant};

use canter_core::failure::Failure;
use canter_ranking::tokenizer::Language;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::response::{Buckets, ask};
use crate::server::Server;

/// Maximum age of the cached languages.
const FRESH: Duration = Duration::from_secs(60);
/// Maximum number of language tags.
const MAX_TAGS: usize = 100;

/// A cache of the languages.
#[derive(Default)]
pub(crate) struct Languages(Mutex<Option<(Instant, Vec<Language>)>>);

impl Languages {
    /// Returns the languages of all pages. Asks the server if the cached ones are too old.
    pub(crate) async fn get(&self, server: &Server) -> Result<Vec<Language>, Failure> {
        let mut cached = self.0.lock().await;
        if let Some((asked, languages)) = cached.as_ref()
            && asked.elapsed() < FRESH
        {
            return Ok(languages.clone());
        }
        let languages = ask_for(server).await?;
        *cached = Some((Instant::now(), languages.clone()));
        Ok(languages)
    }
}

async fn ask_for(server: &Server) -> Result<Vec<Language>, Failure> {
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        // A page without a language counts as English.
        "aggs": {"languages": {"terms": {"field": "languages", "missing": "en", "size": MAX_TAGS}}},
    });
    let response: Response = ask(server, "", &body).await?;
    let tags = response.aggregations.languages.counts();
    // The embedded index always includes English, and both indexes must search for the same terms.
    let tags = tags.iter().map(|(tag, _)| tag.as_str()).chain(["en"]);
    Ok(Language::of_tags(tags))
}

#[derive(Deserialize)]
struct Response {
    aggregations: Aggregations,
}

#[derive(Deserialize)]
struct Aggregations {
    languages: Buckets,
}
