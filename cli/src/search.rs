//! `canter search`: asks the search API from the shell.

use std::io::{Write, stdout};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use canter_api::NoStatus;
use canter_core::failure::Failure;
use canter_embedded::folder::Folder;
use canter_ranking::completion::{Named, Prefix};
use canter_ranking::plan::Plan;
use canter_ranking::search::{Answer as IndexAnswer, SearchIndex};
use canter_ranking::tokenizer::Language;
use clap::Args;
use console::style;
use serde::Deserialize;
use tower::ServiceExt;
use url::form_urlencoded;

use crate::args::{Data, Server};
use crate::count::counted;
use crate::index::ReadIndex;
use crate::printable::printable;
use crate::usage::UsageError;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    canter search asyncio gather --limit 3\n  \
    canter search '\"with statement\" -deprecated'       side by side; without a word")]
pub struct Search {
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,

    /// Results to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub limit: u16,

    /// Results to leave out before the first
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,

    #[command(flatten)]
    pub data: Data,

    #[command(flatten)]
    pub index: Server,

    /// The answer as one JSON object, as the search API gives it
    #[arg(long)]
    pub json: bool,
}

/// The parts of an answer of the search API that are shown.
#[derive(Deserialize)]
struct Answer {
    total: Total,
    took_ms: f64,
    results: Vec<Hit>,
    suggestion: Option<String>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit {
    url: String,
    title: String,
    snippet: String,
    sections: Vec<Section>,
}

#[derive(Deserialize)]
struct Section {
    url: String,
    title: String,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    detail: String,
}

/// Asks the API in this process and prints its answer.
pub async fn search(args: Search) -> Result<()> {
    let index = match &args.index.url()? {
        Some(server) => ReadIndex::server(server).await?,
        None => ReadIndex::own(&Folder::existing(&args.data.folder()?)?)?,
    };
    let index = Arc::new(FailureKeeper {
        index,
        failure: Mutex::default(),
    });
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("q", &args.query.join(" "))
        .append_pair("limit", &args.limit.to_string())
        .append_pair("offset", &args.offset.to_string())
        .finish();
    let request = Request::get(format!("/api/v1/search?{query}")).body(Body::empty())?;
    let answer = canter_api::router(Arc::clone(&index), Arc::new(NoStatus))
        .oneshot(request)
        .await?;
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await?;
    if status.is_success() {
        let mut out = stdout().lock();
        if args.json {
            out.write_all(&body)?;
            writeln!(out)?;
        } else {
            let answer: Answer = serde_json::from_slice(&body).context("the answer is broken")?;
            write!(out, "{}", text(&answer, args.offset))?;
        }
        return Ok(());
    }
    let problem: Problem = serde_json::from_slice(&body).context("the answer is broken")?;
    if status.is_client_error() {
        let faults: Vec<String> = problem
            .errors
            .into_iter()
            .map(|fault| fault.detail)
            .collect();
        return Err(UsageError::new(faults.join(" ")).into());
    }
    let failure = index.failure.lock();
    match failure.unwrap_or_else(PoisonError::into_inner).take() {
        Some(failure) => Err(failure.into()),
        None => bail!(problem.detail),
    }
}

/// Keeps the failure of the index, which the API does not tell its clients.
struct FailureKeeper {
    index: ReadIndex,
    failure: Mutex<Option<Failure>>,
}

impl FailureKeeper {
    fn keep<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &result {
            let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = Some(failure.clone());
        }
        result
    }
}

impl SearchIndex for FailureKeeper {
    async fn languages(&self) -> Result<Vec<Language>, Failure> {
        self.keep(self.index.languages().await)
    }

    async fn run(&self, plan: &Plan) -> Result<IndexAnswer, Failure> {
        self.keep(self.index.run(plan).await)
    }

    async fn names(&self, prefix: Prefix) -> Result<Vec<Named>, Failure> {
        self.index.names(prefix).await
    }

    async fn words(&self, prefix: String) -> Result<Vec<(String, u64)>, Failure> {
        self.keep(self.index.words(prefix).await)
    }
}

fn text(answer: &Answer, offset: usize) -> String {
    if answer.results.is_empty() {
        return "Nothing found.\n".to_owned();
    }
    let mut text = String::new();
    if let Some(meant) = &answer.suggestion {
        let meant = style(printable(meant)).bold();
        text +=
            &format!("No page has all of these words as they are written. Results for {meant}:\n");
    }
    for (number, hit) in answer.results.iter().enumerate() {
        let number = format!("{:>3}.", offset + number + 1);
        text += &format!(
            "{} {}\n",
            style(number).dim(),
            style(printable(&hit.title)).bold()
        );
        text += &format!("     {}\n", style(&hit.url).cyan());
        if !hit.snippet.is_empty() {
            text += &format!("     {}\n", plain(&hit.snippet));
        }
        for section in &hit.sections {
            let url = style(&section.url).cyan();
            text += &format!("     › {}  {url}\n", printable(&section.title));
        }
    }
    let pages = counted(answer.total.value, "page");
    text + &format!("{pages}, {:.0} ms\n", answer.took_ms)
}

/// A snippet for a terminal, with bold marks and without escapes.
fn plain(snippet: &str) -> String {
    let mut text = String::new();
    for (number, part) in snippet.split("<mark>").enumerate() {
        let (marked, rest) = match part.split_once("</mark>") {
            Some((marked, rest)) if number > 0 => (marked, rest),
            _ => ("", part),
        };
        if !marked.is_empty() {
            text += &style(printable(&unescape(marked)))
                .bold()
                .yellow()
                .to_string();
        }
        text += &printable(&unescape(rest));
    }
    text
}

fn unescape(html: &str) -> String {
    // The ampersand comes last, so that its result is not unescaped again.
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(html.replace('\n', " "), |text, (escape, sign)| {
        text.replace(escape, sign)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_shown_as_text() {
        let shown = plain("a &lt;b&gt; <mark>x &amp; y</mark> &amp;lt;");
        assert_eq!(console::strip_ansi_codes(&shown), "a <b> x & y &lt;");
    }
}
