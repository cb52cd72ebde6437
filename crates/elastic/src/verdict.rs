//! What the server says about one operation of a bulk request, or about the whole request.

use canter_core::failure::Failure;
use serde_json::Value;

use crate::server::{Answer, QUOTE, Server, cause, shortened};

/// How to proceed with an operation.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The operation is durable, or there was nothing to do.
    Done,
    /// The server will never accept the document, for this reason.
    Refused(String),
    /// The operation is to be tried again. If patience runs out, this is the reason.
    Again(Failure),
    /// The whole bulk request has failed, and no further try helps.
    Stop(Failure),
}

/// Judges one entry of `items`.
pub(crate) fn of_item(server: &Server, item: &Value) -> Verdict {
    // The only key of an entry is its action.
    let item = item.as_object().and_then(|item| item.values().next());
    let Some(item) = item else {
        return Verdict::Again(overloaded(server, 0, "", "an answer without a result"));
    };
    let status = item["status"].as_u64().unwrap_or(0);
    let (kind, mut reason) = cause(&item["error"]);
    // One reason may name the field and the other the fault, and each may quote the document.
    if let Some(deeper) = item["error"]["caused_by"]["reason"].as_str() {
        let half = |text: &str| shortened(text, QUOTE / 2);
        reason = format!("{}: {}", half(&reason), half(deeper));
    }
    match (status, kind.as_str()) {
        (200..300, _) => Verdict::Done,
        // The index holds a newer copy or this one, so the operation has nothing left to do.
        (409, "version_conflict_engine_exception") => Verdict::Done,
        // The delete was for a document that does not exist.
        (404, "") => Verdict::Done,
        _ => of_error(server, status, &kind, &reason),
    }
}

/// Judges the response to a whole bulk request without items: `Ok` if the request is to be tried
/// again. Both cases hold the reason.
pub(crate) fn of_whole(server: &Server, answer: &Answer) -> Result<Failure, Failure> {
    let (kind, reason) = answer.error();
    match of_error(server, answer.status.into(), &kind, &reason) {
        Verdict::Again(failure) => Ok(failure),
        // The server refused the request, and no document in particular.
        _ => Err(server.refusal(answer)),
    }
}

fn of_error(server: &Server, status: u64, kind: &str, reason: &str) -> Verdict {
    match (status, kind) {
        (_, "cluster_block_exception") => Verdict::Again(blocked(server, reason)),
        (404, "index_not_found_exception") => Verdict::Stop(server.vanished()),
        (401 | 403, _) => Verdict::Stop(server.forbidden(reason)),
        (_, "index_closed_exception") => Verdict::Stop(server.closed()),
        (400 | 413, kind) if is_of_the_document(kind) => Verdict::Refused(match reason {
            "" => format!("{kind} ({status})"),
            reason => format!("{kind}: {reason}"),
        }),
        // An error that is not known to be the document's own fault gives up no page.
        _ => Verdict::Again(overloaded(server, status, kind, reason)),
    }
}

/// Returns whether an error is about the content of a document. Any other error would meet every
/// document alike.
fn is_of_the_document(kind: &str) -> bool {
    kind.ends_with("_parsing_exception")
        || matches!(
            kind,
            "illegal_argument_exception"
                | "mapper_exception"
                | "strict_dynamic_mapping_exception"
                | "max_bytes_length_exceeded_exception"
        )
}

/// Returns the failure for a blocked index. Blocks have numbers: a server sets block 12 by itself.
fn blocked(server: &Server, reason: &str) -> Failure {
    let (url, index) = (server.url(), server.index());
    if reason.contains("/12/") {
        return Failure::permanent(format!(
            "Elasticsearch at {url} keeps the index {index} read-only, as it does when its disk is \
             nearly full: make room there, or remove the index's setting \
             index.blocks.read_only_allow_delete where it has room, then run the same command \
             again, nothing is lost"
        ));
    }
    Failure::permanent(format!(
        "the index {index} at {url} may not be written ({reason}): lift that block, then run the \
         same command again, nothing is lost"
    ))
}

fn overloaded(server: &Server, status: u64, kind: &str, reason: &str) -> Failure {
    Failure::transient(format!(
        "Elasticsearch at {} takes nothing more for now ({status}, {kind}: {reason})",
        server.url()
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Settings;

    pub(crate) fn server() -> Server {
        let settings = Settings::new("http://127.0.0.1:9/docs", None).expect("a URL");
        Server::new(&settings, settings.patience).expect("a connection")
    }

    #[test]
    fn items_are_judged() {
        let server = server();
        let rows = [
            (json!({"index": {"status": 201}}), "done"),
            (json!({"delete": {"status": 404}}), "done"),
            (
                error(409, "version_conflict_engine_exception", "newer"),
                "done",
            ),
            (error(400, "mapper_parsing_exception", "no date"), "refused"),
            (
                error(429, "es_rejected_execution_exception", "full"),
                "again",
            ),
            (error(429, "circuit_breaking_exception", "memory"), "again"),
            (error(500, "exception", "?"), "again"),
            (error(503, "unavailable_shards_exception", "?"), "again"),
            (
                error(403, "cluster_block_exception", "[FORBIDDEN/12/…]"),
                "again",
            ),
            (
                error(429, "cluster_block_exception", "[X/12/flood]"),
                "again",
            ),
            (error(403, "security_exception", "no"), "stop"),
            (error(404, "index_not_found_exception", "no"), "stop"),
            (error(400, "index_closed_exception", "closed"), "stop"),
            (
                error(400, "process_cluster_event_timeout_exception", "?"),
                "again",
            ),
            (
                error(400, "illegal_argument_exception", "nested"),
                "refused",
            ),
            (json!({}), "again"),
        ];
        for (item, expected) in rows {
            let told = match of_item(&server, &item) {
                Verdict::Done => "done",
                Verdict::Refused(_) => "refused",
                Verdict::Again(_) => "again",
                Verdict::Stop(_) => "stop",
            };
            assert_eq!(told, expected, "{item}");
        }
    }

    #[test]
    fn a_refusal_names_the_cause_in_short() {
        let mut item = error(400, "mapper_parsing_exception", "failed to parse field [x]");
        item["index"]["error"]["caused_by"] = json!({"reason": "y".repeat(1000)});
        let Verdict::Refused(why) = of_item(&server(), &item) else {
            panic!("not refused");
        };
        let begin = "mapper_parsing_exception: failed to parse field [x]: yyy";
        assert!(why.starts_with(begin), "{why}");
        assert!(why.chars().count() < 300, "{why}");
    }

    fn error(status: u16, kind: &str, reason: &str) -> Value {
        json!({"index": {"status": status, "error": {"type": kind, "reason": reason}}})
    }
}
