//! `canter-relevance`: asks a running search API judged queries and scores its answers.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use canter_tests::judged::{DEPTH, Judged, Scores, pages};
use clap::Parser;
use console::style;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::interval;
use url::Url;

/// Maximum wait for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ask a running search API judged queries, and score what it answers.
///
/// A file holds a query a line, as JSON: {"query": "with statement", "rel": {"reference/compound_stmts.html": 2}}.
/// A page that answers better has a higher grade; its path is given below --base.
#[derive(Debug, Parser)]
#[command(name = "canter-relevance", max_term_width = 100)]
struct Args {
    /// Where the search is: what `canter serve` or `localstack/deploy` prints
    api: Url,

    /// Files of judged queries
    #[arg(required = true)]
    judged: Vec<PathBuf>,

    /// Path below which the judged paths lie, as the crawled site has it
    #[arg(long, value_name = "PATH", default_value = "/")]
    base: String,

    /// Start this many queries per second, without waiting for answers [default: one after the
    /// other]
    #[arg(long, value_name = "QUERIES")]
    rate: Option<f64>,

    /// Name the queries whose best page is not the first result, with what is
    #[arg(long)]
    missed: bool,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// A query and its results.
struct Asked {
    judged: Judged,
    pages: Vec<String>,
    took: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match relevance(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", style("error:").red().bold());
            ExitCode::FAILURE
        }
    }
}

async fn relevance(args: Args) -> Result<()> {
    // Fails only if a default is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let mut sums = Vec::new();
    let mut told = format!(
        "{:>42}  queries   MRR@10  nDCG@10  recall@10   p50 ms   p99 ms\n",
        ""
    );
    let mut missed = String::new();
    for file in &args.judged {
        let asked = ask_all(&client, &args, file).await?;
        let scores: Vec<Scores> = asked.iter().map(|it| it.judged.score(&it.pages)).collect();
        let mean = Scores::mean(&scores);
        let mut took: Vec<f64> = asked.iter().map(|it| it.took.as_secs_f64() * 1e3).collect();
        took.sort_by(f64::total_cmp);
        let (middle, slow) = (percentile(&took, 0.5), percentile(&took, 0.99));
        writeln!(
            told,
            "{:>42}  {:>7}   {:>6.4}  {:>7.4}  {:>9.4}  {middle:>7.1}  {slow:>7.1}",
            file.file_name().unwrap_or_default().to_string_lossy(),
            asked.len(),
            mean.mrr,
            mean.ndcg,
            mean.recall,
        )?;
        sums.push(json!({
            "file": file, "queries": asked.len(),
            "mrr": mean.mrr, "ndcg": mean.ndcg, "recall": mean.recall,
            "p50_ms": middle, "p99_ms": slow,
        }));
        for (it, _) in asked
            .iter()
            .zip(&scores)
            .filter(|(_, scores)| scores.mrr < 1.0)
        {
            let best = it.judged.rel.iter().max_by_key(|(_, grade)| **grade);
            let wanted = best.map_or("", |(path, _)| path);
            let first = it.pages.first().map_or("nothing", String::as_str);
            writeln!(
                missed,
                "{}: {first}, not {wanted}",
                style(&it.judged.query).bold()
            )?;
        }
    }
    let mut out = stdout();
    if args.json {
        serde_json::to_writer(&mut out, &sums)?;
        return Ok(writeln!(out)?);
    }
    out.write_all(told.as_bytes())?;
    if args.missed {
        out.write_all(missed.as_bytes())?;
    }
    Ok(())
}

/// Asks all queries of a file.
async fn ask_all(client: &reqwest::Client, args: &Args, file: &Path) -> Result<Vec<Asked>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let queries = Judged::read(&text).map_err(|why| anyhow!("{}: {why}", file.display()))?;
    if queries.is_empty() {
        bail!("{} holds no judged query", file.display());
    }
    let base: Arc<str> = args.base.as_str().into();
    let each = args.rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
    let mut ticks = each.map(interval);
    let mut under_way = JoinSet::new();
    let mut asked = Vec::new();
    for (place, judged) in queries.into_iter().enumerate() {
        let query = ask(client.clone(), args.api.clone(), Arc::clone(&base), judged);
        under_way.spawn(async move { query.await.map(|asked| (place, asked)) });
        match &mut ticks {
            Some(ticks) => drop(ticks.tick().await),
            None => asked.push(
                under_way
                    .join_next()
                    .await
                    .context("a query was asked")???,
            ),
        }
    }
    while let Some(answered) = under_way.join_next().await {
        asked.push(answered??);
    }
    asked.sort_by_key(|(place, _)| *place);
    Ok(asked.into_iter().map(|(_, asked)| asked).collect())
}

async fn ask(client: reqwest::Client, api: Url, base: Arc<str>, judged: Judged) -> Result<Asked> {
    let mut url = api.join("api/v1/search")?;
    let limit = DEPTH.to_string();
    url.query_pairs_mut()
        .append_pair("q", &judged.query)
        .append_pair("limit", &limit);
    let began = Instant::now();
    let answer = client.get(url.clone()).send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    let took = began.elapsed();
    let read = serde_json::from_slice::<Value>(&body).ok();
    let Some(pages) = read.as_ref().and_then(|answer| pages(answer, &base)) else {
        bail!("{url} answers {status}, and no results");
    };
    Ok(Asked {
        judged,
        pages,
        took,
    })
}

/// A percentile of sorted values, by nearest rank.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let last = sorted.get(rank.saturating_sub(1)).or(sorted.last());
    last.copied().unwrap_or_default()
}
