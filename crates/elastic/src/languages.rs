//! The languages of the pages in an index, which a query's words have to be stemmed for.

use std::time::{Duration, Instant};

use canter_core::failure::Failure;
use canter_core::words::Language;
use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::offers::Buckets;
use crate::opening::nothing;
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
        if let Some((told, languages)) = known.as_ref()
            && told.elapsed() < FRESH
        {
            return Ok(languages.clone());
        }
        let languages = ask(server).await?;
        *known = Some((Instant::now(), languages.clone()));
        Ok(languages)
    }
}

async fn ask(server: &Server) -> Result<Vec<Language>, Failure> {
    let path = format!("{}/_search", server.index());
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        // A page that names none is taken for an English one.
        "aggs": {"languages": {"terms": {"field": "languages", "missing": "en", "size": MOST}}},
    });
    let answer = server.ask(Method::Post, &path, Some(&body), Duration::ZERO);
    let answer = answer.await?;
    if answer.tells_of_no_index() {
        return Err(nothing(server));
    }
    let told: Told = server.understood(&answer)?;
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
