//! When requests started over a whole crawl, in a record of bounded size.

use std::time::Duration;

use canter_core::time::Moment;

/// Maximum number of stretches of a record.
const MAX_STRETCHES: usize = 600;
/// Length of a stretch in a new record.
const FIRST_WIDTH: Duration = Duration::from_millis(250);

/// Starts of requests, counted by stretches of time. The stretches have the same length and follow
/// each other from the first start on. When there are too many, every two are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starts {
    /// The first start, since the Unix epoch.
    pub began: Moment,
    /// Length of a stretch.
    pub width: Duration,
    /// The stretches in order. There was no start after the last one.
    pub stretches: Vec<Stretch>,
}

/// The starts within one stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Number of requests started.
    pub count: u32,
    /// Maximum number of starts in any sliding second that ended in the stretch.
    pub peak: u32,
}

impl Default for Starts {
    fn default() -> Self {
        Starts {
            began: Moment(0),
            width: FIRST_WIDTH,
            stretches: Vec::new(),
        }
    }
}

impl Starts {
    /// Records a start. `peak` is the number of starts in the second that ends with it. Starts must
    /// be recorded in order.
    pub(crate) fn note(&mut self, at: Moment, peak: u32) {
        if self.stretches.is_empty() {
            self.began = at;
        }
        let mut place = self.place(at);
        while place >= MAX_STRETCHES {
            self.halve();
            place = self.place(at);
        }
        if place >= self.stretches.len() {
            self.stretches.resize(place + 1, Stretch::default());
        }
        self.stretches[place].add(Stretch { count: 1, peak });
    }

    fn place(&self, at: Moment) -> usize {
        let nanos = self.began.until(at).as_nanos() / self.width.as_nanos();
        usize::try_from(nanos).unwrap_or(usize::MAX)
    }

    fn halve(&mut self) {
        self.width *= 2;
        self.stretches = self.stretches.chunks(2).map(Stretch::of).collect();
    }
}

impl Stretch {
    /// Merges several stretches in a row.
    pub fn of(parts: &[Stretch]) -> Self {
        let mut whole = Stretch::default();
        parts.iter().for_each(|part| whole.add(*part));
        whole
    }

    fn add(&mut self, other: Stretch) {
        self.count += other.count;
        self.peak = self.peak.max(other.peak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records starts at these times in milliseconds, each with its peak.
    fn noted(starts: impl IntoIterator<Item = (u64, u32)>) -> Starts {
        let mut record = Starts::default();
        for (at, peak) in starts {
            record.note(Moment::from_millis(1_000_000 + at), peak);
        }
        record
    }

    fn check(starts: impl IntoIterator<Item = (u64, u32)>, width_ms: u64, expect: &[(u32, u32)]) {
        let record = noted(starts);
        assert_eq!(record.width, Duration::from_millis(width_ms));
        let found = record.stretches.iter().map(|part| (part.count, part.peak));
        assert_eq!(found.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn nothing_started() {
        check([], 250, &[]);
    }

    #[test]
    fn a_stretch_keeps_count_and_peak() {
        let starts = [(0, 1), (249, 2), (250, 3), (1000, 4), (1001, 2)];
        check(starts, 250, &[(2, 2), (1, 3), (0, 0), (0, 0), (2, 4)]);
    }

    #[test]
    fn a_long_crawl_keeps_its_bound_and_loses_no_start() {
        let record = noted((0..100_000).map(|n| (n * 100, (n % 7) as u32)));
        let count = record.stretches.len();
        assert!(count <= MAX_STRETCHES && count > MAX_STRETCHES / 2);
        assert_eq!(Stretch::of(&record.stretches).count, 100_000);
        assert_eq!(Stretch::of(&record.stretches).peak, 6);
        let each = record.width.as_millis() as u32 / 100;
        let (last, whole) = record.stretches.split_last().unwrap();
        assert!(last.count <= each && whole.iter().all(|part| part.count == each));
    }

    #[test]
    fn a_long_pause_is_no_memory() {
        let record = noted([(0, 1), (7 * 24 * 3_600_000, 2)]);
        assert!(record.stretches.len() <= MAX_STRETCHES);
        assert_eq!(
            Stretch::of(&record.stretches),
            Stretch { count: 2, peak: 2 }
        );
    }
}
