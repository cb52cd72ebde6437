//! DynamoDB, without canter between.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::world::{Tables, endpoints};

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The items of both tables: of pages and of states.
pub(crate) async fn items(tables: &Tables) -> [Vec<Item>; 2] {
    let mut both = Vec::new();
    for table in [&tables.names.pages, &tables.names.state] {
        let scanned = client().scan().table_name(table).send().await;
        both.push(scanned.unwrap().items.unwrap_or_default());
    }
    both.try_into().unwrap()
}

/// A client of DynamoDB.
pub(crate) fn client() -> aws_sdk_dynamodb::Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "local"))
        .endpoint_url(endpoints().dynamodb);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}
