//! Cases of `--stdin`: lines that hold all that their answer needs, so that anyone can run the test
//! suites of other projects. No site and no data folder is asked.

use std::net::IpAddr;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use canter_core::address::is_public;
use canter_core::judge::is_page;
use canter_core::robots::Rules;
use canter_core::task::Skip;
use canter_page::url::{SeedError, is_http, normalise, resolve};
use canter_page::{Directives, Link, Page, Section};
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

use crate::usage::UsageError;

/// A line that needs no data folder.
pub enum Case {
    /// A reference on a page, or a URL.
    Reference(Reference),
    /// A robots.txt, a crawler and a URL.
    Robots(Robots),
    /// The address of a server.
    Address(Address),
    /// A page as a server sends it.
    Html(Html),
}

#[derive(Deserialize)]
pub struct Reference {
    url: String,
    base: Option<String>,
}

#[derive(Deserialize)]
pub struct Robots {
    robots: Option<String>,
    robots_b64: Option<String>,
    agent: String,
    url: String,
}

#[derive(Deserialize)]
pub struct Address {
    address: String,
}

#[derive(Deserialize)]
pub struct Html {
    html_base64: String,
    content_type: Option<String>,
    url: String,
}

impl Case {
    /// Reads a line. None if it asks for what is known of a URL.
    pub fn read(line: &Value) -> Result<Option<Self>> {
        let has = |key: &str| line.get(key).is_some();
        Ok(if has("html_base64") {
            Some(Case::Html(Html::deserialize(line)?))
        } else if has("robots") || has("robots_b64") {
            Some(Case::Robots(Robots::deserialize(line)?))
        } else if has("address") {
            Some(Case::Address(Address::deserialize(line)?))
        } else if has("base") {
            Some(Case::Reference(Reference::deserialize(line)?))
        } else {
            None
        })
    }

    pub fn answer(&self) -> Result<Value> {
        match self {
            Case::Reference(reference) => Ok(reference.answer()),
            Case::Robots(robots) => robots.answer(),
            Case::Address(address) => address.answer(),
            Case::Html(html) => html.answer(),
        }
    }
}

impl Reference {
    fn answer(&self) -> Value {
        let base = self.base.as_deref().map(Url::parse).transpose();
        let parsed = match &base {
            Err(why) => return json!({ "invalid": format!("the base is no URL: {why}") }),
            Ok(base) => resolve(base.as_ref(), &self.url),
        };
        match parsed {
            Err(why) => json!({ "invalid": why.to_string() }),
            Ok(url) if !is_http(&url) => {
                let scheme = url.scheme().to_owned();
                json!({ "invalid": SeedError::OtherScheme { scheme }.to_string() })
            }
            Ok(url) => json!({ "href": url, "normalised": normalise(url.clone()) }),
        }
    }
}

impl Robots {
    fn answer(&self) -> Result<Value> {
        let file = match (&self.robots, &self.robots_b64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(encoded)) => decoded("robots_b64", encoded)?,
            _ => return Err(UsageError::new("give robots or robots_b64, not both").into()),
        };
        // A path stands for a URL of any host.
        let url = resolve(Some(&parsed("http://localhost/")?), &self.url)?;
        Ok(json!({ "allow": Rules::parse(&file, &self.agent).allows(&url) }))
    }
}

impl Address {
    fn answer(&self) -> Result<Value> {
        Ok(json!({ "allow": is_public(ip(&self.address)?) }))
    }
}

/// Reads an address in any spelling that a URL may have: `[::1]`, `0x7f.1`, `2130706433`.
fn ip(text: &str) -> Result<IpAddr> {
    let text = text.trim();
    if let Ok(ip) = text.parse() {
        return Ok(ip);
    }
    match Host::parse(text) {
        Ok(Host::Ipv4(ip)) => Ok(ip.into()),
        Ok(Host::Ipv6(ip)) => Ok(ip.into()),
        _ => Err(UsageError::new(format!("{text:?} is no IP address")).into()),
    }
}

impl Html {
    fn answer(&self) -> Result<Value> {
        let body = decoded("html_base64", &self.html_base64)?;
        let content_type = self.content_type.as_deref();
        let url = parsed(&self.url)?;
        if !is_page(content_type, &body) {
            return Ok(json!({ "skipped": Skip::NotHtml.name() }));
        }
        let page = canter_page::read(&body, content_type, &url);
        let Directives { noindex, nofollow } = page.directives;
        Ok(json!({
            "title": page.title,
            "text": page.text,
            "language": page.language,
            "sections": page.sections.iter().map(|it| section(&page, it)).collect::<Vec<_>>(),
            "links": page.links.iter().map(link).collect::<Vec<_>>(),
            "canonical": page.canonical,
            "refresh": page.refresh,
            "directives": { "noindex": noindex, "nofollow": nofollow },
        }))
    }
}

fn section(page: &Page, section: &Section) -> Value {
    json!({
        "title": section.title,
        "level": section.level,
        "anchor": section.anchor,
        "text": page.text.get(section.range.clone()),
        "names": section.names,
    })
}

fn link(link: &Link) -> Value {
    json!({
        "url": link.url,
        "fragment": link.fragment,
        "text": link.text,
        "nofollow": link.nofollow,
    })
}

fn decoded(name: &str, text: &str) -> Result<Vec<u8>> {
    let decoded = BASE64_STANDARD.decode(text);
    decoded.with_context(|| format!("{name} is not base64"))
}

fn parsed(url: &str) -> Result<Url> {
    let parsed = resolve(None, url);
    parsed.map_err(|why| anyhow!("{url:?} is no URL: {why}"))
}
