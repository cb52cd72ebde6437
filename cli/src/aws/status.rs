//! `canter status --aws`: what a stack knows of its sites.

use std::io::{Write, stdout};
use std::sync::Arc;

use anyhow::{Result, bail};
use canter_aws::{Bill, CloudSite, Crawling, Rest};
use canter_core::pace::Rate;
use canter_core::time::Moment;
use console::style;
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::bill::{self, Month};
use super::deployed::Deployed;
use super::end::counts;
use crate::count::counted;
use crate::status::{Standing, Status, show};
use crate::when::{iso, length, month_began, now_ms};

/// A site and what only the cloud knows about it.
struct Site {
    crawling: Crawling,
    standing: Standing,
    bill: Bill,
}

/// Prints the state of each site, or of one.
pub async fn status(args: &Status, stack: &str) -> Result<()> {
    let deployed = Deployed::connect(stack).await?;
    let names = match &args.site {
        Some(site) => vec![site.clone()],
        None => deployed.sites().all().await?,
    };
    let mut sites = Vec::new();
    for name in &names {
        match deployed.sites().load_now(name).await? {
            Some(crawling) => sites.push(Site::of(&deployed, crawling).await?),
            None if args.site.is_some() => return Err(deployed.unknown_site(name).await?.into()),
            // Its first crawl is about to begin, or died before it began.
            None => {}
        }
    }
    if sites.is_empty() {
        bail!(
            "nothing was crawled in the stack {stack} yet: start with `canter crawl https://… --aws \
             {stack}`"
        );
    }
    let month = month(&deployed).await?;
    let mut out = stdout().lock();
    if args.json {
        for site in &sites {
            writeln!(out, "{}", site.object(&deployed, &month))?;
        }
        return Ok(());
    }
    if let [site] = sites.as_slice() {
        write!(out, "{}", site.text())?;
    } else {
        let standings: Vec<&Standing> = sites.iter().map(|site| &site.standing).collect();
        write!(out, "{}", show::table(&standings))?;
    }
    let search = match &deployed.stack.search_url {
        Some(url) => format!(", search at {url}"),
        None => String::new(),
    };
    writeln!(out, "{}", style(format!("stack {stack}{search}")).dim())?;
    writeln!(out, "{}", style(month.text()).dim())?;
    Ok(())
}

/// The bills of this month.
async fn month(deployed: &Deployed) -> Result<Month> {
    let began_ms = month_began((deployed.clock)().millis());
    let bills = Bill::since(&deployed.cloud, Moment::from_millis(began_ms)).await?;
    Ok(Month { began_ms, bills })
}

impl Site {
    async fn of(deployed: &Deployed, crawling: Crawling) -> Result<Self> {
        let (site, crawl) = (&crawling.spec.site.id, crawling.crawl);
        let clock = Arc::clone(&deployed.clock);
        let rows = CloudSite::new(deployed.cloud.clone(), site, crawl, clock);
        let (state, why) = state(&crawling, now_ms());
        let standing = Standing {
            site: site.clone(),
            state,
            why,
            counts: counts(&rows, &crawling).await?,
            searchable: None,
            rps: crawling.spec.rate.map(Rate::per_second),
            server: deployed.stack.index_url.clone(),
            began_ms: Some(crawl),
            fetched_ms: None,
            held: crawling.held.clone(),
            changes: crawling.changes.clone(),
            alive_ms: Some(crawling.alive_ms),
            stack: Some(deployed.stack.name.clone()),
        };
        let bill = Bill::load(&deployed.cloud, site, crawl).await?;
        Ok(Site {
            crawling,
            standing,
            bill,
        })
    }

    fn object(&self, deployed: &Deployed, month: &Month) -> Value {
        let stack = &deployed.stack;
        let progress = self.crawling.progress;
        let mut object = self.standing.object();
        object["alive_at"] = iso(self.crawling.alive_ms).into();
        object["ended_at"] = self.crawling.ended_ms.map(iso).into();
        object["requests"] = progress.requests.into();
        object["bytes"] = progress.bytes.into();
        object["retries"] = progress.retries.into();
        object["bill"] = bill::json(&self.bill, self.standing.counts.pages);
        object["every_seconds"] = self.crawling.spec.every.map(|every| every.as_secs()).into();
        object["stack"] = json!({
            "name": stack.name,
            "search_url": stack.search_url,
            "month": month.json(),
        });
        object
    }

    fn text(&self) -> String {
        let progress = self.crawling.progress;
        let took = format!(
            "{}, {}",
            counted(progress.requests, "request"),
            HumanBytes(progress.bytes)
        );
        let every = self
            .crawling
            .spec
            .every
            .map(|every| show::row("refreshed", &format!("every {}", length(every))));
        show::site(&self.standing)
            + &every.unwrap_or_default()
            + &show::row("took", &took)
            + &bill::text(&self.bill, self.standing.counts.pages)
    }
}

/// The name of the state, and the reason if there is one.
fn state(crawling: &Crawling, now_ms: u64) -> (&'static str, Option<String>) {
    match &crawling.rest {
        _ if crawling.ended_ms.is_some() => ("complete", None),
        Some(Rest::Stopped) => ("stopped", None),
        Some(Rest::Limit { option }) => ("limit", Some(option.clone())),
        Some(Rest::Paused { why }) => ("paused", Some(why.clone())),
        None if crawling.is_running(now_ms) => ("running", None),
        None => ("cut_off", None),
    }
}
