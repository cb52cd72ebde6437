//! The paces: no two workers lease the same slot, however many lease, and no slot lies within a
//! hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use canter_core::pace::{Grant, Lease, Pace, Rate, Tolerance};
use canter_core::ports::Paces;
use canter_core::time::Moment;

use tokio::time::sleep;

use super::fine;

const NOW: Moment = Moment(1_000_000_000_000);

/// Twenty workers lease at once; all slots are at least the spacing apart.
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

/// Twenty workers lease while time goes on. No two slots are closer than the spacing, and all slots
/// but those of the first moments are leased.
pub async fn leases_are_apart_while_time_goes_on<P: Paces + 'static>(paces: Arc<P>) {
    let (pace, lasting) = (pace(50.0), Duration::from_secs(3));
    let began = Instant::now();
    let workers = (0..20).map(|_| {
        let paces = Arc::clone(&paces);
        tokio::spawn(async move {
            let mut slots = Vec::new();
            while began.elapsed() < lasting {
                let now = NOW + began.elapsed();
                match fine(paces.lease("a.test", now, pace, 5).await) {
                    Grant::Wait(wait) => {
                        let rest = lasting.saturating_sub(began.elapsed());
                        sleep(wait.min(rest)).await;
                    }
                    Grant::Take { lease, .. } => slots.extend(times(lease, now)),
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
    for two in all.windows(2) {
        assert!(two[1] - two[0] >= pace.spacing.as_nanos() as u64, "{two:?}");
    }
    let given = all.iter().filter(|&&at| at < (NOW + lasting).0).count();
    let there = lasting.as_secs_f64() / pace.spacing.as_secs_f64();
    assert!(given as f64 >= 0.85 * there, "{given} of {there}");
}

/// A worker with another spacing keeps that spacing from the last slot, whether it is slower or
/// faster.
pub async fn another_pace_keeps_its_own_distance<P: Paces>(paces: &P) {
    let (fast, slow) = (pace(10.0), pace(2.0));
    let mut last = None;
    for (seconds, pace) in [(0, fast), (0, slow), (1, slow), (100, fast), (100, slow)] {
        let now = NOW + Duration::from_secs(seconds);
        let Grant::Take { lease, .. } = fine(paces.lease("a.test", now, pace, 1).await) else {
            panic!("a slot is near");
        };
        let at = Moment(times(lease, now)[0]);
        let earliest = last.map_or(now, |last| now.max(last + pace.spacing));
        assert_eq!(at, earliest);
        last = Some(at);
    }
}

/// When a hold begins among many leases, later leases have no slot before its end.
pub async fn a_hold_among_leases_is_kept<P: Paces + 'static>(paces: Arc<P>) {
    let until = NOW + Duration::from_secs(5);
    let held = Arc::new(AtomicBool::new(false));
    let workers = (0..10).map(|_| {
        let (paces, held) = (Arc::clone(&paces), Arc::clone(&held));
        tokio::spawn(async move {
            for round in 0..20 {
                let now = NOW + Duration::from_millis(10) * round;
                let knew = held.load(Ordering::SeqCst);
                let grant = fine(paces.lease("a.test", now, pace(100.0), 1).await);
                if let (true, Grant::Take { lease, .. }) = (knew, grant) {
                    assert!(times(lease, now)[0] >= until.0, "within the hold");
                }
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    fine(paces.hold("a.test", until).await);
    held.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(fine(paces.held("a.test").await), Some(until));
    let after = until + Duration::from_secs(10);
    assert_eq!(
        times(take(paces.as_ref(), "a.test", after, 1).await, after),
        [after.0]
    );
}

/// Slots begin now if the domain was idle, and no slot lies in the past.
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

/// No slot lies before the end of a hold; a shorter hold changes nothing.
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

/// A hold of absurd length is kept like any other, and is no error.
pub async fn a_hold_without_end_is_no_error<P: Paces>(paces: &P) {
    fine(paces.hold("a.test", Moment(u64::MAX)).await);
    let grant = fine(paces.lease("a.test", NOW, pace(10.0), 1).await);
    assert!(matches!(grant, Grant::Wait(_)), "{grant:?}");
}

/// Many leases in a row share no slot.
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

/// Returns the times of a lease's slots.
fn times(mut lease: Lease, now: Moment) -> Vec<u64> {
    std::iter::from_fn(|| lease.take(now))
        .map(|slot| slot.at.0)
        .collect()
}
