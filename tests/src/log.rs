//! The requests that a site received.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One request.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When its head had arrived, since the start of the site.
    pub at: Duration,
    /// Path and query.
    pub path: String,
    /// Headers in order, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// Number of its connection, from 0.
    pub connection: usize,
    /// Number of earlier requests for the same path.
    pub nth: usize,
}

impl Visit {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Everything that a site received.
#[derive(Debug)]
pub struct Log {
    began: Instant,
    visits: Mutex<Visits>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    stalls: AtomicUsize,
    /// In microseconds.
    longest_stall: AtomicU64,
}

/// The requests, and their number for each path.
#[derive(Debug, Default)]
struct Visits {
    all: Vec<Visit>,
    of: HashMap<String, usize>,
}

/// Minimum oversleep of a thread that counts as a stall of the machine.
const STALL: Duration = Duration::from_millis(8);

const SECOND: Duration = Duration::from_secs(1);

impl Log {
    pub(crate) fn new() -> Self {
        Log {
            began: Instant::now(),
            visits: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            stalls: AtomicUsize::new(0),
            longest_stall: AtomicU64::new(0),
        }
    }

    /// Watches for stalls until `ended`: times in which the machine did not let threads run. A
    /// request that arrives then is logged late.
    pub(crate) fn watch_for_stalls(&self, ended: &AtomicBool) {
        let nap = Duration::from_millis(1);
        while !ended.load(Ordering::SeqCst) {
            let slept = Instant::now();
            std::thread::sleep(nap);
            let late = slept.elapsed().saturating_sub(nap);
            if late > STALL {
                self.stalls.fetch_add(1, Ordering::SeqCst);
                let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
                self.longest_stall.fetch_max(micros, Ordering::SeqCst);
            }
        }
    }

    /// Number of stalls of the machine since the start of the site.
    pub fn stalls(&self) -> usize {
        self.stalls.load(Ordering::SeqCst)
    }

    /// The longest stall; zero if there was none.
    pub fn longest_stall(&self) -> Duration {
        Duration::from_micros(self.longest_stall.load(Ordering::SeqCst))
    }

    /// Counts a connection and gives its number.
    pub(crate) fn opened(&self) -> usize {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        self.accepted.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// Logs a request whose head is complete now.
    pub(crate) fn arrived(
        &self,
        path: &str,
        headers: Vec<(String, String)>,
        connection: usize,
    ) -> Visit {
        // The time comes first, because the lock may have to wait.
        let at = self.began.elapsed();
        let mut visits = self.visits();
        let seen = visits.of.entry(path.to_owned()).or_default();
        let nth = *seen;
        *seen += 1;
        let visit = Visit {
            at,
            path: path.to_owned(),
            headers,
            connection,
            nth,
        };
        visits.all.push(visit.clone());
        visit
    }

    /// All requests, in order of arrival.
    pub fn all(&self) -> Vec<Visit> {
        let mut visits = self.visits().all.clone();
        visits.sort_by_key(|visit| visit.at);
        visits
    }

    /// The requests for a path.
    pub fn of(&self, path: &str) -> Vec<Visit> {
        let mut visits = self.all();
        visits.retain(|visit| visit.path == path);
        visits
    }

    /// Number of requests for each path other than robots.txt.
    pub fn pages(&self) -> BTreeMap<String, usize> {
        let mut pages = BTreeMap::new();
        for visit in self.all() {
            if visit.path != "/robots.txt" {
                *pages.entry(visit.path).or_default() += 1;
            }
        }
        pages
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        *self.visits() = Visits::default();
    }

    /// Number of accepted connections.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Maximum number of connections that were open at the same time.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    /// Maximum number of requests in any sliding second.
    pub fn most_in_a_second(&self) -> usize {
        self.most_within(SECOND)
    }

    /// Maximum number of requests that surely were in one second. If the machine stalled, some
    /// requests were held up, by the client or by the log, and only those within half a second
    /// count.
    pub fn surely_in_a_second(&self) -> usize {
        self.most_within(if self.stalls() > 0 {
            SECOND / 2
        } else {
            SECOND
        })
    }

    fn most_within(&self, span: Duration) -> usize {
        let times: Vec<Duration> = self.all().iter().map(|visit| visit.at).collect();
        most_within(&times, span)
    }

    fn visits(&self) -> MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Maximum number of times in any sliding second. They must be ascending. Times that are a whole
/// second apart are in different seconds.
pub fn most_in_a_second(times: &[Duration]) -> usize {
    most_within(times, SECOND)
}

fn most_within(times: &[Duration], span: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in times.iter().enumerate() {
        while *at - times[first] >= span {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_second_is_found_wherever_it_begins() {
        for (times_ms, most) in [
            (&[][..], 0),
            (&[0, 900, 950, 1000, 1899, 1900, 2900], 4),
            (&[0, 500, 1000], 2),
            (&[0, 500, 999], 3),
        ] {
            let times: Vec<Duration> = times_ms
                .iter()
                .copied()
                .map(Duration::from_millis)
                .collect();
            assert_eq!(most_in_a_second(&times), most, "{times_ms:?}");
        }
    }

    #[test]
    fn after_a_stall_only_what_is_sure_counts() {
        let log = Log::new();
        let at = |ms| Visit {
            at: Duration::from_millis(ms),
            ..log.arrived("/", Vec::new(), 0)
        };
        let visits = [0, 450, 950].map(at);
        log.visits().all = visits.to_vec();
        assert_eq!(log.surely_in_a_second(), 3);
        log.stalls.store(1, Ordering::SeqCst);
        assert_eq!(log.surely_in_a_second(), 2);
        assert_eq!(log.most_in_a_second(), 3);
    }

    #[test]
    fn visits_of_a_path_are_counted_until_they_are_forgotten() {
        let log = Log::new();
        let nth = |path| log.arrived(path, Vec::new(), 0).nth;
        assert_eq!([nth("/a"), nth("/b"), nth("/a")], [0, 0, 1]);
        log.clear();
        assert_eq!(nth("/a"), 0);
    }
}
