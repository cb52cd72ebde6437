//! Finds the region, the credentials and the endpoint, and asks CloudFormation. What the
//! environment does not name, the SDK looks for on the network of an AWS machine, and waits long
//! for it; elsewhere nobody answers there, so the waits here are short.

use std::env;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Credentials;
use aws_sdk_cloudformation::types::Stack as Described;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use canter_core::failure::Failure;
use tokio::time::timeout;

use crate::refusal::{no_such_stack, refusal, told};

/// Maximum wait for the region: files, and one request on an AWS machine.
const REGION: Duration = Duration::from_secs(2);
/// Maximum wait for credentials: a login may ask its server for new ones.
const LOGIN: Duration = Duration::from_secs(4);
/// Maximum time of one attempt at the request.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Maximum number of attempts if the network or the server fails.
const ATTEMPTS: u32 = 3;

/// CloudFormation in one account and region.
pub(crate) struct Asking {
    client: Client,
    whom: String,
}

impl Asking {
    pub(crate) async fn connect() -> Result<Self, Failure> {
        // A region that is not found in time counts as none.
        let config = timeout(REGION, configured()).await.ok();
        let named = config.and_then(|config| {
            let region = config.region()?.to_string();
            Some((config, region))
        });
        let Some((config, region)) = named else {
            return Err(Failure::permanent(
                "no region of AWS: set AWS_REGION, or AWS_PROFILE to a profile that has one",
            ));
        };
        let credentials = credentials(&config).await?;
        let account = credentials.account_id().map(|account| account.as_str());
        let whom = whom(&region, account, config.endpoint_url());
        let asked = aws_sdk_cloudformation::config::Builder::from(&config)
            .credentials_provider(credentials)
            .build();
        Ok(Asking {
            client: Client::from_conf(asked),
            whom,
        })
    }

    /// Asks CloudFormation for a stack.
    pub(crate) async fn describe(&self, name: &str) -> Result<Described, Failure> {
        let asked = self.client.describe_stacks().stack_name(name).send().await;
        let answer = asked.map_err(|error| refusal(&error, name, &self.whom).with_source(error))?;
        let stacks = answer.stacks.unwrap_or_default();
        let first = stacks.into_iter().next();
        first.ok_or_else(|| no_such_stack(name, &self.whom))
    }
}

async fn configured() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts.build())
        .load()
        .await
}

async fn credentials(config: &SdkConfig) -> Result<Credentials, Failure> {
    let profile = env::var("AWS_PROFILE").ok();
    let Some(provider) = config.credentials_provider() else {
        return Err(no_credentials(profile, ""));
    };
    match timeout(LOGIN, provider.provide_credentials()).await {
        Ok(Ok(credentials)) => Ok(credentials),
        // Nothing is broken: there are no credentials. The SDK's own message lists all its sources,
        // on many lines.
        Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => Err(no_credentials(profile, "")),
        Ok(Err(error)) => {
            let why = format!(" ({})", told(&error).replace('\n', " "));
            Err(no_credentials(profile, &why))
        }
        Err(_) => {
            let nobody = format!(" (nobody gave any within {} s)", LOGIN.as_secs());
            Err(no_credentials(profile, &nobody))
        }
    }
}

fn no_credentials(profile: Option<String>, why: &str) -> Failure {
    Failure::permanent(match profile {
        Some(profile) => format!(
            "the profile {profile} gives no credentials for AWS: log in with `aws sso login \
             --profile {profile}`, or set AWS_PROFILE to one of those that `aws configure \
             list-profiles` names{why}"
        ),
        None => format!(
            "no credentials for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             AWS_PROFILE, or log in with `aws configure` or `aws sso login`{why}"
        ),
    })
}

/// Where a stack was looked for, as part of a message.
fn whom(region: &str, account: Option<&str>, endpoint: Option<&str>) -> String {
    let account = match (account, env::var("AWS_PROFILE")) {
        (Some(account), _) => format!(", account {account}"),
        (None, Ok(profile)) => format!(", profile {profile}"),
        (None, Err(_)) => String::new(),
    };
    let endpoint = endpoint.map_or(String::new(), |endpoint| format!(", at {endpoint}"));
    format!("region {region}{account}{endpoint}")
}
