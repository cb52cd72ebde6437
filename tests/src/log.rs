//! What a site saw.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When its head was read to the end, since the site's start.
    pub at: Duration,
    /// Path and query.
    pub path: String,
    /// In order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Number of its connection, from 0.
    pub connection: usize,
    /// How often the path was asked for before.
    pub nth: usize,
}

impl Visit {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Everything that a site saw.
#[derive(Debug)]
pub struct Log {
    began: Instant,
    visits: Mutex<Visits>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    stalls: AtomicUsize,
}

/// The requests, and how many there were for each path.
#[derive(Debug, Default)]
struct Visits {
    all: Vec<Visit>,
    of: HashMap<String, usize>,
}

/// A thread that wakes later than this was kept from running by the machine.
const STALL: Duration = Duration::from_millis(8);

impl Log {
    pub(crate) fn new() -> Self {
        Log {
            began: Instant::now(),
            visits: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            stalls: AtomicUsize::new(0),
        }
    }

    /// Watches, until `ended`, for times in which the machine let nobody run: what arrived then was
    /// seen later than it came.
    pub(crate) fn watch_for_stalls(&self, ended: &AtomicBool) {
        let nap = Duration::from_millis(1);
        while !ended.load(Ordering::SeqCst) {
            let slept = Instant::now();
            std::thread::sleep(nap);
            if slept.elapsed() > nap + STALL {
                self.stalls.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// How often the machine stalled while the site was visited.
    pub fn stalls(&self) -> usize {
        self.stalls.load(Ordering::SeqCst)
    }

    /// Notes a connection; gives its number.
    pub(crate) fn opened(&self) -> usize {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        self.accepted.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// Notes a request whose head is complete at this instant.
    pub(crate) fn arrived(
        &self,
        path: &str,
        headers: Vec<(String, String)>,
        connection: usize,
    ) -> Visit {
        // The time first: the lock may be held for a moment.
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

    /// All requests, in the order of their arrival.
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

    /// How often each path was asked for; robots.txt is not among them.
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

    /// How many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The most connections that were open at one time.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    /// The largest number of requests that arrived in any sliding second.
    pub fn most_in_a_second(&self) -> usize {
        let times: Vec<Duration> = self.all().iter().map(|visit| visit.at).collect();
        most_in_a_second(&times)
    }

    fn visits(&self) -> MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The largest number of times in any sliding second; they are in ascending order. Those that are a
/// whole second apart are in different seconds.
pub fn most_in_a_second(times: &[Duration]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in times.iter().enumerate() {
        while *at - times[first] >= Duration::from_secs(1) {
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
    fn visits_of_a_path_are_counted_until_they_are_forgotten() {
        let log = Log::new();
        let nth = |path| log.arrived(path, Vec::new(), 0).nth;
        assert_eq!([nth("/a"), nth("/b"), nth("/a")], [0, 0, 1]);
        log.clear();
        assert_eq!(nth("/a"), 0);
    }
}
