//! The headers of a site's requests, which may give access to private pages. They are in the table of
//! pages, which the public search function may not read; the record of the site only names them.

use canter_core::exchange::Headers;
use canter_core::failure::Failure;
use canter_core::task::UrlKey;

use super::Sites;
use super::record::HEADERS;
use crate::change::{Change, remove};
use crate::item::{Item, bytes, bytes_of, key_of};
use crate::packed::{MAX_PACKED, pack, unpack};
use crate::tables::headers_key;

/// Attribute with the headers, packed.
const PACKED: &str = "packed";

impl Sites {
    /// Stores headers. Returns the name under which they are stored; none if there are none. Headers
    /// that the record of the site names already keep their name. Others get a random one, since a
    /// name that is made of headers would let somebody guess them.
    pub(super) async fn keep_headers(
        &self,
        site: &str,
        headers: &Headers,
        record: &Item,
    ) -> Result<Option<UrlKey>, Failure> {
        if headers.0.is_empty() {
            return Ok(None);
        }
        if let Some(name) = key_of(record, HEADERS)
            && self.stored(site, name).await?.as_ref() == Some(headers)
        {
            return Ok(Some(name));
        }
        let packed = pack(headers)?;
        if packed.len() > MAX_PACKED {
            let why = format!("the headers of the site {site} are too long");
            return Err(Failure::permanent(why));
        }
        let name = UrlKey(fastrand::u128(..).to_be_bytes());
        let change = Change::default().set(PACKED, bytes(packed));
        let table = &self.cloud.names.pages;
        // The SDK repeats a write whose answer was lost.
        let always = "attribute_not_exists(#packed) OR #packed = :packed";
        let key = headers_key(site, name);
        change.write(&self.cloud, table, key, always).await?;
        Ok(Some(name))
    }

    /// Returns the headers that a site's record names; none if they are gone, since a newer record
    /// names others.
    pub(super) async fn headers(
        &self,
        site: &str,
        record: &Item,
    ) -> Result<Option<Headers>, Failure> {
        match key_of(record, HEADERS) {
            None => Ok(Some(Headers::default())),
            Some(name) => self.stored(site, name).await,
        }
    }

    async fn stored(&self, site: &str, name: UrlKey) -> Result<Option<Headers>, Failure> {
        let table = &self.cloud.names.pages;
        let item = self
            .cloud
            .item(table, headers_key(site, name), true)
            .await?;
        Ok(bytes_of(&item, PACKED).and_then(unpack))
    }

    /// Removes headers that a record named, or would have named, unless they are `kept`.
    pub(super) async fn forget_headers(
        &self,
        site: &str,
        name: Option<UrlKey>,
        kept: Option<UrlKey>,
    ) -> Result<(), Failure> {
        let Some(name) = name.filter(|name| Some(*name) != kept) else {
            return Ok(());
        };
        let table = &self.cloud.names.pages;
        let any = ("any", bytes(Vec::new()));
        let key = headers_key(site, name);
        remove(&self.cloud, table, key, "#packed > :any", any).await
    }
}
