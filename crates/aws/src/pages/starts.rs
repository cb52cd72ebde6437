//! When the requests of a crawl started, as its rows tell.

use canter_core::failure::Failure;

use super::pass::OF_CRAWL;
use super::{CloudSite, row};
use crate::item::number_of;

/// A sliding second, in milliseconds.
const SECOND: u64 = 1_000;

impl CloudSite {
    /// The largest number of requests that started in any sliding second, by the start of each
    /// row's last request, which is as exact as the workers' clocks: requests for robots.txt and
    /// those that were made again are not among them. A pass; in memory is a number a row.
    pub async fn peak(&self) -> Result<u64, Failure> {
        let mut starts = Vec::new();
        let mut pass = self.pass("#f", OF_CRAWL);
        while let Some(rows) = pass.next().await? {
            // One that is as old as the last crawl has not been asked for in this one.
            let times = rows.iter().filter_map(|row| number_of(row, row::FETCHED));
            starts.extend(times.filter(|at| *at >= self.crawl));
        }
        starts.sort_unstable();
        Ok(most_in_a_second(&starts))
    }
}

/// Of times in order, in milliseconds.
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
