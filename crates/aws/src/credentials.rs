//! Credentials for what is signed outside of the SDK: requests to an index.

use aws_config::BehaviorVersion;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{SharedCredentialsProvider, future};

use crate::cloud::configured;

/// Returns where credentials come from: the environment, profiles, logins and roles, as all AWS tools
/// look for them. They are not asked for yet.
pub async fn credentials() -> SharedCredentialsProvider {
    let config = configured(aws_config::defaults(BehaviorVersion::latest())).await;
    let found = config.credentials_provider();
    found.unwrap_or_else(|| SharedCredentialsProvider::new(Nowhere))
}

/// An environment in which the SDK looks for no credentials.
#[derive(Debug)]
struct Nowhere;

impl aws_credential_types::provider::ProvideCredentials for Nowhere {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let nothing = CredentialsError::not_loaded("no place to look for them is known");
        future::ProvideCredentials::ready(Err(nothing))
    }
}
