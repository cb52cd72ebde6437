//! The report of a crawl that has just ended.

use anyhow::Result;
use canter_embedded::folder::Folder;

use super::run::Run;
use super::summary::Summary;
use crate::report::crawled::{self, Crawled};
use crate::report::{self, ReportFile};

/// Writes the report from the summaries and from what the folder holds.
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
            run: Some(crawled::Run {
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
