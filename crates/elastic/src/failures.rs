//! Failures between canter and a server, told to a person: what happened, where, and how to fix it.

use std::error::Error as StdError;
use std::io;

use canter_core::failure::Failure;
use elasticsearch::Error;

use crate::server::{Answer, Server, is_busy, quote};
use crate::settings::Access;
use crate::signing::{Scope, Signer};

impl Server {
    /// Explains a response that is not a success, in a sentence.
    pub(crate) fn refusal(&self, answer: &Answer) -> Failure {
        let (url, place) = (&self.url, self.key_place);
        let (kind, reason) = answer.error();
        match (answer.status, &self.access) {
            (401, Access::Password(..)) => Failure::permanent(format!(
                "Elasticsearch at {url} does not accept the user and password in {place} (401)"
            )),
            // What has a type are OpenSearch's own words, which come after AWS's.
            (401 | 403, Access::Signed(signer)) if kind.is_empty() => {
                self.not_let_in(answer.status, &reason, signer)
            }
            (401, Access::Key(_)) => Failure::permanent(format!(
                "Elasticsearch at {url} does not accept the API key in {place} (401)"
            )),
            (401, _) => Failure::permanent(format!(
                "Elasticsearch at {url} wants an API key or a user's name and password (401): set {place}"
            )),
            (403, _) => self.forbidden(&reason),
            (404, _) if kind == "index_not_found_exception" => self.vanished(),
            _ if kind == "index_closed_exception" => self.closed(),
            (status, _) if is_busy(status) || status >= 500 => Failure::transient(format!(
                "Elasticsearch at {url} is not able to answer now ({status}{})",
                told(&kind, &reason)
            )),
            _ if kind.is_empty() && reason.is_empty() => self.not_understood(answer),
            (status, _) => Failure::permanent(format!(
                "Elasticsearch at {url} refused a request ({status}{})",
                told(&kind, &reason)
            )),
        }
    }

    /// Returns the failure for a key that does not give access to the resources that canter needs.
    pub(crate) fn forbidden(&self, reason: &str) -> Failure {
        let (url, index, place) = (&self.url, &self.index, self.key_place);
        let who = match &self.access {
            Access::Key(_) => format!("the API key in {place} may not do that"),
            Access::Password(user, _) => format!("the user {user} in {place} may not do that"),
            Access::Signed(_) => {
                "the role that signs the requests may not do that, map it to one of OpenSearch's"
                    .to_owned()
            }
            Access::Open | Access::Unsigned(_) => format!(
                "that needs an API key, set {place}, or requests signed for AWS, set \
                 CANTER_INDEX_SIGNED_FOR (IndexSignedFor of a stack)"
            ),
        };
        Failure::permanent(format!(
            "Elasticsearch at {url} forbids what canter asks for (403{}): {who}; to search takes \
             the privileges `monitor` of the cluster and `read` and `view_index_metadata` of the \
             index {index}, to crawl also `create_index`, `write` and `maintenance`",
            told("", reason)
        ))
    }

    /// Returns the failure for a request that AWS does not let through to the domain.
    fn not_let_in(&self, status: u16, reason: &str, signer: &Signer) -> Failure {
        let Scope { service, region } = &signer.scope;
        if signer.is_unsigned() {
            return Failure::permanent(format!(
                "{} refuses a request without a signature ({status}{}), and there are no \
                 credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                 log in, for instance with `aws sso login`",
                self.url,
                told("", reason)
            ));
        }
        Failure::permanent(format!(
            "{} refuses a request signed for {service} in {region} ({status}{}): log in again if the \
             credentials are too old, and let the domain's access policy allow es:ESHttpGet \
             and es:ESHttpPost to whoever searches, to whoever crawls also es:ESHttpHead and \
             es:ESHttpPut",
            self.url,
            told("", reason)
        ))
    }

    /// Returns the failure for an index that existed when it was opened.
    pub(crate) fn vanished(&self) -> Failure {
        Failure::permanent(format!(
            "the index {} at {} is gone, somebody deleted it: run `canter crawl` again to fill a \
             new one",
            self.index, self.url
        ))
    }

    /// Returns the failure for an index that somebody closed.
    pub(crate) fn closed(&self) -> Failure {
        Failure::permanent(format!(
            "the index {0} at {1} is closed: open it (POST /{0}/_open), then run the same command \
             again, nothing is lost",
            self.index, self.url
        ))
    }

    /// Returns the failure for a response that Elasticsearch would not give.
    pub(crate) fn not_understood(&self, answer: &Answer) -> Failure {
        let kind = match answer.kind.split(';').next() {
            None | Some("") => "no content type",
            Some(kind) => kind,
        };
        Failure::permanent(format!(
            "{} is no Elasticsearch: it answered {} with {kind}; canter needs Elasticsearch 7.10 or \
             newer, or OpenSearch",
            self.url, answer.status
        ))
    }

    /// Explains why there is no response, in a sentence.
    pub(crate) fn silence(&self, error: &Error) -> Failure {
        let url = &self.url;
        if error.is_timeout() {
            return Failure::transient(format!(
                "Elasticsearch at {url} does not answer within {} s",
                self.timeout.as_secs_f32()
            ));
        }
        let mut causes = vec![error as &dyn StdError];
        while let Some(deeper) = causes.last().copied().and_then(StdError::source) {
            causes.push(deeper);
        }
        let all: String = causes.iter().map(|cause| format!("{cause}\n")).collect();
        let last = causes.last().map(|cause| quote(&cause.to_string()));
        let last = last.unwrap_or_default();
        let io = causes
            .iter()
            .rev()
            .find_map(|cause| cause.downcast_ref::<io::Error>());
        if all.contains("dns error") {
            let host = url.host_str().unwrap_or_default();
            return Failure::transient(format!(
                "there is no host {host} (from the index's URL {url}): {last}"
            ));
        }
        if all.contains("certificate") {
            return Failure::permanent(format!(
                "{url} is not to be trusted: {last}; let the system trust the authority that \
                 signed its certificate, or name that one's file in SSL_CERT_FILE"
            ));
        }
        if all.contains("InvalidContentType") {
            return Failure::permanent(format!(
                "{url} does not speak TLS: write http: where it is to be spoken to in plain"
            ));
        }
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Failure::transient(format!(
                "no Elasticsearch runs at {url} (connection refused)"
            )),
            _ => Failure::transient(format!(
                "the connection to Elasticsearch at {url} failed ({last})"
            )),
        }
    }
}

/// Formats the type and reason that follow a status, if there are any.
fn told(kind: &str, reason: &str) -> String {
    match (kind, reason) {
        ("", "") => String::new(),
        ("", reason) => format!(", {reason}"),
        (kind, "") => format!(", {kind}"),
        (kind, reason) => format!(", {kind}: {reason}"),
    }
}
