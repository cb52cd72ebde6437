//! The skew between this process's clock and those of others.
//!
//! Two sources tell of other clocks. Every answer of DynamoDB has a `Date` in whole seconds, which is
//! enough to prove that a clock is grossly wrong. Every record of a pace holds its writer's time: a
//! process that reads a time in its future is behind, and goes by the writer's clock from then on.
//! The adopted skew only grows, so that the workers of a domain converge on the fastest of their
//! clocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::date_time::Format;
use canter_core::failure::Failure;
use canter_core::time::Moment;

/// Maximum skew from DynamoDB's clock. A clock that is provably further off is wrong.
const GROSS: Duration = Duration::from_secs(2);

/// What this process knows of other clocks. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Skew {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How far the fastest known clock is ahead, in nanoseconds.
    behind: AtomicU64,
    answer: Mutex<Option<Answer>>,
}

/// An answer of DynamoDB.
#[derive(Debug, Clone, Copy)]
struct Answer {
    sent: Instant,
    received: Instant,
    /// `Date` in seconds since the Unix epoch, rounded down.
    date: u64,
}

/// When a request was sent.
#[derive(Debug)]
struct Sent(Instant);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Skew {
    /// How far the shared time is ahead of this process's clock.
    pub(crate) fn behind(&self) -> Duration {
        Duration::from_nanos(self.shared.behind.load(Ordering::SeqCst))
    }

    /// Whether the date of an answer is known.
    pub(crate) fn asked(&self) -> bool {
        self.answer().is_some()
    }

    /// Adopts the clock of a writer whose record says `at`, in shared time, and was read at `now`.
    pub(crate) fn adopt(&self, at: Moment, now: Moment) -> Result<(), Failure> {
        let behind = now.until(at);
        if behind > GROSS * 2 {
            return Err(Failure::permanent(format!(
                "another worker's clock is at least {} s ahead of this machine's: one of both is \
                 wrong; set it by NTP, and start its worker again. Until the wrong time has come, \
                 nothing is fetched from this domain",
                behind.as_secs()
            )));
        }
        let behind = u64::try_from(behind.as_nanos()).unwrap_or(u64::MAX);
        self.shared.behind.fetch_max(behind, Ordering::SeqCst);
        Ok(())
    }

    /// Refuses a clock that shows `now` if DynamoDB's last answer proves it grossly wrong.
    pub(crate) fn check(&self, now: Moment) -> Result<(), Failure> {
        let Some(answer) = *self.answer() else {
            return Ok(());
        };
        let read = Instant::now();
        let shown = |at: Instant| now - read.duration_since(at);
        // DynamoDB read its clock between sending and receiving, at `date` or up to a second later.
        let (from, to) = (answer.date, answer.date.saturating_add(1));
        let ahead = Moment::from_millis(to.saturating_mul(1000)).until(shown(answer.sent));
        let behind = shown(answer.received).until(Moment::from_millis(from.saturating_mul(1000)));
        let (by, side) = if ahead > behind {
            (ahead, "ahead of")
        } else {
            (behind, "behind")
        };
        if by <= GROSS {
            return Ok(());
        }
        Err(Failure::permanent(format!(
            "this machine's clock is at least {} s {side} DynamoDB's: set it by NTP, and start the \
             worker again. Paces are kept by clocks, so that nothing is fetched with a wrong one",
            by.as_secs()
        )))
    }

    fn answer(&self) -> std::sync::MutexGuard<'_, Option<Answer>> {
        let answer = self.shared.answer.lock();
        answer.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Skew {
    fn name(&self) -> &'static str {
        "Skew"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Sent(Instant::now()));
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let date = date.and_then(|date| u64::try_from(date.secs()).ok());
        if let (Some(date), Some(Sent(sent))) = (date, config.load::<Sent>()) {
            let (sent, received) = (*sent, Instant::now());
            *self.answer() = Some(Answer {
                sent,
                received,
                date,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01.
    const DATE: u64 = 1_767_225_600;

    fn ms(ms: i64) -> Moment {
        Moment::from_millis((DATE * 1000).saturating_add_signed(ms))
    }

    #[test]
    fn a_clock_is_refused_only_for_what_is_proven() {
        for (shown_ms, said) in [
            (0, None),
            (-1_900, None),
            (2_900, None),
            (-2_100, Some("at least 2 s behind DynamoDB's")),
            (3_100, Some("at least 2 s ahead of DynamoDB's")),
            (3_600_500, Some("at least 3599 s ahead of DynamoDB's")),
            (-3_600_000, Some("at least 3600 s behind DynamoDB's")),
        ] {
            let skew = Skew::default();
            let instant = Instant::now();
            *skew.answer() = Some(Answer {
                sent: instant,
                received: instant,
                date: DATE,
            });
            // The test takes a moment too, during which the clock goes on.
            let checked = skew.check(ms(shown_ms) + instant.elapsed());
            match said {
                None => assert_eq!(checked, Ok(()), "{shown_ms}"),
                Some(said) => {
                    let failure = checked.unwrap_err();
                    assert!(matches!(failure, Failure::Permanent(_)), "{failure:?}");
                    assert!(failure.to_string().contains(said), "{failure}");
                }
            }
        }
    }

    #[test]
    fn what_is_adopted_only_grows() {
        let skew = Skew::default();
        for (at, now, behind) in [(0, 0, 0), (200, 50, 150), (100, 50, 150), (50, 200, 150)] {
            skew.adopt(ms(at), ms(now)).unwrap();
            assert_eq!(skew.behind(), Duration::from_millis(behind));
        }
        let failure = skew.adopt(ms(3_600_000), ms(0)).unwrap_err();
        assert!(failure.to_string().contains("3600 s ahead"), "{failure}");
        assert_eq!(skew.behind(), Duration::from_millis(150));
    }
}
