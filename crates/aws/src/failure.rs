//! Failures from the errors of AWS.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use canter_core::failure::Failure;

/// The failure of a request to `what`: "the table pages", "the queue https://…".
pub(crate) fn failure<E>(error: SdkError<E, HttpResponse>, what: &str) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    explained(&error, what).with_source(error)
}

fn explained<E>(error: &SdkError<E, HttpResponse>, what: &str) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.code().unwrap_or_default();
    let said = error.message().unwrap_or("no reason given");
    match (error, code) {
        (SdkError::ServiceError(refused), code) => {
            service(code, Some(refused.raw().status().as_u16()), said, what)
        }
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
                "{what} cannot be reached: is there a network, and is AWS_REGION right, and \
                 AWS_ENDPOINT_URL, if it is set? ({context})"
            ))
        }
        _ => Failure::transient(format!(
            "{what} gave a broken answer: try again, and if it stays so, look what answers at \
             AWS_ENDPOINT_URL ({})",
            DisplayErrorContext(error)
        )),
    }
}

/// The failure for the code of a service. `status` is that of the answer, where the answer is for one
/// request only.
pub(crate) fn service(code: &str, status: Option<u16>, said: &str, what: &str) -> Failure {
    match code {
        "ResourceNotFoundException"
        | "NoSuchBucket"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "QueueDoesNotExist" => Failure::permanent(format!(
            "{what} does not exist: is the stack deployed, in this region and account? ({said})"
        )),
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "ExpiredTokenException"
        | "ExpiredToken" => Failure::permanent(format!(
            "AWS refuses these credentials for {what}: log in again, or use a role that may use it \
             ({code}: {said})"
        )),
        code if passes(code, status) => {
            // A load balancer in between, for instance, has no code of AWS.
            let named = match status {
                Some(status) if code.is_empty() => format!("status {status}"),
                _ => code.to_owned(),
            };
            Failure::transient(format!(
                "{what} takes no more requests for now: try again, and raise its capacity or the \
                 account's quota if it stays so ({named}: {said})"
            ))
        }
        "ValidationException" if said.contains("size") => Failure::permanent(format!(
            "something of this site is larger than a record of {what} may be (400 KB), which \
             canter should have cut: please report it ({said})"
        )),
        "ValidationException" => Failure::permanent(format!(
            "{what} is none of canter's: does it have the keys that canter's template gives it? \
             ({said})"
        )),
        _ => Failure::permanent(format!(
            "{what} refused a request: look {code} up in the documentation of AWS, and report it \
             if it is canter's fault ({said})"
        )),
    }
}

/// Whether a refusal may pass. Beside the status, the codes are those at which the SDK itself retries
/// and those for faults of the services themselves.
fn passes(code: &str, status: Option<u16>) -> bool {
    // Every service, and KMS behind a queue, has a name of its own for throttling.
    status.is_some_and(|status| status == 429 || status >= 500)
        || code.contains("Throttl")
        || matches!(
            code,
            "ProvisionedThroughputExceededException"
                | "TooManyRequestsException"
                | "TransactionInProgressException"
                | "RequestLimitExceeded"
                | "BandwidthLimitExceeded"
                | "LimitExceededException"
                | "OverLimit"
                | "SlowDown"
                | "PriorRequestNotComplete"
                | "RequestTimeout"
                | "RequestTimeoutException"
                | "InternalServerError"
                | "InternalFailure"
                | "InternalError"
                | "ServiceUnavailable"
        )
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Error = SdkError<GetItemError, HttpResponse>;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    /// What went wrong before there was an answer, or with it.
    #[test]
    fn what_is_no_answer_says_what_to_do() {
        let io = |what: &str| ConnectorError::io(what.to_owned().into());
        let rows = [
            (
                Error::construction_failure("no region"),
                false,
                "set AWS_REGION",
            ),
            (
                Error::dispatch_failure(io("connection refused")),
                true,
                "is there a network",
            ),
            (
                Error::dispatch_failure(io("no credentials in the provider chain")),
                false,
                "set AWS_ACCESS_KEY_ID",
            ),
            (Error::timeout_error("5 seconds"), true, "AWS_ENDPOINT_URL"),
            (
                Error::response_error("no JSON", answer(200)),
                true,
                "look what answers",
            ),
        ];
        for (error, passes, advice) in rows {
            let failure = failure(error, "the table pages");
            let sentence = failure.to_string();
            assert!(sentence.contains(advice), "{sentence}");
            assert_eq!(
                matches!(failure, Failure::Transient(_)),
                passes,
                "{sentence}"
            );
        }
    }

    /// What is to be done, by the code that AWS gives.
    #[test]
    fn every_sentence_says_what_to_do() {
        let transient = [
            ("ProvisionedThroughputExceededException", "try again"),
            ("RequestLimitExceeded", "try again"),
            ("ThrottlingException", "try again"),
            ("InternalServerError", "try again"),
            ("ServiceUnavailable", "try again"),
        ];
        let permanent = [
            ("ResourceNotFoundException", "is the stack deployed"),
            ("QueueDoesNotExist", "is the stack deployed"),
            ("NoSuchBucket", "is the stack deployed"),
            ("AccessDeniedException", "log in again"),
            ("UnrecognizedClientException", "log in again"),
            ("InvalidSignatureException", "log in again"),
            ("ExpiredTokenException", "log in again"),
            ("ValidationException", "does it have the keys"),
            ("SomethingNew", "look SomethingNew up"),
        ];
        let rows = transient.map(|row| (row, true)).into_iter();
        for ((code, advice), passes) in rows.chain(permanent.map(|row| (row, false))) {
            let failure = service(code, Some(400), "as AWS said", "the table pages");
            assert_eq!(matches!(failure, Failure::Transient(_)), passes, "{code}");
            let sentence = failure.to_string();
            for part in [advice, "the table pages", "as AWS said"] {
                assert!(sentence.contains(part), "{code}: {sentence}");
            }
        }
        let said = "Item size has exceeded the maximum allowed size";
        let large = service("ValidationException", Some(400), said, "the table pages").to_string();
        assert!(large.contains("please report it"), "{large}");
    }

    /// A refusal of the moment is none for good, whoever words it.
    #[test]
    fn who_is_asked_to_come_back_comes_back() {
        let rows = [
            (503, "", true),
            (502, "", true),
            (500, "SomethingNew", true),
            (429, "SomethingNew", true),
            (408, "RequestTimeout", true),
            (400, "RequestTimeoutException", true),
            (400, "ThrottledException", true),
            (400, "RequestThrottledException", true),
            (400, "KMS.ThrottlingException", true),
            (400, "TooManyRequestsException", true),
            (400, "BandwidthLimitExceeded", true),
            (400, "LimitExceededException", true),
            (400, "PriorRequestNotComplete", true),
            (400, "SlowDown", true),
            (400, "", false),
            (403, "AccessDeniedException", false),
            (404, "SomethingNew", false),
        ];
        for (status, code, passes) in rows {
            let said = ErrorMetadata::builder().code(code).build();
            let error = Error::service_error(GetItemError::generic(said), answer(status));
            let failure = failure(error, "the table pages");
            let transient = matches!(failure, Failure::Transient(_));
            assert_eq!(transient, passes, "{status} {code}: {failure}");
        }
        let gone = service("", Some(503), "no reason given", "the table pages");
        assert!(gone.to_string().contains("status 503"), "{gone}");
    }
}
