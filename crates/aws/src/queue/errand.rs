//! Errands: the work of a stack beside fetching pages. They have a queue of their own, so that the
//! queue of tasks is empty when no task waits.
//!
//! ```json
//! {"canter":1,"errand":"sweep","site":"docs.example.org","crawl":1767225600000,"link":{"chain":7,"number":1}}
//! {"canter":1,"errand":"refresh"}
//! {"canter":1,"errand":"refresh_due"}
//! {"canter":1,"errand":"publish","site":"docs.example.org"}
//! {"canter":1,"errand":"reindex","site":"docs.example.org"}
//! ```

use std::time::Duration;

use canter_core::failure::Failure;
use canter_core::outcomes::Counts;
use serde::{Deserialize, Serialize};

use super::message::{Refusal, VERSION, check_envelope};
use super::outbox::MAX_DELAY;
use crate::cloud::Cloud;
use crate::failure::failure;
use crate::sites::Turn;

/// An errand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "errand", rename_all = "snake_case")]
pub enum Errand {
    /// Look for the end of a crawl, and push its lost tasks again.
    Sweep(Sweep),
    /// Refresh the sites without an interval of their own whose last crawl has ended, and continue
    /// those that were cut off.
    Refresh,
    /// The same for the sites whose own interval is over.
    RefreshDue,
    /// Publish what the last crawl of a site has seen, whatever is lost.
    Publish {
        /// Id of the site.
        site: String,
        /// Number of errands before it whose time was over before they wrote anything.
        #[serde(default)]
        in_vain: u32,
    },
    /// Make the index of a site anew from the archive.
    Reindex {
        /// Id of the site.
        site: String,
        /// Number of errands before it whose time was over before they wrote anything.
        #[serde(default)]
        in_vain: u32,
    },
}

/// One look for the end of a crawl. Until the crawl ends, each look sends the next one with what was
/// seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Id of the site.
    pub site: String,
    /// Id of the crawl.
    pub crawl: u64,
    /// Its place in the chain of sweeps.
    #[serde(rename = "link")]
    pub turn: Turn,
    /// What the sweeps before it saw.
    #[serde(default)]
    pub watch: Watch,
}

/// What the looks for the end of a crawl have seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// The counts of the last sweep; none when tasks were under way since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Counts>,
    /// When the next sweep makes sense, Unix ms. Looks at the queue come sooner.
    pub next_ms: u64,
    /// Number of tasks that had ended.
    pub done: u64,
    /// Since when that number has not changed, Unix ms.
    pub since_ms: u64,
    /// Number of looks that have published a part of the crawl. If there were any, no task is open
    /// any more, and the next look goes on with publishing.
    pub parts: u32,
    /// Number of those whose time was over before a page was written.
    pub in_vain: u32,
    /// When the next portion of a refresh is published, Unix ms; 0 before the first look.
    pub portion_ms: u64,
}

#[derive(Serialize)]
struct Wire<'a> {
    canter: u64,
    #[serde(flatten)]
    errand: &'a Errand,
}

impl Errand {
    /// The body of the message.
    pub fn encode(&self) -> String {
        let wire = Wire {
            canter: VERSION,
            errand: self,
        };
        // Strings, numbers and maps of them always have a JSON form.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Parses the body of a message, whoever wrote it.
    ///
    /// # Errors
    ///
    /// Why the body is no errand.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        check_envelope(body)?;
        serde_json::from_str(body).map_err(|error| Refusal::Broken(error.to_string()))
    }

    /// Sends the errand to its queue, which gives it out after `delay` or [`MAX_DELAY`],
    /// whichever is shorter.
    ///
    /// # Errors
    ///
    /// The failure of SQS.
    pub async fn send(&self, cloud: &Cloud, delay: Duration) -> Result<(), Failure> {
        let queue = &cloud.names.errands;
        let delay = delay.min(MAX_DELAY).as_secs_f64().ceil() as i32;
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
        let site = || "docs.example.org".to_owned();
        let of_site = [
            Errand::Publish {
                site: site(),
                in_vain: 0,
            },
            Errand::Reindex {
                site: site(),
                in_vain: 2,
            },
        ];
        for errand in [sweep(), Errand::Refresh, Errand::RefreshDue]
            .into_iter()
            .chain(of_site)
        {
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
            ("{\"canter\":1,\"errand\":\"publish\"}", "broken: "),
            ("{\"canter\":1,\"tasks\":[]}", "broken: "),
        ];
        for (body, reason) in rows {
            let said = Errand::parse(body).unwrap_err().to_string();
            assert!(said.contains(reason), "{body}: {said}");
        }
    }
}
