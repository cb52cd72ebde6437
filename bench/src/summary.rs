//! Summary of the runs of all crawlers.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::run::Run;

/// One crawler without a rate limit: medians, and ratios to canter.
#[derive(Debug, Serialize)]
pub struct Speed {
    pub tool: String,
    /// Minimum number of pages of a run.
    pub pages: usize,
    /// Maximum number of pages that a run missed and some other run fetched.
    pub missed: usize,
    /// Whether a run took too long and was killed.
    pub cut: bool,
    pub wall_s: Spread,
    pub pages_a_second: f64,
    pub cpu_ms_a_page: f64,
    pub peak_mb: f64,
    pub wall_ratio: f64,
    pub cpu_ratio: f64,
    pub memory_ratio: f64,
}

/// A median with its extremes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub most: f64,
}

impl Spread {
    /// The spread of at least one number.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let count = numbers.len();
        Spread {
            least: numbers[0],
            median: f64::midpoint(numbers[(count - 1) / 2], numbers[count / 2]),
            most: numbers[count - 1],
        }
    }
}

/// One crawler at one rate.
#[derive(Debug, Serialize)]
pub struct Kept {
    pub tool: String,
    /// The requested rate.
    pub rate: f64,
    /// Maximum number of requests in any second of any run: one second breaks a rate.
    pub most_in_a_second: usize,
    /// Whether that is more than requested.
    pub over: bool,
    /// Median share of the rate that was delivered, in percent; none if too few requests arrived.
    pub delivered_percent: Option<f64>,
    /// Median of the maximum time between two requests.
    pub longest_gap_ms: f64,
}

/// Speeds in the order in which the crawlers first ran. Ratios are to the first.
pub fn speeds(runs: &[Run]) -> Vec<Speed> {
    let every: BTreeSet<&String> = runs.iter().flat_map(|run| &run.fetched).collect();
    let mut rows: Vec<Speed> = Vec::new();
    for mine in of_each(runs) {
        let median = |of: fn(&Run) -> f64| Spread::of(mine.iter().map(|run| of(run))).median;
        let pages = mine.iter().map(|run| run.pages).min().unwrap_or(0);
        let wall_s = Spread::of(mine.iter().map(|run| run.usage.wall_s));
        let mut row = Speed {
            tool: mine[0].tool.clone(),
            pages,
            missed: every.len() - pages,
            cut: mine.iter().any(|run| run.usage.cut),
            wall_s,
            pages_a_second: median(|run| run.pages as f64 / run.usage.wall_s),
            cpu_ms_a_page: median(Run::cpu_ms_a_page),
            peak_mb: median(|run| run.usage.peak_bytes as f64 / 1e6),
            wall_ratio: 1.0,
            cpu_ratio: 1.0,
            memory_ratio: 1.0,
        };
        if let Some(first) = rows.first() {
            row.wall_ratio = row.wall_s.median / first.wall_s.median;
            row.cpu_ratio = row.cpu_ms_a_page / first.cpu_ms_a_page;
            row.memory_ratio = row.peak_mb / first.peak_mb;
        }
        rows.push(row);
    }
    rows
}

/// The pace of each crawler at one rate.
pub fn kept(runs: &[Run], rate: f64) -> Vec<Kept> {
    let rows = of_each(runs).into_iter().map(|mine| {
        let most = mine.iter().map(|run| run.most_in_a_second).max();
        let most = most.unwrap_or(0);
        let means: Option<Vec<f64>> = mine.iter().map(|run| run.mean_rps).collect();
        Kept {
            tool: mine[0].tool.clone(),
            rate,
            most_in_a_second: most,
            // Fractional rates are rounded up for a whole second.
            over: most as f64 > rate.ceil(),
            delivered_percent: means.map(|means| 100.0 * Spread::of(means).median / rate),
            longest_gap_ms: Spread::of(mine.iter().map(|run| run.longest_gap_ms)).median,
        }
    });
    rows.collect()
}

/// The runs, grouped by crawler.
fn of_each(runs: &[Run]) -> Vec<Vec<&Run>> {
    let mut all: Vec<Vec<&Run>> = Vec::new();
    for run in runs {
        match all.iter_mut().find(|mine| mine[0].tool == run.tool) {
            Some(mine) => mine.push(run),
            None => all.push(vec![run]),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Usage;

    fn run(tool: &str, wall_s: f64, pages: &[&str]) -> Run {
        Run {
            tool: tool.to_owned(),
            rate: None,
            load: None,
            usage: Usage {
                wall_s,
                cpu_s: wall_s / 2.0,
                peak_bytes: 10_000_000,
                exit: Some(0),
                cut: false,
            },
            requests: pages.len(),
            pages: pages.len(),
            most_in_a_second: pages.len(),
            mean_rps: Some(pages.len() as f64 * 0.9),
            longest_gap_ms: 0.0,
            fetched: pages.iter().map(|&page| page.to_owned()).collect(),
        }
    }

    #[test]
    fn medians() {
        let of = |numbers: &[f64]| Spread::of(numbers.iter().copied()).median;
        assert_eq!(of(&[3.0]), 3.0);
        assert_eq!(of(&[3.0, 1.0, 9.0]), 3.0);
        assert_eq!(of(&[4.0, 1.0, 9.0, 2.0]), 3.0);
    }

    #[test]
    fn ratios_are_of_medians_and_to_the_first() {
        let runs = [
            run("a", 1.0, &["/1", "/2"]),
            run("b", 8.0, &["/1", "/2"]),
            run("a", 3.0, &["/1", "/2"]),
            run("b", 4.0, &["/1", "/2"]),
            run("a", 2.0, &["/1", "/2"]),
        ];
        let rows = speeds(&runs);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].wall_ratio, rows[1].wall_ratio), (1.0, 3.0));
        assert_eq!((rows[0].cpu_ms_a_page, rows[1].cpu_ratio), (500.0, 3.0));
        assert_eq!(rows[0].pages_a_second, 1.0);
    }

    #[test]
    fn a_page_that_only_another_fetched_is_missed() {
        let rows = speeds(&[
            run("a", 1.0, &["/1", "/2"]),
            run("b", 1.0, &["/1", "/2", "/3"]),
            run("b", 1.0, &["/3"]),
        ]);
        assert_eq!((rows[0].pages, rows[0].missed), (2, 1));
        assert_eq!((rows[1].pages, rows[1].missed), (1, 2));
    }

    #[test]
    fn one_second_over_the_rate_is_over() {
        let two = run("a", 1.0, &["/1", "/2"]);
        let three = run("a", 1.0, &["/1", "/2", "/3"]);
        let over = |rate| kept(&[two.clone(), three.clone()], rate)[0].over;
        assert!(over(2.0));
        assert!(!over(3.0));
        assert!(!over(2.5), "a fraction is rounded up");
        let delivered = kept(&[two, three], 2.0)[0].delivered_percent;
        assert_eq!(delivered, Some(112.5));
    }
}
