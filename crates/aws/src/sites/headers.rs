//! The headers of a site's requests, which may give access to private pages. They are in the table of
//! pages, which the public search function may not read; the record of the site only names them.

use canter_core::exchange::Headers;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;

use super::Sites;
use super::record::{CrawlSpec, HEADERS};
use crate::change::{Change, remove};
use crate::item::{Item, bytes, bytes_of, key_of};
use crate::packed::{MAX_PACKED, pack, unpack};
use crate::tables::headers_key;

/// Attribute with the headers, packed.
const PACKED: &str = "packed";

impl Sites {
    /// Stores the headers of a spec. Returns the spec without them, and the name under which they are
    /// stored; none if there are none. The same headers have the same name.
    pub(super) async fn keep_headers(
        &self,
        spec: &CrawlSpec,
    ) -> Result<(CrawlSpec, Option<UrlKey>), Failure> {
        let mut public = spec.clone();
        let headers = std::mem::take(&mut public.site.headers);
        if headers.0.is_empty() {
            return Ok((public, None));
        }
        let packed = pack(&headers)?;
        if packed.len() > MAX_PACKED {
            let why = format!("the headers of the site {} are too long", spec.site.id);
            return Err(Failure::permanent(why));
        }
        let name = UrlKey::hash(&serde_json::to_vec(&headers).map_err(Failure::permanent)?);
        let change = Change::default().set(PACKED, bytes(packed));
        let table = &self.cloud.names.pages;
        let always = "attribute_not_exists(#packed) OR attribute_exists(#packed)";
        let key = headers_key(&spec.site.id, name);
        change.write(&self.cloud, table, key, always).await?;
        Ok((public, Some(name)))
    }

    /// Returns the headers that a site's record names.
    pub(super) async fn headers(&self, site: &str, record: &Item) -> Result<Headers, Failure> {
        let Some(name) = key_of(record, HEADERS) else {
            return Ok(Headers::default());
        };
        let table = &self.cloud.names.pages;
        let item = self
            .cloud
            .item(table, headers_key(site, name), true)
            .await?;
        let headers = bytes_of(&item, PACKED).and_then(unpack);
        headers.ok_or_else(|| {
            Failure::transient(format!("the headers of the site {site} were just changed"))
        })
    }

    /// Removes the headers that a record before named, if a newer one names others.
    pub(super) async fn forget_headers(
        &self,
        site: &str,
        before: &Item,
        now: Option<UrlKey>,
    ) -> Result<(), Failure> {
        let Some(name) = key_of(before, HEADERS).filter(|name| Some(*name) != now) else {
            return Ok(());
        };
        let table = &self.cloud.names.pages;
        let any = ("any", bytes(Vec::new()));
        let key = headers_key(site, name);
        remove(&self.cloud, table, key, "#packed > :any", any).await
    }
}
