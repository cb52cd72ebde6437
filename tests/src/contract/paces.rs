//! The paces: however many workers lease, no two hold one slot, and none lies within a hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use canter_core::pace::{Grant, Lease, Pace, Rate, Tolerance};
use canter_core::ports::Paces;
use canter_core::time::Moment;

use super::fine;

const NOW: Moment = Moment(1_000_000_000_000);

/// Twenty workers lease at once: all slots are apart by the spacing.
pub async fn leases_never_overlap<P: Paces + 'static>(paces: Arc<P>) {
    let pace = pace(100.0);
    let workers = (0..20).map(|_| {
        let paces = Arc::clone(&paces);
        tokio::spawn(async move {
            let mut slots = Vec::new();
            for count in [1, 2, 3] {
                if let Grant::Take { lease, .. } =
                    fine(paces.lease("a.test", NOW, pace, count).await)
                {
                    slots.extend(times(lease, NOW));
                }
            }
            slots
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    all.sort_unstable();
    assert!(all.len() > 50, "{}", all.len());
    for two in all.windows(2) {
        assert!(two[1] - two[0] >= pace.spacing.as_nanos() as u64, "{two:?}");
    }
}

/// Slots begin now when the domain was idle, and no slot lies in the past.
pub async fn an_idle_domain_starts_now<P: Paces>(paces: &P) {
    assert_eq!(times(take(paces, "a.test", NOW, 2).await, NOW)[0], NOW.0);
    let later = NOW + Duration::from_secs(60);
    assert_eq!(
        times(take(paces, "a.test", later, 1).await, later)[0],
        later.0
    );
}

/// Domains do not share slots.
pub async fn domains_are_apart<P: Paces>(paces: &P) {
    take(paces, "a.test", NOW, 5).await;
    assert_eq!(times(take(paces, "b.test", NOW, 1).await, NOW), [NOW.0]);
}

/// A hold lets no slot lie before its end, for whoever asks; a shorter one changes nothing.
pub async fn a_hold_is_kept<P: Paces>(paces: &P) {
    let until = NOW + Duration::from_secs(30);
    fine(paces.hold("a.test", until).await);
    fine(paces.hold("a.test", NOW).await);
    for at in [
        NOW,
        NOW + Duration::from_secs(10),
        NOW + Duration::from_millis(29_999),
    ] {
        match fine(paces.lease("a.test", at, pace(10.0), 3).await) {
            Grant::Wait(wait) => assert!(wait <= at.until(until) && !wait.is_zero(), "{wait:?}"),
            Grant::Take { lease, .. } => assert!(times(lease, at)[0] >= until.0),
        }
    }
    let after = until + Duration::from_secs(10);
    assert_eq!(
        times(take(paces, "a.test", after, 1).await, after),
        [after.0]
    );
}

/// A hold of an unheard-of length is kept like another, and is no error.
pub async fn a_hold_without_end_is_no_error<P: Paces>(paces: &P) {
    fine(paces.hold("a.test", Moment(u64::MAX)).await);
    let grant = fine(paces.lease("a.test", NOW, pace(10.0), 1).await);
    assert!(matches!(grant, Grant::Wait(_)), "{grant:?}");
}

/// Every slot of many leases in a row is another.
pub async fn no_slot_is_given_twice<P: Paces>(paces: &P) {
    let mut seen = BTreeSet::new();
    for round in 0..50 {
        let now = NOW + Duration::from_millis(100) * round;
        if let Grant::Take { lease, .. } = fine(paces.lease("a.test", now, pace(10.0), 3).await) {
            for slot in times(lease, now) {
                assert!(seen.insert(slot), "{slot} was given twice");
            }
        }
    }
}

fn pace(rate: f64) -> Pace {
    Pace::new(Rate::new(rate).unwrap(), Tolerance::ALONE)
}

async fn take<P: Paces>(paces: &P, domain: &str, now: Moment, count: u32) -> Lease {
    match fine(paces.lease(domain, now, pace(10.0), count).await) {
        Grant::Take { lease, .. } => lease,
        Grant::Wait(wait) => panic!("nobody is ahead, yet it is a wait of {wait:?}"),
    }
}

/// The times of a lease's slots.
fn times(mut lease: Lease, now: Moment) -> Vec<u64> {
    std::iter::from_fn(|| lease.take(now))
        .map(|slot| slot.at.0)
        .collect()
}
