//! A plot of a rate over time.
//!
//! The drawing is stretched to the width of the page. Its labels stand beside it, so that they keep
//! their size on a phone.

use std::fmt::Write;
use std::time::Duration;

use canter_http::{Starts, Stretch};
use maud::{Markup, html};

use super::words::span;

/// Maximum number of steps: more could not be told apart.
const STEPS: usize = 240;
/// Minimum length of a step: within a fraction of a second, starts may lie closer together than the
/// rate suggests.
const SHORTEST: Duration = Duration::from_secs(1);
/// Width and height of the drawing, in its own units.
const SIZE: (f64, f64) = (1000.0, 200.0);
/// Height of the drawing relative to its highest value.
const HEADROOM: f64 = 1.12;

/// A rate over time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    /// Length of a step.
    pub(super) step: Duration,
    /// For each step: the mean of starts per second, and the maximum in any second.
    values: Vec<(f64, f64)>,
    limit: Option<f64>,
}

impl Plot {
    /// None if nothing started.
    pub(super) fn of(starts: &Starts, limit: Option<f64>) -> Option<Self> {
        let count = starts.stretches.len();
        if count == 0 {
            return None;
        }
        let second = SHORTEST.as_secs_f64() / starts.width.as_secs_f64();
        let joined = count.div_ceil(STEPS).max(second.ceil() as usize);
        let step = starts.width * u32::try_from(joined).ok()?;
        let value = |parts: &[Stretch]| {
            let sum = Stretch::of(parts);
            // The last step counts in full, so that a few starts at the end do not look like a
            // burst.
            let mean = f64::from(sum.count) / step.as_secs_f64();
            (mean, f64::from(sum.peak))
        };
        let values = starts.stretches.chunks(joined).map(value).collect();
        Some(Plot {
            step,
            values,
            limit,
        })
    }

    fn top(&self) -> f64 {
        let values = self.values.iter().flat_map(|&(mean, peak)| [mean, peak]);
        let highest = values.chain(self.limit).fold(1.0, f64::max);
        highest * HEADROOM
    }

    /// Values that are marked at the side: the limit if it is high enough, else a round number.
    fn marks(&self) -> Vec<f64> {
        let limit = self.limit.filter(|limit| *limit > self.top() / 4.0);
        let highest = limit.unwrap_or_else(|| {
            let highest = self.top() / HEADROOM;
            let magnitude = 10f64.powf(highest.log10().floor());
            let steps = [5.0, 2.0, 1.0].map(|step| step * magnitude);
            let below = steps.into_iter().find(|step| *step <= highest);
            below.unwrap_or(highest)
        });
        vec![0.0, highest / 2.0, highest]
    }

    pub(super) fn drawing(&self) -> Markup {
        let (width, height) = SIZE;
        let top = self.top();
        let y = |value: f64| height * (1.0 - value / top);
        let mean = self.steps(|&(mean, _)| y(mean));
        let most = self.steps(|&(_, peak)| y(peak));
        let whole = self.step * u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let peaks = self.values.iter().map(|&(_, peak)| peak);
        let label = format!(
            "Over {}: at most {} requests in any second",
            span(whole),
            peaks.fold(0.0, f64::max)
        );
        html! {
            div.drawing {
                div.side aria-hidden="true" {
                    @for mark in self.marks() {
                        span style={ "bottom:" (format!("{:.2}", 100.0 * mark / top)) "%" } { (mark) }
                    }
                }
                svg viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none" role="img" aria-label=(label) {
                    @for mark in self.marks() {
                        line.grid x1="0" x2=(width) y1=(y(mark)) y2=(y(mark)) {}
                    }
                    path.mean d={ "M0 " (height) (mean) "L" (width) " " (height) "Z" } {}
                    path.most d={ "M" (most.trim_start_matches('L')) } {}
                    @if let Some(limit) = self.limit {
                        line.limit x1="0" x2=(width) y1=(y(limit)) y2=(y(limit)) {}
                    }
                }
                div.below aria-hidden="true" {
                    @for quarter in 0..5 {
                        span { (if quarter == 0 { "0".to_owned() } else { span(whole * quarter / 4) }) }
                    }
                }
            }
        }
    }

    /// A line through all steps, from left to right.
    fn steps(&self, y: impl Fn(&(f64, f64)) -> f64) -> String {
        let (width, _) = SIZE;
        let each = width / self.values.len() as f64;
        let mut path = String::new();
        for (place, value) in (0u32..).zip(&self.values) {
            let (from, to) = (each * f64::from(place), each * f64::from(place + 1));
            let y = y(value);
            // Writing to a string cannot fail.
            let _ = write!(path, "L{from:.1} {y:.1}L{to:.1} {y:.1}");
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width_ms: u64, stretches: &[(u32, u32)], expect: Option<(u64, &[(f64, f64)])>) {
        let stretches = stretches
            .iter()
            .map(|&(count, peak)| Stretch { count, peak });
        let starts = Starts {
            width: Duration::from_millis(width_ms),
            stretches: stretches.collect(),
            ..Starts::default()
        };
        let plot = Plot::of(&starts, None);
        let found = plot.map(|plot| (plot.step.as_millis() as u64, plot.values));
        assert_eq!(found, expect.map(|(step, values)| (step, values.to_vec())));
    }

    #[test]
    fn nothing_started() {
        check(250, &[], None);
    }

    #[test]
    fn steps_last_a_second_or_more() {
        check(250, &[(2, 2), (3, 5)], Some((1000, &[(5.0, 5.0)])));
        let mut stretches = vec![(2, 8); 16];
        stretches.push((1, 9));
        let expect = [(8.0, 8.0), (8.0, 8.0), (8.0, 8.0), (8.0, 8.0), (1.0, 9.0)];
        check(250, &stretches, Some((1000, &expect)));
        check(
            2000,
            &[(4, 3), (8, 5)],
            Some((2000, &[(2.0, 3.0), (4.0, 5.0)])),
        );
    }

    #[test]
    fn a_long_crawl_has_no_more_steps_than_are_seen() {
        let starts = Starts {
            width: Duration::from_secs(64),
            stretches: vec![
                Stretch {
                    count: 640,
                    peak: 10
                };
                600
            ],
            ..Starts::default()
        };
        let plot = Plot::of(&starts, Some(10.0)).unwrap();
        assert!(plot.values.len() <= STEPS && plot.values.iter().all(|it| *it == (10.0, 10.0)));
    }
}
