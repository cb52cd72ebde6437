//! What a crawl saw at a page's URL, and for how long a page has been absent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::task::{Outcome, Skip, UrlKey};
use crate::time::Moment;

/// Number of crawls in a row that must miss a page before it leaves the index.
const MISSED: u32 = 2;
/// Number of crawls in a row in which a page must redirect temporarily before it counts as missing.
const TEMPORARY: u32 = 5;
/// Minimum time between the first and the last crawl that saw a page disallowed by robots.txt.
const DISALLOWED: Duration = Duration::from_secs(3600);
/// Minimum time between the first and the last crawl that was refused a page.
const REFUSED: Duration = Duration::from_secs(24 * 3600);

/// What a crawl saw at a URL, as far as it matters for the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A page.
    Answered,
    /// The page is gone for good (410).
    Gone,
    /// There is no page: 404, another type, too large, a redirect out of the site or in a loop.
    Missing,
    /// The page has moved for good (301, 308).
    Moved(UrlKey),
    /// The page is elsewhere for the moment (302, 303, 307).
    Temporary,
    /// The page asks not to be indexed.
    Noindex,
    /// robots.txt disallows the page.
    Disallowed,
    /// The page is not for everybody (401, 403, 451).
    Refused,
    /// A limit that the user has set leaves the URL out.
    LeftOut,
    /// Nothing about the page: an error of the server, of the network or of the name's lookup.
    Unknown,
}

impl Signal {
    /// Returns the signal of an outcome. `status` is the status of the last answer, if there was
    /// one.
    pub fn of(outcome: &Outcome, status: Option<u16>) -> Self {
        match outcome {
            Outcome::Indexed | Outcome::Unchanged | Outcome::Duplicate { .. } => Signal::Answered,
            Outcome::Redirected { to } if is_permanent(status) => Signal::Moved(UrlKey::of(to)),
            Outcome::Redirected { .. } => Signal::Temporary,
            Outcome::Listed { .. } => Signal::Missing,
            Outcome::Gone { status: 410 } => Signal::Gone,
            Outcome::Gone { .. } => Signal::Missing,
            Outcome::Failed { .. } => match status {
                Some(401 | 403 | 451) => Signal::Refused,
                _ => Signal::Unknown,
            },
            Outcome::Skipped { reason, .. } => match reason {
                Skip::Robots => Signal::Disallowed,
                Skip::Noindex => Signal::Noindex,
                Skip::NotHtml | Skip::TooLarge => Signal::Missing,
                Skip::TooDeep | Skip::LongUrl | Skip::Trap => Signal::LeftOut,
                // The pages that were read before it decide about it, and their order is chance.
                Skip::TrapRepeats | Skip::TrapCombinations | Skip::TrapHosts => Signal::Unknown,
                Skip::LeavesSite | Skip::RedirectLoop if is_permanent(status) => Signal::Missing,
                Skip::LeavesSite | Skip::RedirectLoop => Signal::Temporary,
                Skip::PrivateAddress => Signal::Unknown,
            },
        }
    }

    fn kind(self) -> Option<Kind> {
        match self {
            Signal::Missing | Signal::Moved(_) => Some(Kind::Missing),
            Signal::Temporary => Some(Kind::Temporary),
            Signal::Disallowed => Some(Kind::Disallowed),
            Signal::Refused => Some(Kind::Refused),
            Signal::Answered
            | Signal::Gone
            | Signal::Noindex
            | Signal::LeftOut
            | Signal::Unknown => None,
        }
    }
}

fn is_permanent(status: Option<u16>) -> bool {
    matches!(status, Some(301 | 308))
}

/// The crawls in a row that saw a page absent in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    kind: Kind,
    /// Number of crawls.
    times: u32,
    /// When the first of them saw it, in Unix ms.
    first_ms: u64,
    /// When the last of them saw it, in Unix ms.
    last_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Missing,
    Temporary,
    Disallowed,
    Refused,
}

impl Absence {
    /// Returns the absence after another crawl, which saw a signal. A crawl that learnt nothing
    /// changes nothing.
    pub fn after(before: Option<Absence>, signal: Signal, now: Moment) -> Option<Absence> {
        if signal == Signal::Unknown {
            return before;
        }
        let kind = signal.kind()?;
        let now_ms = now.millis();
        let same = before.filter(|before| before.kind == kind);
        Some(Absence {
            kind,
            times: same.map_or(0, |same| same.times) + 1,
            // A clock that was ahead once must not delay what the site asks for.
            first_ms: same.map_or(now_ms, |same| same.first_ms.min(now_ms)),
            last_ms: now_ms,
        })
    }

    /// Returns the number of the crawls.
    pub fn times(&self) -> u32 {
        self.times
    }

    /// Returns whether the page has been absent for long enough to leave the index, although other
    /// pages link to it.
    pub fn is_over(&self) -> bool {
        let span = Duration::from_millis(self.last_ms.saturating_sub(self.first_ms));
        match self.kind {
            Kind::Missing => self.times >= MISSED,
            Kind::Temporary => self.times >= TEMPORARY,
            Kind::Disallowed => self.times >= 2 && span >= DISALLOWED,
            Kind::Refused => self.times >= 2 && span >= REFUSED,
        }
    }

    /// Returns whether the page leaves the index as soon as no published page links to it.
    pub fn depends_on_links(&self) -> bool {
        self.kind == Kind::Missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    #[test]
    fn an_outcome_and_its_status_give_the_signal() {
        let to = Url::parse("http://a.test/b").unwrap();
        let redirect = || Outcome::Redirected { to: to.clone() };
        let failed = || Outcome::Failed { why: "x".into() };
        let moved = Signal::Moved(UrlKey::of(&to));
        for (outcome, status, signal) in [
            (Outcome::Indexed, Some(200), Signal::Answered),
            (redirect(), Some(301), moved),
            (redirect(), Some(308), moved),
            (redirect(), Some(302), Signal::Temporary),
            (redirect(), Some(303), Signal::Temporary),
            (redirect(), Some(307), Signal::Temporary),
            (Outcome::Gone { status: 410 }, Some(410), Signal::Gone),
            (Outcome::Gone { status: 404 }, Some(404), Signal::Missing),
            (failed(), Some(401), Signal::Refused),
            (failed(), Some(403), Signal::Refused),
            (failed(), Some(451), Signal::Refused),
            (failed(), Some(500), Signal::Unknown),
            (failed(), None, Signal::Unknown),
            (Skip::Noindex.into(), Some(200), Signal::Noindex),
            (Skip::Robots.into(), None, Signal::Disallowed),
            (Skip::NotHtml.into(), Some(200), Signal::Missing),
            (Skip::TooLarge.into(), Some(200), Signal::Missing),
            (Skip::LeavesSite.into(), Some(301), Signal::Missing),
            (Skip::LeavesSite.into(), Some(302), Signal::Temporary),
            (Skip::RedirectLoop.into(), Some(302), Signal::Temporary),
            (Skip::TooDeep.into(), None, Signal::LeftOut),
            (Skip::PrivateAddress.into(), None, Signal::Unknown),
        ] {
            assert_eq!(Signal::of(&outcome, status), signal, "{outcome:?}");
        }
    }

    /// Days on which crawls see a signal, and whether the page may leave the index after each.
    fn check(signal: Signal, hours: &[u64], over: &[bool]) {
        let mut absence = None;
        for (hour, over) in hours.iter().zip(over) {
            let now = Moment::from_millis(1_000_000 + hour * 3_600_000);
            absence = Absence::after(absence, signal, now);
            let said = absence.is_some_and(|it| it.is_over());
            assert_eq!(said, *over, "{signal:?} at {hour}");
        }
    }

    #[test]
    fn a_page_leaves_after_crawls_and_time() {
        check(Signal::Missing, &[0, 0], &[false, true]);
        check(
            Signal::Temporary,
            &[0, 1, 2, 3, 4],
            &[false, false, false, false, true],
        );
        check(Signal::Disallowed, &[0, 0, 1], &[false, false, true]);
        check(
            Signal::Refused,
            &[0, 1, 23, 24],
            &[false, false, false, true],
        );
        check(Signal::Answered, &[0, 24], &[false, false]);
        check(Signal::Unknown, &[0, 24], &[false, false]);
    }

    #[test]
    fn another_answer_begins_the_count_anew_and_none_leaves_it() {
        let now = Moment::from_millis(1);
        let missed = Absence::after(None, Signal::Missing, now);
        assert_eq!(Absence::after(missed, Signal::Unknown, now), missed);
        assert_eq!(Absence::after(missed, Signal::Answered, now), None);
        let refused = Absence::after(missed, Signal::Refused, now);
        let again = Absence::after(refused, Signal::Missing, now);
        assert_eq!(again, missed);
    }

    #[test]
    fn a_clock_that_was_ahead_delays_nothing() {
        let ahead = Absence::after(None, Signal::Refused, Moment::from_millis(u64::MAX / 2));
        let first = Absence::after(ahead, Signal::Refused, Moment::from_millis(0));
        let day = Moment::from_millis(24 * 3_600_000);
        assert!(Absence::after(first, Signal::Refused, day).is_some_and(|it| it.is_over()));
    }
}
