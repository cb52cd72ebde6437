//! What the data folder knows of URLs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use canter_core::document::{Stored, document_id};
use canter_core::domain::authority;
use canter_core::failure::Failure;
use canter_core::ports::{IndexReader, Place};
use canter_core::prospect::{CrawlLimits, SiteContext, is_permitted, private_address, refusal};
use canter_core::robots::RobotsPolicy;
use canter_core::time::Moment;
use canter_embedded::archive::ArchiveReader;
use canter_embedded::folder::Folder;
use canter_embedded::store::{KnownSite, Reading};
use canter_page::url::{Limits, changes, is_http, normalise};
use tokio::sync::OnceCell;
use url::{Host, Url};

use crate::index::ReadIndex;

use super::advice::{Case, advice};
use super::answer::{Address, Answer, InIndex, NotIn, OfSite, Robots};
use super::history::History;
use super::phrase::{reason, why};

/// The sites, rows and pages of a folder.
pub struct Knowledge {
    reading: Option<Reading>,
    folder: Option<Folder>,
    /// Indexes by the URL of their server; none for the folder's own. Each is opened when it is
    /// first needed, so that a server that does not answer matters to its own sites only.
    indexes: BTreeMap<Option<String>, OnceCell<Result<ReadIndex, Failure>>>,
    sites: Vec<KnownSite>,
    busy: bool,
}

impl Knowledge {
    /// Opens a folder. Without one, nothing is known.
    pub fn open(path: &Path) -> Result<Self> {
        let mut knowledge = Knowledge {
            reading: None,
            folder: None,
            indexes: BTreeMap::new(),
            sites: Vec::new(),
            busy: false,
        };
        let Some(folder) = Folder::find(path)? else {
            return Ok(knowledge);
        };
        knowledge.busy = folder.is_locked();
        knowledge.reading = Reading::open(&folder)?;
        if let Some(reading) = &knowledge.reading {
            knowledge.sites = reading.sites()?;
        }
        // A crawl that has just begun may have the state and not yet the index.
        let own = folder.index().join("meta.json").exists();
        let servers = knowledge.sites.iter().map(|site| site.server.clone());
        let there = servers.filter(|server| own || server.is_some());
        knowledge.indexes = there.map(|server| (server, OnceCell::new())).collect();
        knowledge.folder = Some(folder);
        Ok(knowledge)
    }

    /// The site of a name, or a sentence that lists the known names.
    pub fn site(&self, name: &str) -> Result<&KnownSite, String> {
        let found = self.sites.iter().find(|site| site.name == name);
        found.ok_or_else(|| {
            let names = self.sites.iter().map(|site| site.name.as_str());
            crate::status::no_such_site(name, names)
        })
    }

    /// Everything about a URL, in one site or in all.
    pub async fn answer(&self, typed: &str, url: &Url, only: Option<&str>) -> Result<Answer> {
        let spelled = Url::parse(typed.trim()).unwrap_or_else(|_| url.clone());
        let url = normalise(url.clone());
        let policy = self.policy(&url)?;
        let mut answer = Answer {
            typed: typed.to_owned(),
            changes: changes(typed, &spelled),
            address: self.address(&url),
            robots: is_http(&url).then(|| robots(&url, policy.as_ref())),
            sites: Vec::new(),
            not_in: Vec::new(),
            url,
        };
        let wanted = |site: &&KnownSite| only.is_none_or(|only| site.name == only);
        for site in self.sites.iter().filter(wanted) {
            let policy = policy.as_ref().map(|(policy, _)| policy);
            match self.of_site(site, &answer.url, policy).await? {
                Ok(part) => answer.sites.push(part),
                Err(part) => answer.not_in.push(part),
            }
        }
        Ok(answer)
    }

    fn address(&self, url: &Url) -> Address {
        let permits = |site: &KnownSite| is_permitted(url, &site.seeds, &limits(site));
        let private = private_address(url).is_some();
        let (kind, open) = match url.host() {
            Some(Host::Domain(_)) => ("name", None),
            None => ("none", None),
            Some(_) if private => ("private", Some(false)),
            Some(_) => ("public", Some(true)),
        };
        Address {
            host: url.host_str().map(str::to_owned),
            kind,
            permitted: if self.sites.iter().any(permits) {
                Some(true)
            } else {
                open
            },
        }
    }

    fn policy(&self, url: &Url) -> Result<Option<(RobotsPolicy, Moment)>> {
        let reading = self.reading.as_ref();
        let policy = reading.map(|reading| reading.robots_policy(&authority(url)));
        Ok(policy.transpose()?.flatten())
    }

    /// What a site knows of a URL, or why the URL is not in the site.
    async fn of_site(
        &self,
        site: &KnownSite,
        url: &Url,
        policy: Option<&RobotsPolicy>,
    ) -> Result<Result<OfSite, NotIn>> {
        let limits = limits(site);
        let context = SiteContext {
            scope: &site.scope,
            seeds: &site.seeds,
            limits: &limits,
            policy,
        };
        let refusal = refusal(url, context);
        let account = match &self.reading {
            Some(reading) => reading.account(site, url)?,
            None => None,
        };
        let outside = site.scope.outside(url);
        let case = Case {
            url,
            site,
            limits: &limits,
            refusal: refusal.as_ref(),
            account: account.as_ref(),
            busy: self.busy,
        };
        let advice = advice(&case);
        if let (Some(outside), None) = (&outside, &account) {
            return Ok(Err(NotIn {
                site: site.name.clone(),
                reason: outside.name(),
                why: outside.to_string(),
                advice,
            }));
        }
        let place = account.as_ref().and_then(|account| account.place.clone());
        // The rest of the answer does not need the index.
        let index = self
            .in_index(site, url, place)
            .await
            .unwrap_or_else(|failure| {
                eprintln!("warning: what is in the index is not known: {failure}");
                None
            });
        Ok(Ok(OfSite {
            site: site.name.clone(),
            in_scope: outside.is_none(),
            would_fetch: refusal.is_none(),
            reason: reason(refusal.as_ref(), account.as_ref()),
            why: why(&case),
            advice,
            known: account.map(|account| History::of(account, site, url)),
            index,
        }))
    }

    /// The page of the URL in the site's index; `place` is where the archive holds its version.
    async fn in_index(
        &self,
        site: &KnownSite,
        url: &Url,
        place: Option<Place>,
    ) -> Result<Option<InIndex>, Failure> {
        let Some(stored) = self.stored(site, url).await? else {
            return Ok(None);
        };
        let archive = match &self.folder {
            Some(folder) => ArchiveReader::open(folder)?,
            None => None,
        };
        let links = match archive {
            Some(archive) => archive.links(&site.name, place.as_slice()).await?,
            None => Vec::new(),
        };
        let links = match links.into_iter().next().flatten() {
            Some(links) => links.read()?.len(),
            // An older canter kept them in the index.
            None => stored.links.len(),
        };
        Ok(Some(InIndex::of(stored, links)))
    }

    /// The page of the URL in the site's index.
    async fn stored(&self, site: &KnownSite, url: &Url) -> Result<Option<Stored>, Failure> {
        let (Some(folder), Some(index)) = (&self.folder, self.indexes.get(&site.server)) else {
            return Ok(None);
        };
        let open = || ReadIndex::noted(folder, site.server.as_deref());
        match index.get_or_init(open).await {
            Ok(index) => index.get(&site.name, document_id(&site.name, url)).await,
            Err(failure) => Err(failure.clone()),
        }
    }
}

/// The limits of the last crawl. Older versions did not store them; then no limit counts against a
/// URL.
fn limits(site: &KnownSite) -> CrawlLimits {
    site.limits.clone().unwrap_or_else(|| CrawlLimits {
        max_depth: None,
        max_page_bytes: usize::MAX,
        url: Limits::default(),
        allow_private: true,
    })
}

fn robots(url: &Url, policy: Option<&(RobotsPolicy, Moment)>) -> Robots {
    let rules = match policy {
        Some((RobotsPolicy::Rules(rules), _)) => Some(rules),
        _ => None,
    };
    Robots {
        authority: authority(url),
        known: policy.is_some(),
        allowed: policy.map(|_| rules.is_none_or(|rules| rules.allows(url))),
        rule: rules.and_then(|rules| rules.rule(url)),
        group: rules.map(|rules| rules.group().to_owned()),
        crawl_delay_seconds: rules
            .and_then(|rules| rules.crawl_delay())
            .map(|delay| delay.as_secs_f64()),
        fetched_ms: policy.map(|(_, at)| at.millis()),
    }
}
