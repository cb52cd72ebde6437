//! The connection to AWS: the clients, and the names of a stack's resources.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use aws_sdk_s3::Client as S3;
use aws_sdk_sqs::Client as Sqs;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use canter_core::failure::Failure;

use crate::failure::failure;
use crate::item::Item;
use crate::meter::Meter;

/// Timeout of one attempt at a request. None takes longer to answer but the upload of a file.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(5);
/// Maximum number of attempts of the SDK at a request that is refused for now or not answered: over
/// six seconds on average.
const ATTEMPTS: u32 = 8;
/// Maximum wait before the second attempt, doubling from there. A busy table is often ready again much
/// sooner than after the SDK's default of a second.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Names of a stack's resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Table of the page store.
    pub pages: String,
    /// Table of sites, paces and robots.txt policies.
    pub state: String,
    /// Bucket of the archive.
    pub bucket: String,
    /// URL of the frontier's queue.
    pub queue: String,
    /// URL of the queue of errands: sweeps, refreshes.
    pub errands: String,
    /// URL of the dead-letter queue.
    pub dead_letters: String,
}

/// URLs of servers that stand in for AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: String,
    /// S3.
    pub s3: String,
    /// SQS.
    pub sqs: String,
}

/// The connection to a stack. Clones share connections and the meter.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) s3: S3,
    pub(crate) sqs: Sqs,
    pub(crate) names: Names,
    /// Counts the usage of this connection.
    pub meter: Meter,
}

impl Cloud {
    /// A connection with the credentials, the region and the endpoint of the environment, as all AWS
    /// tools read them. Sends nothing yet.
    pub async fn connect(names: Names) -> Self {
        Self::over(names, aws_config::defaults(BehaviorVersion::latest()), None).await
    }

    /// A connection to servers that stand in for AWS on this machine, which take any credentials.
    pub async fn connect_local(names: Names, endpoints: Endpoints) -> Self {
        let anybody = Credentials::new("test", "test", None, None, "local");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(anybody);
        Self::over(names, loader, Some(endpoints)).await
    }

    async fn over(names: Names, loader: ConfigLoader, endpoints: Option<Endpoints>) -> Self {
        let meter = Meter::default();
        let config = configured(loader).await;
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&config);
        let mut s3 = aws_sdk_s3::config::Builder::from(&config);
        let mut sqs = aws_sdk_sqs::config::Builder::from(&config);
        // Names of buckets below the name of another server than AWS's lead nowhere.
        s3.set_force_path_style(Some(endpoints.is_some() || config.endpoint_url().is_some()));
        if let Some(endpoints) = endpoints {
            dynamodb.set_endpoint_url(Some(endpoints.dynamodb));
            s3.set_endpoint_url(Some(endpoints.s3));
            sqs.set_endpoint_url(Some(endpoints.sqs));
        }
        Cloud {
            dynamodb: DynamoDb::from_conf(dynamodb.interceptor(meter.clone()).build()),
            s3: S3::from_conf(s3.interceptor(meter.clone()).build()),
            sqs: Sqs::from_conf(sqs.interceptor(meter.clone()).build()),
            names,
            meter,
        }
    }

    /// The same connection with another queue, of errands or dead letters, in place of the tasks'.
    pub fn at_queue(&self, url: &str) -> Self {
        let mut other = self.clone();
        url.clone_into(&mut other.names.queue);
        other
    }

    /// Reads an item, which is empty where there is none. Unless the read is consistent, the item may
    /// be as it was a moment ago.
    pub(crate) async fn item(
        &self,
        table: &str,
        key: Item,
        consistent: bool,
    ) -> Result<Item, Failure> {
        let request = self
            .dynamodb
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = request.send().await;
        let answer = answer.map_err(|error| failure(error, &format!("the table {table}")))?;
        self.meter.read("GetItem", answer.consumed_capacity());
        Ok(answer.item.unwrap_or_default())
    }
}

/// The settings of all AWS clients: TLS, timeouts, retries.
pub(crate) async fn configured(loader: ConfigLoader) -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT);
    loader
        .http_client(http)
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(FIRST_WAIT),
        )
        .timeout_config(timeouts.build())
        .load()
        .await
}
