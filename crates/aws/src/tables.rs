//! The two tables: their keys, and how they are created where no stack creates them.
//!
//! `pages` has one item for each URL of a site. Its partition key is [`SHARD`]: the site, `#` and one
//! of 16 shards of the URL's hash, so that the writes of a site spread and a sweep is 16 queries. Its
//! sort key is [`HASH`]. `state` has the partition key [`KEY`]: a kind, `#` and a name
//! (`pace#example.org`). Both expire items by [`EXPIRES`], in seconds since the Unix epoch. DynamoDB
//! may take days for that, so that readers look at it too.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use canter_core::failure::Failure;
use canter_core::task::UrlKey;
use tokio::time::sleep;

use crate::cloud::Cloud;
use crate::failure::failure;
use crate::item::{Item, bytes, text};

/// Partition key of `pages`: a string.
pub(crate) const SHARD: &str = "shard";
/// Sort key of `pages`: the 16 bytes of the URL's key.
pub(crate) const HASH: &str = "hash";
/// Partition key of `state`: a string.
pub(crate) const KEY: &str = "key";
/// When an item may be deleted.
pub(crate) const EXPIRES: &str = "expires";

/// Number of shards of a site: the values of the first four bits of a URL's key.
pub(crate) const SHARDS: u8 = 16;
/// Maximum bytes of a name in a key. Longer names are hashed, since a partition key holds 2,048 bytes.
const MAX_NAME: usize = 1_024;

/// The value of [`SHARD`] for a site and one of its shards.
pub(crate) fn shard(site: &str, shard: u8) -> String {
    format!("{}#{shard:x}", name(site))
}

/// The value of [`SHARD`] for what the index shows of a site.
pub(crate) fn shown_shard(site: &str) -> String {
    format!("{}#shown", name(site))
}

/// The key of the item in `pages` with headers of a site.
pub(crate) fn headers_key(site: &str, headers: UrlKey) -> Item {
    let shard = format!("{}#headers", name(site));
    let hash = bytes(headers.0);
    Item::from([(SHARD.to_owned(), text(shard)), (HASH.to_owned(), hash)])
}

/// The key of a URL's item in `pages`.
pub(crate) fn page_key(site: &str, key: UrlKey) -> Item {
    let shard = shard(site, key.0[0] >> 4);
    let hash = bytes(key.0);
    Item::from([(SHARD.to_owned(), text(shard)), (HASH.to_owned(), hash)])
}

/// The key of an item in `state`.
pub(crate) fn state_key(kind: &str, of: &str) -> Item {
    let key = format!("{kind}#{}", name(of));
    Item::from([(KEY.to_owned(), text(key))])
}

fn name(name: &str) -> String {
    if name.len() <= MAX_NAME {
        name.to_owned()
    } else {
        format!("long:{}", UrlKey::hash(name.as_bytes()))
    }
}

/// Creates the tables of a stack on one machine, unless they exist.
///
/// # Errors
///
/// The failure of DynamoDB.
pub async fn create(cloud: &Cloud) -> Result<(), Failure> {
    use ScalarAttributeType::{B, S};
    let pages = [(SHARD, S, KeyType::Hash), (HASH, B, KeyType::Range)];
    table(cloud, &cloud.names.pages, &pages).await?;
    table(cloud, &cloud.names.state, &[(KEY, S, KeyType::Hash)]).await
}

/// Deletes the tables of a stack on one machine, with all of their items.
///
/// # Errors
///
/// The failure of DynamoDB.
pub async fn delete(cloud: &Cloud) -> Result<(), Failure> {
    for name in [&cloud.names.pages, &cloud.names.state] {
        let deleted = cloud.dynamodb.delete_table().table_name(name).send().await;
        deleted.map_err(|error| failure(error, &format!("the table {name}")))?;
    }
    Ok(())
}

async fn table(
    cloud: &Cloud,
    name: &str,
    keys: &[(&str, ScalarAttributeType, KeyType)],
) -> Result<(), Failure> {
    let mut create = cloud
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (key, kind, place) in keys {
        let attribute = AttributeDefinition::builder()
            .attribute_name(*key)
            .attribute_type(kind.clone());
        let element = KeySchemaElement::builder()
            .attribute_name(*key)
            .key_type(place.clone());
        create = create
            .attribute_definitions(attribute.build().map_err(Failure::permanent)?)
            .key_schema(element.build().map_err(Failure::permanent)?);
    }
    let what = format!("the table {name}");
    match create.send().await {
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_resource_in_use_exception()) => {}
        created => drop(created.map_err(|error| failure(error, &what))?),
    }
    loop {
        let described = cloud.dynamodb.describe_table().table_name(name);
        let described = described.send().await;
        let described = described.map_err(|error| failure(error, &what))?;
        let status = described.table().and_then(|table| table.table_status());
        if status == Some(&TableStatus::Active) {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
}
