//! The promise of the pace, with simulated workers whose clocks disagree: never more than R starts
//! in any sliding second, and below one request a second at least 1/R between starts.

use std::time::Duration;

use canter_core::pace::{Grant, Lease, Pace, Rate, Timing, Tolerance, Window, grant};
use canter_core::time::Moment;
use proptest::prelude::*;

const EPOCH: u64 = 1_000_000_000_000;

/// One worker: its clock's error, and for each lease the number of slots, how long the worker
/// thinks before it asks, how late within the allowed time it fires, and how long a request is on
/// its way.
#[derive(Debug, Clone)]
struct Worker {
    skew_ns: i64,
    leases: Vec<(u32, u64, f64, u64)>,
}

fn worker(clock_error: Duration) -> impl Strategy<Value = Worker> {
    let e = clock_error.as_nanos() as i64;
    let lease = (1u32..12, 0u64..400_000_000, 0.0..=1.0, 0u64..40_000_000);
    (-e..=e, prop::collection::vec(lease, 1..40))
        .prop_map(|(skew_ns, leases)| Worker { skew_ns, leases })
}

/// Runs all workers against one shared record and returns when the site saw each start, in true
/// nanoseconds. Workers act in the order of their true times, in which a store would serialise
/// them.
fn starts(pace: Pace, workers: &[Worker]) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut next: Option<Moment> = None;
    let mut queue: Vec<(u64, usize, usize)> = (0..workers.len()).map(|w| (EPOCH, w, 0)).collect();
    while let Some(at) = (0..queue.len()).min_by_key(|&i| queue[i]) {
        let (mut now, who, turn) = queue.swap_remove(at);
        let worker = &workers[who];
        let Some(&(count, think, late, transit)) = worker.leases.get(turn) else {
            continue;
        };
        now += think;
        let clock = |true_ns: u64| Moment(true_ns.saturating_add_signed(worker.skew_ns));
        match grant(next, clock(now), pace, count, Duration::from_secs(1)) {
            Grant::Wait(wait) => queue.push((now + wait.as_nanos() as u64 + 1, who, turn)),
            Grant::Take {
                mut lease,
                next: after,
            } => {
                next = Some(after);
                while let Some(slot) = lease.take(clock(now)) {
                    let spare = slot.until.0 - slot.at.0.max(clock(now).0);
                    let fire = slot.at.0.max(clock(now).0) + (spare as f64 * late) as u64;
                    assert_eq!(slot.timing(Moment(fire)), Timing::Fire);
                    now = fire.saturating_add_signed(-worker.skew_ns);
                    seen.push(now + transit);
                }
                queue.push((now, who, turn + 1));
            }
        }
    }
    seen.sort_unstable();
    seen
}

/// Runs one worker on a machine that holds it up now and then. `held_up` has for each start the
/// delay of the scheduler, a number above 95 if that is a hundred times as long, and how long the
/// request is on its way.
fn starts_alone(pace: Pace, held_up: &[(u64, u64, u64)]) -> Vec<u64> {
    let mut now = EPOCH;
    let mut next = None;
    let mut window = Window::default();
    let mut lease: Option<Lease> = None;
    let mut seen = Vec::new();
    for &(delay, bad, transit) in held_up {
        now += delay * if bad > 95 { 100 } else { 1 };
        let slot = loop {
            match lease.as_mut().and_then(|lease| lease.take(Moment(now))) {
                Some(slot) => break slot,
                None => match grant(next, Moment(now), pace, 50, Duration::from_secs(1)) {
                    Grant::Wait(wait) => now += wait.as_nanos() as u64 + 1,
                    Grant::Take {
                        lease: fresh,
                        next: after,
                    } => {
                        lease = Some(fresh);
                        next = Some(after);
                    }
                },
            }
        };
        let start = slot
            .at
            .max(Moment(now))
            .max(window.opens(pace).unwrap_or(Moment(0)));
        if slot.timing(start) == Timing::Fire {
            window.record(start, pace.window);
            seen.push(start.0 + transit);
            now = start.0;
        }
    }
    seen.sort_unstable();
    seen
}

fn most_in_any_second(seen: &[u64]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, &at) in seen.iter().enumerate() {
        while at - seen[first] >= 1_000_000_000 {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}

const MANY: Tolerance = Tolerance::SHARED;

proptest! {
    #[test]
    fn a_worker_alone_never_exceeds_its_rate(
        rate in 0.1f64..1000.0,
        held_up in prop::collection::vec((0u64..3_000_000, 0u64..100, 0u64..29_000_000), 1..800),
    ) {
        let rate = Rate::new(rate).unwrap();
        let seen = starts_alone(Pace::new(rate, Tolerance::ALONE), &held_up);
        prop_assert!(most_in_any_second(&seen) <= rate.per_window() as usize);
        let apart = (1e9 / rate.per_second()) as u64;
        prop_assert!(rate.per_second() > 1.0 || seen.windows(2).all(|pair| pair[1] - pair[0] >= apart));
    }

    #[test]
    fn many_workers_never_exceed_one_rate(
        rate in 1.0f64..200.0,
        workers in prop::collection::vec(worker(MANY.clock_error), 1..20),
    ) {
        let rate = Rate::new(rate).unwrap();
        let seen = starts(Pace::new(rate, MANY), &workers);
        prop_assert!(most_in_any_second(&seen) <= rate.per_window() as usize);
    }

    #[test]
    fn slow_rates_are_spaced(
        rate in 0.05f64..1.0,
        workers in prop::collection::vec(worker(MANY.clock_error), 1..6),
    ) {
        let rate = Rate::new(rate).unwrap();
        let seen = starts(Pace::new(rate, MANY), &workers);
        let apart = (1e9 / rate.per_second()) as u64;
        prop_assert!(seen.windows(2).all(|pair| pair[1] - pair[0] >= apart));
    }
}

/// The spacing is no wider than necessary: a window can hold exactly R starts.
#[test]
fn the_bound_is_tight() {
    let rate = Rate::new(10.0).unwrap();
    let leases = vec![(10, 0, 0.0, 0); 4];
    let seen = starts(Pace::new(rate, MANY), &[Worker { skew_ns: 0, leases }]);
    assert_eq!(most_in_any_second(&seen), 10);
}
