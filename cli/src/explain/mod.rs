//! `canter explain`: would a URL be fetched, and why; what is known of it. Only reads the data
//! folder, and may run beside a crawl.

mod advice;
mod answer;
mod case;
mod history;
mod knowledge;
mod phrase;
mod show;

use std::borrow::Cow;
use std::io::{BufRead, Write, stdin, stdout};

use anyhow::Result;
use canter_page::url::{SeedError, parse_seed};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::args::Data;
use crate::usage::UsageError;
use case::Case;
use knowledge::Knowledge;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  \
    canter explain https://docs.example.org/3/library/\n  \
    canter explain https://docs.example.org/old/ --site docs --json\n  \
    canter search asyncio --json | jq -c '.results[] | {url}' | canter explain --stdin\n\n\
    No site is asked: everything comes from the data folder and the index. --help tells the names in JSON.",
    after_long_help = "Examples:\n  \
    canter explain https://docs.example.org/3/library/\n  \
    canter explain https://docs.example.org/old/ --site docs --json\n  \
    canter search asyncio --json | jq -c '.results[] | {url}' | canter explain --stdin\n\n\
    No site is asked: everything comes from the data folder and the index.\n\n\
    In JSON each URL is one object; what is not known is null:\n  \
    typed, url, changes[]             as it was given, normalised, what normalising changed\n  \
    address.{host, kind, permitted}   kind: name, public, private\n  \
    robots.{authority, known, allowed, rule, group, crawl_delay_seconds, fetched_at}\n  \
    sites[]                           the sites that it belongs to, or that know it:\n    \
      site, in_scope, would_fetch     as far as that can be said without a request\n    \
      reason, why, advice             what speaks against it, what happened, what one could do\n    \
      known.{waits, met, due_at, kind, depth, attempts, outcome, reason, target, failure, status,\n          \
        fetched_at, took_ms, bytes, etag, last_modified, lastmod, canonical, misses,\n          \
        found[].{url, by}, redirected_from[], redirects_to[].{url, outcome}, duplicates[]}\n    \
      index.{title, language, fetched_at, links, sections[].{title, level, anchor}}\n  \
    not_in[].{site, reason, why}      the other sites, and the part of the scope that leaves it out\n\
    reason is a part of the scope (scheme, host, port, path_prefix, include, exclude) or a reason of\n\
    the summary's skipped_by. A line of --stdin that cannot be read gives {\"line\":N,\"error\":...}.\n\n\
    A line of --stdin may also hold a case, which is answered without a data folder:\n  \
    {\"url\":...,\"base\":...}              {\"href\":...,\"normalised\":...} as parsed, and as canter\n                                    \
      identifies it, or {\"invalid\":...}; the base may be null\n  \
    {\"robots\":...,\"agent\":...,\"url\":...}  {\"allow\":...}; robots_b64 has the exact bytes of a file\n  \
    {\"address\":...}                   {\"allow\":...}: may it be dialled without --allow-private?\n  \
    {\"html_base64\":...,\"content_type\":...,\"url\":...}  the page as it would be indexed: title, text,\n                                    \
      language, sections, links, canonical, refresh, directives, or {\"skipped\":\"not_html\"}"
)]
pub struct Explain {
    /// URLs to explain
    #[arg(value_name = "URL", required_unless_present = "stdin")]
    pub urls: Vec<String>,

    /// Only this site
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,

    /// Read a URL or {"url":...,"site":...} from each line of standard input, and answer each with
    /// a line of JSON; --help tells what else a line may ask
    #[arg(long, conflicts_with = "urls")]
    pub stdin: bool,

    #[command(flatten)]
    pub data: Data,

    /// One JSON object per URL, each on a line
    #[arg(long)]
    pub json: bool,
}

/// A line of `--stdin`.
#[derive(Deserialize)]
struct Question {
    url: String,
    site: Option<String>,
}

/// Answers each URL.
pub async fn explain(args: Explain) -> Result<()> {
    let knowledge = Knowledge::open(&args.data.folder()?)?;
    if args.stdin {
        return answer_lines(&knowledge, args.site.as_deref()).await;
    }
    let parse = |typed: &String| Ok((typed.clone(), parse(typed).map_err(UsageError::new)?));
    let urls: Result<Vec<(String, Url)>> = args.urls.iter().map(parse).collect();
    if let Some(site) = &args.site {
        knowledge.site(site).map_err(UsageError::new)?;
    }
    for (number, (typed, url)) in urls?.into_iter().enumerate() {
        let answer = knowledge.answer(&typed, &url, args.site.as_deref()).await?;
        let mut out = stdout().lock();
        if args.json {
            writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        } else {
            let gap = if number > 0 { "\n" } else { "" };
            write!(out, "{gap}{}", show::text(&answer, args.site.is_some()))?;
        }
    }
    Ok(())
}

async fn answer_lines(knowledge: &Knowledge, site: Option<&str>) -> Result<()> {
    let mut lines = stdin().lock();
    let mut line = Vec::new();
    let mut number = 0;
    while {
        line.clear();
        lines.read_until(b'\n', &mut line)? > 0
    } {
        number += 1;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let answer = match answer_line(knowledge, text, site).await {
            Ok(answer) => answer,
            Err(error) => json!({ "line": number, "error": crate::told(&error) }).to_string(),
        };
        let mut out = stdout().lock();
        // The other side may wait for each answer.
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

async fn answer_line(knowledge: &Knowledge, text: &str, site: Option<&str>) -> Result<String> {
    let question = if text.starts_with('{') {
        let line: Value = serde_json::from_str(&with_whole_characters(text))?;
        if let Some(case) = Case::read(&line)? {
            return Ok(case.answer()?.to_string());
        }
        serde_json::from_value(line)?
    } else {
        Question {
            url: text.to_owned(),
            site: None,
        }
    };
    let site = question.site.as_deref().or(site);
    if let Some(site) = site {
        knowledge.site(site).map_err(UsageError::new)?;
    }
    let url = parse(&question.url)?;
    let answer = knowledge.answer(&question.url, &url, site).await?;
    Ok(serde_json::to_string(&answer)?)
}

/// JSON may escape half of a character (`\ud800`), which browsers read as U+FFFD.
fn with_whole_characters(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u") {
        return json.into();
    }
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut whole, mut at) = (String::with_capacity(json.len()), 0);
    while let Some(next) = json[at..].chars().next() {
        let length = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str("\\ufffd");
                at += 6;
                continue;
            }
            // An escaped backslash begins no other escape.
            _ if json[at..].starts_with("\\\\") => 2,
            _ => next.len_utf8(),
        };
        whole.push_str(&json[at..at + length]);
        at += length;
    }
    whole.into()
}

/// Parses a typed URL. URLs at which no crawl can start can still be explained.
fn parse(typed: &str) -> Result<Url, SeedError> {
    match parse_seed(typed) {
        Err(error @ (SeedError::Credentials | SeedError::OtherScheme { .. })) => {
            Url::parse(typed.trim()).map_err(|_| error)
        }
        parsed => parsed,
    }
}
