//! `canter crawl --aws`: the same crawl in a stack, shown while it goes on.

use std::io::{Write, stdout};
use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Result, bail};
use canter_aws::{Beginning, CrawlSpec, Crawling};
use canter_core::site::Site;
use serde_json::json;

use super::deployed::{Deployed, WHO};
use super::end::Ended;
use super::watch::{End, watch};
use crate::crawl::{Crawl, HELD, setup};
use crate::signal::signal;

/// A crawl that the command began or joined.
struct Begun {
    crawling: Crawling,
    /// When it began or continued, in Unix milliseconds.
    since_ms: u64,
}

/// Begins the crawls in the stack and watches them until they end.
pub async fn crawl(args: &Crawl, stack: &str) -> Result<ExitCode> {
    let sites = setup::sites(args)?;
    let deployed = Deployed::connect(stack).await?;
    deployed.check_private(args.allow_private)?;
    let mut enough = pin!(signal());
    let begun = tokio::select! {
        biased;
        () = &mut enough => {
            eprintln!(
                "What was begun goes on in the stack {stack}: `canter status --aws {stack}` tells \
                 of it, and the same command begins the rest."
            );
            return Ok(ExitCode::SUCCESS);
        }
        begun = begin_all(&deployed, sites, args) => begun?,
    };
    let crawls: Vec<Crawling> = begun.iter().map(|begun| begun.crawling.clone()).collect();
    let ends = watch(&deployed, &crawls, args.json, enough).await;
    let ends = ends.inspect_err(|_| eprintln!("{}", goes_on(&crawls, stack)))?;
    let mut failed = Vec::new();
    let mut held = false;
    let mut left = Vec::new();
    for (begun, end) in begun.into_iter().zip(ends) {
        let site = begun.crawling.spec.site.id.clone();
        match end {
            Some(End::Rests(crawling)) => {
                let ended = Ended::of(&deployed, begun.since_ms, *crawling).await?;
                held |= ended.is_held();
                let nothing = ended.nothing_crawled(&deployed.stack);
                if args.json || nothing.is_none() {
                    ended.print(args.json)?;
                }
                failed.extend(nothing);
            }
            Some(End::Superseded) => failed.push(format!(
                "another crawl of {site} has taken the place of this one: `canter status {site} \
                 --aws {stack}` tells of it"
            )),
            None => left.push(begun.crawling),
        }
    }
    if !left.is_empty() {
        if args.json {
            for crawling in &left {
                let site = &crawling.spec.site.id;
                let event = json!({"event": "left", "site": site, "stack": stack});
                writeln!(stdout(), "{event}")?;
            }
        }
        eprintln!("{}", goes_on(&left, stack));
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(if held {
        ExitCode::from(HELD)
    } else {
        ExitCode::SUCCESS
    })
}

async fn begin_all(deployed: &Deployed, sites: Vec<Site>, args: &Crawl) -> Result<Vec<Begun>> {
    let mut begun = Vec::new();
    for site in sites {
        let spec = CrawlSpec {
            site,
            rate: args.rps.0,
            user_agent: setup::user_agent(args),
            allow_private: args.allow_private,
            max_loss: args.max_loss,
            every: args.every,
        };
        begun.push(begin(deployed, &spec, args).await?);
    }
    Ok(begun)
}

/// Begins or joins one crawl. Asks before it changes the scope of a known site.
async fn begin(deployed: &Deployed, spec: &CrawlSpec, args: &Crawl) -> Result<Begun> {
    let site = &spec.site.id;
    let steering = &deployed.steering;
    let (mut beginning, mut crawling) = steering.start(spec, args.change_scope, WHO).await?;
    if beginning == Beginning::OtherScope {
        setup::confirm_scope(site)?;
        (beginning, crawling) = steering.start(spec, true, WHO).await?;
    }
    if !args.json {
        setup::announce(word(beginning), site, &crawling.scope);
        if beginning == Beginning::Running {
            eprintln!(
                "Note: it goes on already, with the options that it began with; `canter stop \
                 {site} --aws {}` stops it, and the same command goes on with its own.",
                deployed.stack.name
            );
        }
    }
    let since_ms = match beginning {
        Beginning::Continued => (deployed.clock)().millis(),
        _ => crawling.crawl,
    };
    Ok(Begun { crawling, since_ms })
}

fn word(beginning: Beginning) -> &'static str {
    match beginning {
        Beginning::First | Beginning::OtherScope => "Crawling",
        Beginning::Continued => "Continuing the crawl of",
        Beginning::Refresh | Beginning::ChangedScope => "Refreshing",
        Beginning::Running => "Joining the crawl of",
    }
}

/// The message when the watch ends before the crawls do.
fn goes_on(crawls: &[Crawling], stack: &str) -> String {
    let lines = crawls.iter().map(|crawling| {
        let site = &crawling.spec.site.id;
        format!(
            "The crawl of {site} goes on in the stack {stack}: `canter status {site} --aws {stack}` \
             tells how far it is, `canter stop {site} --aws {stack}` stops it."
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
