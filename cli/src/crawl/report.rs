//! What a report tells of the sites of the command, gathered when their crawls have ended.

use anyhow::Result;
use canter_embedded::folder::Folder;

use super::Run;
use super::summary::Summary;
use crate::report::{self, Crawled, ReportFile};

/// Writes the report. What it needs beyond the summaries is read from the folder.
pub async fn write(
    file: &ReportFile,
    runs: &[Run],
    summaries: &[Summary],
    folder: &Folder,
) -> Result<()> {
    let mut crawls = Vec::new();
    for (run, summary) in runs.iter().zip(summaries) {
        let site = &run.crawl.site;
        let gathered = report::gather(folder, &site.id).await?;
        let (findings, targets) = gathered.unwrap_or_default();
        let (rest, complete) = summary.rest();
        let starts = run.gates.starts(&site.seeds);
        crawls.push(Crawled {
            site: site.id.clone(),
            rest,
            complete,
            run: Some(report::Run {
                starts,
                ..summary.run()
            }),
            findings,
            targets,
        });
    }
    let now = runs.first().map(|run| run.process.now().millis());
    file.write(&report::page(&crawls, now.unwrap_or_default()))
}
