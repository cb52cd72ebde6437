//! The paces are held to their contract on the real DynamoDB of a running stack, and to what only
//! many workers need.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;
use canter_aws::{Cloud, CloudPaces};
use canter_core::failure::Failure;
use canter_core::pace::{Grant, Lease, Pace, Rate, Tolerance};
use canter_core::ports::{FetchError, Gate, Paces};
use canter_core::time::Moment;
use canter_http::{Clock, PacedGate};
use canter_tests::contract::paces;
use canter_tests::faults::{Faults, Turn};
use canter_tests::stack::Stack;

use crate::world::{Tables, endpoints};

const NOW: Moment = Moment(1_000_000_000_000);

async fn store() -> (CloudPaces, Tables) {
    let tables = Tables::create().await;
    (CloudPaces::unchecked(tables.cloud.clone()), tables)
}

macro_rules! held_to {
    ($($name:ident)+) => {
        $(#[tokio::test] #[ignore = "needs the servers of make test"] async fn $name() {
            let (store, _tables) = store().await;
            paces::$name(&store).await;
        })+
    };
    (shared: $($name:ident)+) => {
        $(#[tokio::test(flavor = "multi_thread")] #[ignore = "needs the servers of make test"] async fn $name() {
            let (store, _tables) = store().await;
            paces::$name(Arc::new(store)).await;
        })+
    };
}

held_to! {
    an_idle_domain_starts_now
    domains_are_apart
    a_hold_is_kept
    a_hold_without_end_is_no_error
    no_slot_is_given_twice
    another_pace_keeps_its_own_distance
}

held_to! { shared:
    leases_never_overlap
    leases_are_apart_while_time_goes_on
    a_hold_among_leases_is_kept
}

fn pace(rate: f64) -> Pace {
    Pace::new(Rate::new(rate).unwrap(), Tolerance::SHARED)
}

/// The wall clock's time.
fn now() -> Moment {
    Moment(0) + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn first(mut lease: Lease, now: Moment) -> Moment {
    lease.peek(now).unwrap().at
}

async fn take(paces: &CloudPaces, now: Moment, pace: Pace, count: u32) -> Lease {
    match paces.lease("a.test", now, pace, count).await.unwrap() {
        Grant::Take { lease, .. } => lease,
        Grant::Wait(wait) => panic!("it is a wait of {wait:?}"),
    }
}

/// Twenty processes that know nothing of each other, each with its own connection.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of make test"]
async fn twenty_processes_get_slots_apart() {
    let tables = Tables::create().await;
    let pace = pace(100.0);
    let workers = (0..20).map(|_| {
        let names = tables.names().clone();
        tokio::spawn(async move {
            let cloud = Cloud::connect_local(names, endpoints()).await;
            let paces = CloudPaces::unchecked(cloud);
            let mut slots = Vec::new();
            for _ in 0..5 {
                let grant = paces.lease("a.test", NOW, pace, 2).await.unwrap();
                if let Grant::Take { mut lease, .. } = grant {
                    slots.extend(std::iter::from_fn(|| lease.take(NOW)).map(|slot| slot.at.0));
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
    assert!(all.len() >= 80, "{}", all.len());
    for two in all.windows(2) {
        assert!(two[1] - two[0] >= pace.spacing.as_nanos() as u64, "{two:?}");
    }
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_lease_is_one_write_as_a_rule() {
    let (store, tables) = store().await;
    let pace = pace(10.0);
    let mut now = NOW;
    for _ in 0..10 {
        take(&store, now, pace, 9).await;
        now = now + pace.spacing * 9;
    }
    let lines = tables.cloud.meter.lines();
    let sent = |operation: &str| {
        let line = lines.get(&("DynamoDB".to_owned(), operation.to_owned()));
        line.map_or(0, |line| line.sent as u64)
    };
    assert_eq!((sent("UpdateItem"), sent("GetItem")), (10, 0), "{lines:?}");
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn the_slower_pace_wins_for_a_minute() {
    let (store, tables) = store().await;
    let other = CloudPaces::unchecked(tables.cloud.clone());
    let (fast, slow) = (pace(10.0), pace(0.5));
    let last = first(take(&store, NOW, slow, 1).await, NOW);
    // Nobody but the first worker knows of the slower pace.
    let later = NOW + Duration::from_secs(3);
    let lease = take(&other, later, fast, 1).await;
    assert_eq!(first(lease, later), later.max(last + slow.spacing));
    match other.lease("a.test", later, fast, 1).await.unwrap() {
        Grant::Wait(wait) => assert!(wait > Duration::from_millis(500), "{wait:?}"),
        Grant::Take { lease, .. } => panic!("{lease:?} comes too early"),
    }
    let forgotten = NOW + Duration::from_secs(61);
    take(&other, forgotten, fast, 1).await;
    let lease = take(&store, forgotten, fast, 1).await;
    assert_eq!(first(lease, forgotten), forgotten + fast.spacing);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn promises_lie_one_after_the_other() {
    let (store, _tables) = store().await;
    let pace = pace(10.0);
    take(&store, NOW, pace, 9).await;
    let share = pace.spacing * 5;
    for begins in [
        pace.spacing * 9,
        pace.spacing * 9 + share,
        pace.spacing * 9 + share * 2,
    ] {
        assert_eq!(store.promise("a.test", NOW, pace, 5).await, Ok(begins));
    }
    // Promises that have passed count no more; a hold does.
    let later = NOW + Duration::from_secs(60);
    let promised = store.promise("a.test", later, pace, 5).await;
    assert_eq!(promised, Ok(Duration::ZERO));
    store
        .hold("a.test", later + Duration::from_secs(9))
        .await
        .unwrap();
    let promised = store.promise("a.test", later, pace, 5).await;
    assert_eq!(promised, Ok(Duration::from_secs(9)));
}

/// A write that had succeeded and whose answer was lost is sent again: its slots are lost, and
/// nobody gets any of them.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn slots_of_a_write_without_an_answer_are_lost() {
    let (store, tables) = store().await;
    let proxy = Faults::before(&Stack::find().dynamodb_endpoint);
    let unlucky = CloudPaces::unchecked(tables.through(proxy.url().to_string()).await);
    let pace = pace(10.0);
    take(&unlucky, NOW, pace, 1).await;
    let lost = AtomicBool::new(false);
    proxy.rule(move |_| match lost.swap(true, Ordering::SeqCst) {
        false => Turn::CutAfter,
        true => Turn::Pass,
    });
    let lease = take(&unlucky, NOW, pace, 2).await;
    let lost = pace.spacing * 2;
    assert_eq!(first(lease, NOW), NOW + pace.spacing + lost);
    let next = first(take(&store, NOW, pace, 1).await, NOW);
    assert_eq!(next, NOW + pace.spacing * 3 + lost);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_clock_that_is_an_hour_off_gets_no_slot_and_writes_nothing() {
    let tables = Tables::create().await;
    let hour = Duration::from_secs(3600);
    for (wrong, said) in [
        (now() + hour, "ahead of DynamoDB's"),
        (now() - hour, "behind DynamoDB's"),
    ] {
        let paces = CloudPaces::new(tables.cloud.clone());
        let refused = [
            paces.lease("a.test", wrong, pace(10.0), 1).await.map(drop),
            paces
                .promise("a.test", wrong, pace(10.0), 1)
                .await
                .map(drop),
        ];
        for refused in refused {
            let Err(Failure::Permanent(why)) = refused else {
                panic!("{refused:?}");
            };
            assert!(why.contains(said) && why.contains("s "), "{why}");
        }
    }
    let paces = CloudPaces::new(tables.cloud.clone());
    assert_eq!(paces.held("a.test").await, Ok(None));
    let now = now();
    assert_eq!(first(take(&paces, now, pace(10.0), 1).await, now), now);
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_gate_with_a_wrong_clock_stays_shut_and_says_why() {
    let tables = Tables::create().await;
    let clock = Clock::showing(now() + Duration::from_secs(3600));
    let paces = Arc::new(CloudPaces::new(tables.cloud.clone()));
    let tolerance = Tolerance::SHARED;
    let gate = PacedGate::new(paces, "a.test", Some(pace(10.0)), tolerance, clock);
    let why = async {
        while gate.trouble().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        gate.trouble()
    };
    let trouble = tokio::select! {
        opened = gate.slot() => panic!("{opened:?}"),
        why = why => why,
    };
    assert!(
        matches!(&trouble, Some(Failure::Permanent(why)) if why.contains("clock")),
        "{trouble:?}"
    );
}

/// A gate leases no more slots than its requests can use.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_gate_leases_what_is_wanted() {
    let tables = Tables::create().await;
    let paces = Arc::new(Counted {
        paces: CloudPaces::new(tables.cloud.clone()),
        counts: Mutex::default(),
    });
    let (tolerance, clock) = (Tolerance::SHARED, Clock::start());
    let asked = Arc::clone(&paces);
    let gate = PacedGate::new(paces, "a.test", Some(pace(10.0)), tolerance, clock);
    gate.expect(1);
    let approach = gate.near(Duration::ZERO).await.unwrap();
    gate.slot().await.unwrap();
    drop(approach);
    // One request waits and one is to come. Both are asked for again if the store was too slow.
    let counts = asked.counts.lock().unwrap().clone();
    assert_eq!(counts.first(), Some(&2), "{counts:?}");
    assert!(counts.iter().all(|count| *count <= 2), "{counts:?}");
}

/// The paces of the cloud, and how many slots were asked for each time.
struct Counted {
    paces: CloudPaces,
    counts: Mutex<Vec<u32>>,
}

impl Paces for Counted {
    async fn lease(
        &self,
        domain: &str,
        now: Moment,
        pace: Pace,
        count: u32,
    ) -> Result<Grant, Failure> {
        self.counts.lock().unwrap().push(count);
        self.paces.lease(domain, now, pace, count).await
    }

    async fn hold(&self, domain: &str, until: Moment) -> Result<(), Failure> {
        self.paces.hold(domain, until).await
    }

    async fn held(&self, domain: &str) -> Result<Option<Moment>, Failure> {
        self.paces.held(domain).await
    }
}

/// When time is up, the leased slots are used, and none after them.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_gate_that_finishes_uses_what_is_leased() {
    for _ in 0..20 {
        if uses_what_is_leased().await {
            return;
        }
        // A slot that comes while the machine stalls is lost: once more.
    }
    panic!("leased slots are lost");
}

/// Whether both slots that a gate has leased when it finishes are used. No slot comes after them.
async fn uses_what_is_leased() -> bool {
    let tables = Tables::create().await;
    // The gate's slots lie behind this one, so that a slow answer of the store costs it none.
    let other = CloudPaces::unchecked(tables.cloud.clone());
    take(&other, now(), pace(10.0), 4).await;
    let gate = gate(&tables);
    gate.expect(2);
    let approach = gate.near(Duration::ZERO).await.unwrap();
    gate.slot().await.unwrap();
    drop(approach);
    let rest = gate.finish();
    assert!(rest < pace(10.0).spacing * 3, "{rest:?}");
    let mut used = 0;
    for _ in 0..2 {
        let Ok(_approach) = gate.near(Duration::ZERO).await else {
            break;
        };
        used += usize::from(gate.slot().await.is_ok());
    }
    let closed = gate.near(Duration::ZERO).await.err();
    assert!(matches!(closed, Some(FetchError::Closed)), "{closed:?}");
    used == 2 && rest > pace(10.0).spacing
}

fn gate(tables: &Tables) -> PacedGate<CloudPaces> {
    let paces = Arc::new(CloudPaces::new(tables.cloud.clone()));
    let clock = Clock::start();
    PacedGate::new(paces, "a.test", Some(pace(10.0)), Tolerance::SHARED, clock)
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_record_of_a_wrong_clock_is_named() {
    let tables = Tables::create().await;
    let wrong = CloudPaces::unchecked(tables.cloud.clone());
    take(&wrong, now() + Duration::from_secs(3600), pace(10.0), 1).await;
    let paces = CloudPaces::new(tables.cloud.clone());
    let refused = paces.lease("a.test", now(), pace(10.0), 1).await;
    let Err(Failure::Permanent(why)) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("another worker's clock"), "{why}");
}

/// A worker that is behind goes by the clock that it read, in terms of its own clock.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_slow_clock_follows() {
    let tables = Tables::create().await;
    let ahead = Duration::from_millis(800);
    let (fast, slow) = (
        CloudPaces::new(tables.cloud.clone()),
        CloudPaces::new(tables.cloud.clone()),
    );
    let pace = pace(10.0);
    take(&fast, now() + ahead, pace, 1).await;
    let asked = now();
    let deadline = asked + Duration::from_secs(4);
    // When the fast one wrote last, and the least time after which the slow one has read that.
    let (mut wrote, mut soonest) = (None::<Moment>, Duration::MAX);
    let mut lease = loop {
        assert!(now() < deadline, "listens without end");
        let grant = slow.lease("a.test", now(), pace, 1).await.unwrap();
        if let Some(wrote) = wrote.take() {
            soonest = soonest.min(wrote.until(now()));
        }
        match grant {
            Grant::Take { lease, .. } => break lease,
            // Now the fast one writes.
            Grant::Wait(wait) => {
                let at = now();
                let grant = fast.lease("a.test", at + ahead, pace, 1).await.unwrap();
                wrote = matches!(grant, Grant::Take { .. }).then_some(at);
                tokio::time::sleep(wait).await;
            }
        }
    };
    let own = lease.take(asked).unwrap().at;
    let stored = stored(&tables, "last").await;
    let behind = own.until(Moment(stored));
    assert!(
        behind <= ahead && ahead - behind <= soonest,
        "{behind:?} instead of {ahead:?}, with a read after {soonest:?}"
    );
}

/// What a slow answer shows was written while it was waited for: the reader is not behind.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_slow_answer_is_no_slow_clock() {
    let tables = Tables::create().await;
    let proxy = Faults::before(&Stack::find().dynamodb_endpoint);
    let late = AtomicBool::new(false);
    proxy.rule(move |_| match late.swap(true, Ordering::SeqCst) {
        false => Turn::Late(Duration::from_millis(300)),
        true => Turn::Pass,
    });
    let working = CloudPaces::new(tables.cloud.clone());
    let paces = CloudPaces::new(tables.through(proxy.url().to_string()).await);
    let mut asked = now();
    let (grant, _) = tokio::join!(paces.lease("a.test", asked, pace(10.0), 1), async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        take(&working, now(), pace(10.0), 1).await
    });
    let mut grant = grant.unwrap();
    let mut lease = loop {
        match grant {
            Grant::Take { lease, .. } => break lease,
            Grant::Wait(wait) => tokio::time::sleep(wait).await,
        }
        asked = now();
        grant = paces.lease("a.test", asked, pace(10.0), 1).await.unwrap();
    };
    let own = lease.take(asked).unwrap().at;
    assert_eq!(own.0, stored(&tables, "last").await);
}

/// Two workers that come while a third has all the slots see each other write, though the third
/// writes no more.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn those_who_listen_hear_each_other() {
    let tables = Tables::create().await;
    let [working, one, other] = [(); 3].map(|()| CloudPaces::new(tables.cloud.clone()));
    take(&working, now(), pace(10.0), 8).await;
    let listens = async |paces: &CloudPaces| {
        let grant = paces.lease("a.test", now(), pace(10.0), 1).await.unwrap();
        matches!(grant, Grant::Wait(_))
    };
    assert!(listens(&one).await);
    assert!(listens(&other).await);
    assert!(!listens(&one).await, "the other one has said its time");
    assert!(!listens(&other).await, "the first one has leased");
}

/// A worker does not listen when all slots of the others are over.
#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn who_comes_after_the_others_does_not_listen() {
    let tables = Tables::create().await;
    let [before, after] = [(); 2].map(|()| CloudPaces::new(tables.cloud.clone()));
    take(&before, now(), pace(50.0), 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    take(&after, now(), pace(50.0), 1).await;
}

#[tokio::test]
#[ignore = "needs the servers of make test"]
async fn a_record_goes_a_day_after_its_use() {
    let (store, tables) = store().await;
    take(&store, NOW, pace(10.0), 1).await;
    let day = 24 * 60 * 60;
    assert_eq!(stored(&tables, "expires").await, NOW.millis() / 1000 + day);
    let until = NOW + Duration::from_secs(7200);
    store.hold("a.test", until).await.unwrap();
    assert_eq!(
        stored(&tables, "expires").await,
        until.millis() / 1000 + day
    );
}

async fn stored(tables: &Tables, attribute: &str) -> u64 {
    let key = AttributeValue::S("pace#a.test".into());
    let read = crate::client::client().get_item();
    let table = &tables.names().state;
    let answer = read.table_name(table).key("key", key).consistent_read(true);
    let answer = answer.send().await.unwrap();
    answer.item().unwrap()[attribute]
        .as_n()
        .unwrap()
        .parse()
        .unwrap()
}
