//! Errands: what is to be done for a stack beside fetching pages, as messages of a queue of their
//! own, so that the queue of tasks is empty when no task waits.
//!
//! ```json
//! {"canter":1,"errand":"sweep","site":"docs.example.org","crawl":1767225600000,"link":{"chain":7,"number":1}}
//! {"canter":1,"errand":"refresh"}
//! ```

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use serde::{Deserialize, Serialize};

use super::message::{Refusal, VERSION, check_envelope};
use super::outbox::LONGEST_DELAY;
use crate::cloud::Cloud;
use crate::failure::failure;
use crate::sites::Turn;

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "errand", rename_all = "snake_case")]
pub enum Errand {
    /// Look for the end of a crawl, and push what was lost.
    Sweep(Sweep),
    /// Refresh all sites whose last crawl has ended, and continue those that were cut off.
    Refresh,
}

/// One look for the end of a crawl; as long as there is none, it is sent again with what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Id of the site.
    pub site: String,
    /// Id of the crawl.
    pub crawl: u64,
    /// Its place in the chain of sweeps.
    #[serde(rename = "link")]
    pub turn: Turn,
    /// What the ones before it saw.
    #[serde(default)]
    pub watch: Watch,
}

/// What was seen of a crawl by looks for its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// How the rows stood when they were seen last; none where tasks were under way since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Counts>,
    /// The next sweep makes sense at this time, Unix ms; looks at the queue come sooner.
    pub next_ms: u64,
    /// Tasks that had ended.
    pub done: u64,
    /// Since when there have been so many, Unix ms.
    pub since_ms: u64,
    /// Nothing is open any more: the part of the site whose links are counted next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
}

#[derive(Serialize)]
struct Wire<'a> {
    canter: u64,
    #[serde(flatten)]
    errand: &'a Errand,
}

impl Errand {
    /// As it is sent.
    pub fn encode(&self) -> String {
        let wire = Wire {
            canter: VERSION,
            errand: self,
        };
        // Strings, numbers and maps of them: nothing that JSON cannot say.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads a body, whoever wrote it.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        check_envelope(body)?;
        serde_json::from_str(body).map_err(|error| Refusal::Broken(error.to_string()))
    }

    /// Puts the errand into its queue; it is given out after `delay`, of at most
    /// [`LONGEST_DELAY`].
    pub async fn send(&self, cloud: &Cloud, delay: Duration) -> Result<(), Failure> {
        let queue = &cloud.names.errands;
        let delay = delay.min(LONGEST_DELAY).as_secs_f64().ceil() as i32;
        let sent = cloud
            .sqs
            .send_message()
            .queue_url(queue)
            .delay_seconds(delay)
            .message_body(self.encode())
            .send()
            .await;
        sent.map(drop)
            .map_err(|error| failure(error, &format!("the queue {queue}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep() -> Errand {
        Errand::Sweep(Sweep {
            site: "docs.example.org".into(),
            crawl: 1_767_225_600_000,
            turn: Turn {
                chain: 7,
                number: 1,
            },
            watch: Watch {
                before: Some(Counts::default()),
                next_ms: 3,
                ..Watch::default()
            },
        })
    }

    #[test]
    fn an_errand_comes_back_also_when_it_is_written_anew() {
        for errand in [sweep(), Errand::Refresh] {
            let body = errand.encode();
            assert_eq!(Errand::parse(&body), Ok(errand.clone()));
            let anew: serde_json::Value = serde_json::from_str(&body).unwrap();
            let anew = serde_json::to_string_pretty(&anew).unwrap();
            assert_eq!(Errand::parse(&anew), Ok(errand));
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let rows = [
            ("hello", "not canter's"),
            ("{\"errand\":\"refresh\"}", "not canter's"),
            ("{\"canter\":2,\"errand\":\"refresh\"}", "version 2"),
            ("{\"canter\":1,\"errand\":\"dance\"}", "broken: "),
            (
                "{\"canter\":1,\"errand\":\"sweep\",\"site\":\"a\"}",
                "broken: ",
            ),
            ("{\"canter\":1,\"tasks\":[]}", "broken: "),
        ];
        for (body, reason) in rows {
            let said = Errand::parse(body).unwrap_err().to_string();
            assert!(said.contains(reason), "{body}: {said}");
        }
    }
}
