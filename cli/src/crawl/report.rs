//! What a report tells of the sites of the command, gathered when their crawls have ended.

use anyhow::{Context, Result};
use canter_embedded::folder::Folder;
use canter_embedded::store::findings;
use tokio::task::spawn_blocking;
use url::Url;

use super::Run;
use super::summary::Summary;
use crate::report::{self, Crawled, ReportFile, Targets};

/// Writes the report. What it needs beyond the summaries is read from the folder.
pub async fn write(
    file: &ReportFile,
    runs: &[Run],
    summaries: &[Summary],
    folder: &Folder,
) -> Result<()> {
    let mut crawls = Vec::new();
    for (run, summary) in runs.iter().zip(summaries) {
        let world = &run.world;
        let (state, index) = (folder.state(), world.index.clone());
        let site = world.site.id.clone();
        let (findings, targets) = spawn_blocking(move || {
            let findings = findings(&state, &site)?.unwrap_or_default();
            let targets = Targets::of(&findings, &site, &index)?;
            anyhow::Ok((findings, targets))
        })
        .await
        .context("the report broke off")??;
        let (rest, complete) = summary.rest();
        crawls.push(Crawled {
            site: world.site.id.clone(),
            seeds: world.site.seeds.iter().map(Url::to_string).collect(),
            rest,
            complete,
            run: report::Run {
                starts: world.gates.starts(&world.site.seeds),
                ..summary.run()
            },
            findings,
            targets,
        });
    }
    let now = runs.first().map(|run| run.world.clock.now().millis());
    file.write(&report::page(&crawls, now.unwrap_or_default()))
}
