//! What an error of AWS means for whoever asked.

use std::fmt::Debug;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use canter_core::failure::Failure;

/// The failure of a request to `what`: "the table pages", "the queue https://…".
pub(crate) fn failure<E, R>(error: &SdkError<E, R>, what: &str) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: Debug,
{
    let code = error.code().unwrap_or_default();
    let said = error.message().unwrap_or("no reason given");
    match (error, code) {
        (SdkError::ServiceError(_), code) => service(code, said, what),
        (SdkError::ConstructionFailure(_), _) => Failure::permanent(format!(
            "no request to AWS can be made: set AWS_REGION and credentials, for instance with \
             `aws configure` ({})",
            DisplayErrorContext(error)
        )),
        (SdkError::DispatchFailure(_) | SdkError::TimeoutError(_), _) => {
            let context = DisplayErrorContext(error).to_string();
            if context.contains("credentials") {
                return Failure::permanent(format!(
                    "no credentials for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                     AWS_PROFILE, or run `aws configure` ({context})"
                ));
            }
            Failure::transient(format!(
                "{what} cannot be reached; is AWS_REGION right, and AWS_ENDPOINT_URL, if it is set? \
                 ({context})"
            ))
        }
        _ => Failure::transient(format!(
            "{what} gave a broken answer ({})",
            DisplayErrorContext(error)
        )),
    }
}

/// The failure that a service named by its code.
pub(crate) fn service(code: &str, said: &str, what: &str) -> Failure {
    match code {
        "ResourceNotFoundException"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "QueueDoesNotExist" => Failure::permanent(format!(
            "{what} does not exist: is the stack deployed, in this region and account? ({said})"
        )),
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "ExpiredTokenException"
        | "ExpiredToken" => Failure::permanent(format!(
            "AWS refuses these credentials for {what}: log in again, or use a role that may use it \
             ({code}: {said})"
        )),
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "ThrottlingException"
        | "Throttling"
        | "RequestThrottled"
        | "OverLimit"
        | "InternalServerError"
        | "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "TransactionInProgressException" => {
            Failure::transient(format!("{what} is busy ({code}: {said})"))
        }
        _ => Failure::permanent(format!("{what} refused a request ({code}: {said})")),
    }
}
