//! Response times.

use maud::{Markup, html};

use super::words::{millis, number};

/// Upper bounds of the histogram's bins, in milliseconds. A last bin holds the rest.
const BINS: [u64; 14] = [
    2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000,
];

/// `times` holds milliseconds in ascending order, each with its number of answers.
pub(super) fn section(times: &[(u64, u64)]) -> Markup {
    let figures = [
        ("median", quantile(times, 0.5)),
        ("90 % within", quantile(times, 0.9)),
        ("99 % within", quantile(times, 0.99)),
        ("longest", quantile(times, 1.0)),
    ];
    let bins = bins(times);
    let highest = bins.iter().map(|(_, count)| *count).max().unwrap_or(1);
    html! {
        dl.tiles.small {
            @for (name, time) in figures { div { dt { (name) } dd { (millis(time)) } } }
        }
        table.histogram {
            caption { "Answers by time, from the request's start to the last byte" }
            tbody {
                @for (name, count) in bins {
                    tr {
                        th scope="row" { (name) }
                        td.number { (number(count)) }
                        td.length {
                            span style={ "width:" (format!("{:.1}", 100.0 * count as f64 / highest as f64)) "%" } {}
                        }
                    }
                }
            }
        }
    }
}

/// The time within which this share of the answers came; zero without answers.
fn quantile(times: &[(u64, u64)], share: f64) -> u64 {
    let whole: u64 = times.iter().map(|(_, count)| count).sum();
    let wanted = (whole as f64 * share).ceil().max(1.0) as u64;
    let mut passed = 0;
    let at = times.iter().find(|(_, count)| {
        passed += count;
        passed >= wanted
    });
    at.map_or(0, |(time, _)| *time)
}

/// The histogram, from the first to the last bin that is not empty.
fn bins(times: &[(u64, u64)]) -> Vec<(String, u64)> {
    let mut counts = [0; BINS.len() + 1];
    for (time, count) in times {
        let bin = BINS.iter().position(|end| time <= end);
        counts[bin.unwrap_or(BINS.len())] += count;
    }
    let first = counts.iter().position(|count| *count > 0).unwrap_or(0);
    let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
    let name = |bin: usize| match BINS.get(bin) {
        Some(end) => format!("to {}", round(*end)),
        None => "longer".to_owned(),
    };
    (first..=last).map(|bin| (name(bin), counts[bin])).collect()
}

fn round(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        _ => format!("{} s", ms / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_met() {
        let times = [(1, 50), (2, 40), (30, 9), (900, 1)];
        for (share, expect) in [(0.5, 1), (0.9, 2), (0.99, 30), (1.0, 900)] {
            assert_eq!(quantile(&times, share), expect, "{share}");
        }
        assert_eq!(quantile(&[(7, 1)], 0.5), 7);
        assert_eq!(quantile(&[], 0.5), 0);
    }

    #[test]
    fn bins_begin_and_end_with_what_there_was() {
        let found = bins(&[(3, 1), (5, 2), (11, 4), (60_000, 8)]);
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..3], ["to 5 ms", "to 10 ms", "to 20 ms"]);
        assert_eq!(names.last(), Some(&"longer"));
        assert_eq!((found[0].1, found[1].1, found[2].1), (3, 0, 4));
        assert_eq!(found.last().unwrap().1, 8);
    }
}
