//! Why a crawl has stayed where it began: all links lead out of the site.

use std::collections::BTreeMap;

use anyhow::Result;
use canter_core::ports::Archive;
use canter_core::publish::{PublishedPages, Rows};
use canter_core::rest::Rest;
use canter_core::scope::Scope;
use canter_core::site::Site;
use serde_json::{Value, json};
use url::Url;

use crate::count::counted;

/// The links of a crawl that read its seeds alone.
pub struct Outward {
    /// Number of URLs that the pages link to and that are not of the site.
    links: usize,
    /// One of them.
    example: Url,
    /// The options that take the largest part of them in; `None` if no option takes any in.
    options: Option<String>,
}

impl Outward {
    /// Returns the links of a crawl that came to this rest and found this many pages; `None` if it is
    /// not complete, if it found more than its seeds, or if no link leads out of the site.
    pub async fn of(
        site: &Site,
        scope: &Scope,
        (rest, found): (Option<&Rest>, u64),
        pages: &impl PublishedPages,
        archive: &impl Archive,
    ) -> Result<Option<Self>> {
        if rest.is_some() || found == 0 || found > site.seeds.len() as u64 {
            return Ok(None);
        }
        let rows = pages.rows(Rows::All).await?;
        let places: Vec<_> = rows
            .into_iter()
            .filter_map(|row| row.signal.and(row.newest))
            .map(|newest| newest.place)
            .collect();
        let links = archive.links(&site.id, &places).await?;
        let mut urls = Vec::new();
        for links in links.iter().flatten() {
            let links = links.read()?;
            let followed = links.iter().filter(|link| !link.nofollow);
            urls.extend(followed.filter_map(|link| Url::parse(&link.url).ok()));
        }
        urls.sort();
        urls.dedup();
        Ok(Outward::among(urls, scope))
    }

    fn among(urls: Vec<Url>, scope: &Scope) -> Option<Self> {
        let mut by_options: BTreeMap<Option<String>, Vec<Url>> = BTreeMap::new();
        let outside = urls.into_iter().filter(|url| !scope.contains(url));
        for url in outside {
            by_options.entry(scope.remedy(&url)).or_default().push(url);
        }
        let links = by_options.values().map(Vec::len).sum();
        // What an option takes in is told before what none does.
        let (options, urls) = by_options
            .into_iter()
            .max_by_key(|(options, urls)| (options.is_some(), urls.len()))?;
        Some(Outward {
            links,
            example: urls.into_iter().next()?,
            options,
        })
    }

    /// The links for a program.
    pub fn json(&self) -> Value {
        json!({ "links": self.links, "example": self.example, "options": self.options })
    }

    /// The links for a person.
    pub fn text(&self) -> String {
        let links = counted(self.links as u64, "link");
        let lead = if self.links == 1 { "leads" } else { "lead" };
        let what = format!(
            "  {links} {lead} out of the site, such as {}\n",
            self.example
        );
        match &self.options {
            Some(options) => what + &format!("    to take such pages in: {options}\n"),
            None => what + "    no option takes them in: crawl that place as a site of its own\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use canter_core::scope::Options;

    use super::*;

    fn outward(seed: &str, urls: &[&str]) -> Option<(usize, String, Option<String>)> {
        let url = |url: &str| Url::parse(url).unwrap();
        let scope = Scope::new(&[url(seed)], Options::default()).unwrap();
        let outward = Outward::among(urls.iter().map(|it| url(it)).collect(), &scope)?;
        Some((outward.links, outward.example.into(), outward.options))
    }

    #[test]
    fn the_options_take_in_what_most_links_lead_to() {
        let found = outward(
            "https://a.test/docs/",
            &[
                "https://a.test/docs/in",
                "https://a.test/guide/1",
                "https://a.test/guide/2",
                "https://a.test/other/1",
                "https://b.test/1",
                "https://b.test/2",
                "https://b.test/3",
            ],
        );
        let options = "--include '/docs/**' --include '/guide/**'".to_owned();
        let first = "https://a.test/guide/1".to_owned();
        assert_eq!(found, Some((6, first, Some(options))));
    }

    #[test]
    fn no_option_takes_in_another_host() {
        let found = outward("https://a.test/", &["https://b.test/1"]);
        assert_eq!(found, Some((1, "https://b.test/1".to_owned(), None)));
        assert_eq!(outward("https://a.test/", &["https://a.test/1"]), None);
    }
}
