//! When the requests of a crawl started, by its rows.

use canter_core::failure::Failure;

use super::pass::OF_CRAWL;
use super::{CloudSite, row};
use crate::item::number_of;

/// A sliding second, in milliseconds.
const SECOND: u64 = 1_000;

impl CloudSite {
    /// The largest number of requests that started in any sliding second. It counts the last request
    /// of each row, without retries and requests for robots.txt, and is as exact as the workers'
    /// clocks. A pass over the rows, with a number for each in memory.
    ///
    /// # Errors
    ///
    /// The failure of a read.
    pub async fn peak(&self) -> Result<u64, Failure> {
        let mut starts = Vec::new();
        let mut pass = self.pass("#f", OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            // A row that was fetched in the last crawl only is not counted.
            let times = rows.iter().filter_map(|row| number_of(row, row::FETCHED));
            starts.extend(times.filter(|at| *at >= self.crawl));
        }
        starts.sort_unstable();
        Ok(most_in_a_second(&starts))
    }
}

/// The largest number of starts in any sliding second, of sorted times in milliseconds.
fn most_in_a_second(starts: &[u64]) -> u64 {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in starts.iter().enumerate() {
        while starts[first] + SECOND <= *at {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most as u64
}

#[cfg(test)]
mod tests {
    use super::most_in_a_second;

    #[test]
    fn a_second_slides() {
        for (starts, most) in [
            (&[][..], 0),
            (&[5], 1),
            (&[0, 1_000], 1),
            (&[0, 999], 2),
            (&[0, 500, 999, 1_000, 1_400, 1_500, 3_000], 4),
        ] {
            assert_eq!(most_in_a_second(starts), most, "{starts:?}");
        }
    }
}
