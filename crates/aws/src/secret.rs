//! Secrets in AWS Secrets Manager: the API key of the index.

use aws_config::BehaviorVersion;
use aws_sdk_secretsmanager::Client;
use canter_core::failure::Failure;

use crate::cloud::configured;
use crate::failure::failure;

/// Reads the text of the secret with this ARN.
///
/// # Errors
///
/// The failure of Secrets Manager; a secret without text.
pub async fn secret(arn: &str) -> Result<String, Failure> {
    let config = configured(aws_config::defaults(BehaviorVersion::latest())).await;
    let asked = Client::new(&config).get_secret_value().secret_id(arn);
    let what = format!("the secret {arn}");
    let answer = asked.send().await;
    let answer = answer.map_err(|error| failure(error, &what))?;
    let text = answer.secret_string().map(|text| text.trim().to_owned());
    text.ok_or_else(|| {
        Failure::permanent(format!("{what} holds no text: store the API key as it is"))
    })
}
