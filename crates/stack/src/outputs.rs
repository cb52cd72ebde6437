//! The outputs of a stack, as canter's template names them.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::Stack as Described;
use canter_core::failure::Failure;

/// Outputs that every stack needs.
const NEEDED: [&str; 6] = [
    "PagesTable",
    "StateTable",
    "ArchiveBucket",
    "QueueUrl",
    "ErrandsQueueUrl",
    "DeadLettersUrl",
];

/// A deployed stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its name, as the caller gave it.
    pub name: String,
    /// Name of the page store's table.
    pub pages_table: String,
    /// Name of the table of sites and paces.
    pub state_table: String,
    /// Name of the archive's bucket.
    pub archive_bucket: String,
    /// URL of the queue of tasks.
    pub queue_url: String,
    /// URL of the queue of errands.
    pub errands_queue_url: String,
    /// URL of the dead-letter queue.
    pub dead_letters_url: String,
    /// Whether its functions may fetch from private addresses.
    pub allow_private: bool,
    /// Base URL of its search, if it has one. The fields below are optional, too.
    pub search_url: Option<String>,
    /// URL of the Elasticsearch that holds its pages.
    pub index_url: Option<String>,
    /// Name of the function that fetches.
    pub fetch_function: Option<String>,
    /// Name of the function that detects the ends of crawls.
    pub sweep_function: Option<String>,
    /// Name of the function that searches.
    pub search_function: Option<String>,
}

impl Stack {
    /// Reads the description of a stack, which must be a complete stack of canter's.
    pub(crate) fn of(name: &str, described: &Described) -> Result<Self, Failure> {
        let status = described
            .stack_status()
            .map_or("", |status| status.as_str());
        if let Some(advice) = unusable(status) {
            let sentence = format!("the stack {name} is not whole ({status}): {advice}");
            return Err(match status.ends_with("_IN_PROGRESS") {
                true => Failure::transient(sentence),
                false => Failure::permanent(sentence),
            });
        }
        let outputs = described.outputs().iter();
        let outputs = outputs.filter_map(|it| Some((it.output_key()?, it.output_value()?)));
        Self::from_outputs(name, &outputs.collect())
    }

    fn from_outputs(name: &str, outputs: &BTreeMap<&str, &str>) -> Result<Self, Failure> {
        let filled = |key: &str| outputs.get(key).filter(|value| !value.is_empty());
        let lacking: Vec<&str> = NEEDED
            .into_iter()
            .filter(|key| filled(key).is_none())
            .collect();
        if !lacking.is_empty() {
            return Err(Failure::permanent(format!(
                "the stack {name} is none of this canter's: it lacks the outputs {}; name the one \
                 that was made with canter's template, or deploy that again",
                lacking.join(", ")
            )));
        }
        let optional = |key: &str| filled(key).map(|value| (*value).to_owned());
        let text = |key: &str| optional(key).unwrap_or_default();
        let [
            pages_table,
            state_table,
            archive_bucket,
            queue_url,
            errands_queue_url,
            dead_letters_url,
        ] = NEEDED.map(text);
        Ok(Stack {
            name: name.to_owned(),
            pages_table,
            state_table,
            archive_bucket,
            queue_url,
            errands_queue_url,
            dead_letters_url,
            allow_private: filled("AllowPrivate") == Some(&"true"),
            search_url: optional("SearchUrl"),
            index_url: optional("IndexUrl"),
            fetch_function: optional("FetchFunction"),
            sweep_function: optional("SweepFunction"),
            search_function: optional("SearchFunction"),
        })
    }
}

/// Advice about a stack in this status; none if it can be used. A stack that is being updated can.
fn unusable(status: &str) -> Option<&'static str> {
    match status {
        "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" => {
            Some("it is being deleted, or was; deploy it again with `sam deploy`")
        }
        "DELETE_FAILED" => Some(
            "its deletion stopped half-way; finish that with `sam delete`, and deploy it again",
        ),
        "CREATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS" | "IMPORT_IN_PROGRESS" => {
            Some("it is being created; try again when `sam deploy` has ended")
        }
        _ if status.starts_with("CREATE_FAILED") || status.starts_with("ROLLBACK_") => Some(
            "its creation failed; `sam delete` removes what is left, and `sam deploy` says what \
             went wrong when it is tried again",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{Output, StackStatus};

    use super::*;

    fn described(status: &str, outputs: &[(&str, &str)]) -> Described {
        let outputs = outputs.iter().map(|(key, value)| {
            let output = Output::builder().output_key(*key).output_value(*value);
            output.build()
        });
        let described = Described::builder()
            .stack_name("docs")
            .stack_status(StackStatus::from(status))
            .set_outputs(Some(outputs.collect()))
            .creation_time(aws_sdk_cloudformation::primitives::DateTime::from_secs(0));
        described.build()
    }

    fn whole() -> Vec<(&'static str, &'static str)> {
        NEEDED.into_iter().map(|key| (key, key)).collect()
    }

    #[test]
    fn outputs_are_read_by_their_names() {
        let mut outputs = whole();
        outputs.extend([("AllowPrivate", "true"), ("SearchUrl", "")]);
        let stack = Stack::of("docs", &described("CREATE_COMPLETE", &outputs)).unwrap();
        assert_eq!(stack.pages_table, "PagesTable");
        assert_eq!(stack.archive_bucket, "ArchiveBucket");
        assert_eq!(stack.dead_letters_url, "DeadLettersUrl");
        assert!(stack.allow_private);
        assert_eq!((stack.search_url, stack.fetch_function), (None, None));
        let stack = Stack::of("docs", &described("UPDATE_IN_PROGRESS", &whole())).unwrap();
        assert!(!stack.allow_private);
    }

    #[test]
    fn a_foreign_stack_is_told_by_what_it_lacks() {
        let outputs = &whole()[..4];
        let failure = Stack::of("docs", &described("CREATE_COMPLETE", outputs)).unwrap_err();
        let sentence = failure.to_string();
        assert!(
            sentence.contains("lacks the outputs ErrandsQueueUrl, DeadLettersUrl;"),
            "{sentence}"
        );
    }

    #[test]
    fn a_stack_that_is_not_whole_says_what_to_do() {
        for (status, passes, advice) in [
            ("CREATE_IN_PROGRESS", true, "try again"),
            ("REVIEW_IN_PROGRESS", true, "try again"),
            ("CREATE_FAILED", false, "sam delete"),
            ("ROLLBACK_IN_PROGRESS", true, "its creation failed"),
            ("ROLLBACK_COMPLETE", false, "sam delete"),
            ("DELETE_IN_PROGRESS", true, "being deleted"),
            ("DELETE_FAILED", false, "finish that"),
        ] {
            let failure = Stack::of("docs", &described(status, &whole())).unwrap_err();
            let sentence = failure.to_string();
            assert!(
                sentence.contains(advice) && sentence.contains(status),
                "{sentence}"
            );
            let transient = matches!(failure, Failure::Transient(_));
            assert_eq!(transient, passes, "{status}");
        }
        for status in [
            "UPDATE_ROLLBACK_COMPLETE",
            "IMPORT_COMPLETE",
            "UPDATE_FAILED",
        ] {
            assert!(
                Stack::of("docs", &described(status, &whole())).is_ok(),
                "{status}"
            );
        }
    }
}
