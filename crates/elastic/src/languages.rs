//! The languages of the pages in an index, which a query's words have to be stemmed for.

use std::time::{Duration, Instant};

use canter_core::failure::Failure;
use canter_ranking::words::Language;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::found::{Buckets, ask};
use crate::server::Server;

/// How long it may take until pages in a new language are found by their stems.
const FRESH: Duration = Duration::from_secs(60);
/// Most tags of languages that are looked at.
const MOST: usize = 100;

/// What was last told of the languages.
#[derive(Default)]
pub(crate) struct Languages(Mutex<Option<(Instant, Vec<Language>)>>);

impl Languages {
    /// Those of all pages; asks the server now and then.
    pub(crate) async fn get(&self, server: &Server) -> Result<Vec<Language>, Failure> {
        let mut known = self.0.lock().await;
        if let Some((asked, languages)) = known.as_ref()
            && asked.elapsed() < FRESH
        {
            return Ok(languages.clone());
        }
        let languages = told(server).await?;
        *known = Some((Instant::now(), languages.clone()));
        Ok(languages)
    }
}

async fn told(server: &Server) -> Result<Vec<Language>, Failure> {
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        // A page that names none is taken for an English one.
        "aggs": {"languages": {"terms": {"field": "languages", "missing": "en", "size": MOST}}},
    });
    let told: Told = ask(server, "", &body).await?;
    let tags = told.aggregations.languages.counts();
    // The embedded index always has English among them, and both have to look for the same.
    let tags = tags.iter().map(|(tag, _)| tag.as_str()).chain(["en"]);
    Ok(Language::of_tags(tags))
}

#[derive(Deserialize)]
struct Told {
    aggregations: Aggregations,
}

#[derive(Deserialize)]
struct Aggregations {
    languages: Buckets,
}
