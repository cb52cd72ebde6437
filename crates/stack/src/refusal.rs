//! What an error of CloudFormation means for the user.

use std::error::Error as StdError;

use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use canter_core::failure::Failure;

/// The failure of a request about the stack `name`, sent to `whom`.
pub(crate) fn refusal<E>(error: &SdkError<E, HttpResponse>, name: &str, whom: &str) -> Failure
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let code = error.code().unwrap_or_default();
    let said = error.message().unwrap_or("no reason given");
    let SdkError::ServiceError(refused) = error else {
        return Failure::transient(format!(
            "CloudFormation cannot be reached ({whom}): is there a network, and is AWS_REGION \
             right, and AWS_ENDPOINT_URL, if it is set? ({})",
            told(error)
        ));
    };
    let status = refused.raw().status().as_u16();
    match code {
        "ValidationError" if said.contains("does not exist") => no_such_stack(name, whom),
        "ValidationError" => Failure::permanent(format!(
            "CloudFormation takes {name:?} for no name of a stack: letters, digits and hyphens \
             make one ({said})"
        )),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            Failure::permanent(format!(
                "these credentials may not look the stack {name} up: they need \
                 cloudformation:DescribeStacks on it ({said})"
            ))
        }
        _ if status == 429 || status >= 500 || code.contains("Throttl") => {
            Failure::transient(format!(
                "CloudFormation does not answer for now: try again ({whom}; status {status} \
                 {code}: {said})"
            ))
        }
        "" => Failure::permanent(format!(
            "what answers is not CloudFormation ({whom}; status {status}): is AWS_ENDPOINT_URL \
             right, and does a proxy stand between?"
        )),
        _ => Failure::permanent(format!(
            "AWS refuses these credentials: log in again, with `aws sso login` for instance \
             ({whom}; {code}: {said})"
        )),
    }
}

/// The failure if there is no stack of this name.
pub(crate) fn no_such_stack(name: &str, whom: &str) -> Failure {
    Failure::permanent(format!(
        "there is no stack {name} ({whom}): deploy it with `sam deploy`, or name another region or \
         account with AWS_REGION or AWS_PROFILE"
    ))
}

/// An error and its sources, in one line.
pub(crate) fn told(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::error::ErrorMetadata;
    use aws_sdk_cloudformation::operation::describe_stacks::DescribeStacksError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    type Error = SdkError<DescribeStacksError, HttpResponse>;

    fn refused(status: u16, code: &str, said: &str) -> Error {
        let answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let said = ErrorMetadata::builder().code(code).message(said).build();
        Error::service_error(DescribeStacksError::generic(said), answer)
    }

    #[test]
    fn every_sentence_says_what_to_do() {
        let io = ConnectorError::io("connection refused".into());
        let missing = "Stack with id docs does not exist";
        for (error, passes, advice) in [
            (
                refused(400, "ValidationError", missing),
                false,
                "sam deploy",
            ),
            (
                refused(400, "ValidationError", "must match a pattern"),
                false,
                "letters, digits",
            ),
            (
                refused(403, "AccessDenied", "not authorized"),
                false,
                "cloudformation:DescribeStacks",
            ),
            (
                refused(403, "ExpiredToken", "expired"),
                false,
                "log in again",
            ),
            (refused(400, "Throttling", "slow down"), true, "try again"),
            (refused(503, "", "busy"), true, "try again"),
            (refused(403, "", "denied"), false, "does a proxy"),
            (Error::dispatch_failure(io), true, "AWS_ENDPOINT_URL"),
            (Error::timeout_error("5 s"), true, "is there a network"),
        ] {
            let failure = refusal(&error, "docs", "region eu-west-1");
            let sentence = failure.to_string();
            assert!(sentence.contains(advice), "{sentence}");
            let transient = matches!(failure, Failure::Transient(_));
            assert_eq!(transient, passes, "{sentence}");
        }
        let sentence = refusal(
            &refused(400, "ValidationError", missing),
            "docs",
            "region x",
        );
        assert!(sentence.to_string().contains("no stack docs (region x)"));
    }
}
