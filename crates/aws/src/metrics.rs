//! Measurements in lines of a function's log, of which CloudWatch makes metrics: the embedded metric
//! format (CloudWatch user guide, "Specification: Embedded metric format"). A line is no request, so
//! that measuring takes no time of a function.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use canter_core::time::Moment;
use serde_json::{Value, json};

/// The unit of a metric. CloudWatch user guide, API reference, "MetricDatum" has their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A number of things in a second.
    CountPerSecond,
    /// A time.
    Milliseconds,
    /// A longer time.
    Seconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::CountPerSecond => "Count/Second",
            Unit::Milliseconds => "Milliseconds",
            Unit::Seconds => "Seconds",
        }
    }
}

/// The metrics of a stack.
pub struct Metrics {
    namespace: String,
    log: Mutex<Box<dyn Write + Send>>,
}

impl Metrics {
    /// Metrics in a namespace of CloudWatch, written to the log of a function.
    pub fn new(namespace: String, log: impl Write + Send + 'static) -> Self {
        Metrics {
            namespace,
            log: Mutex::new(Box::new(log)),
        }
    }

    /// Writes values with their names and units, which are of a site, or of the whole stack. Each
    /// pair of a name and a site is a metric that is paid for in the hours in which it has values.
    pub fn write(&self, at: Moment, site: Option<&str>, values: &[(&str, Unit, f64)]) {
        let metrics = values
            .iter()
            .map(|(name, unit, _)| json!({"Name": name, "Unit": unit.name()}));
        let mut line = json!({
            "_aws": {
                "Timestamp": at.millis(),
                "CloudWatchMetrics": [{
                    "Namespace": self.namespace,
                    "Dimensions": [site.iter().map(|_| "Site").collect::<Vec<_>>()],
                    "Metrics": metrics.collect::<Vec<_>>(),
                }],
            },
        });
        if let Some(site) = site {
            line["Site"] = site.into();
        }
        for (name, _, value) in values {
            line[name] = Value::from(*value);
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // Where a log cannot be written, nobody can be told.
        let _ = writeln!(log, "{line}").and_then(|()| log.flush());
    }
}

#[cfg(test)]
mod tests {
    use canter_tests::Lines;

    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let log = Lines::default();
        let metrics = Metrics::new("canter/docs".to_owned(), log.clone());
        let at = Moment::from_millis(1_767_225_600_000);
        let values = [
            ("Pages", Unit::Count, 3.0),
            ("RateLimit", Unit::CountPerSecond, 0.5),
        ];
        metrics.write(at, Some("docs.example.org/3"), &values);
        metrics.write(at, None, &[("QueueAge", Unit::Seconds, 1.5)]);
        let directive = |dimensions: Value, metrics: Value| {
            json!({
                "Timestamp": 1_767_225_600_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "canter/docs",
                    "Dimensions": dimensions,
                    "Metrics": metrics,
                }],
            })
        };
        let names = json!([
            {"Name": "Pages", "Unit": "Count"},
            {"Name": "RateLimit", "Unit": "Count/Second"},
        ]);
        let expected = [
            json!({
                "_aws": directive(json!([["Site"]]), names),
                "Site": "docs.example.org/3",
                "Pages": 3.0,
                "RateLimit": 0.5,
            }),
            json!({
                "_aws": directive(json!([[]]), json!([{"Name": "QueueAge", "Unit": "Seconds"}])),
                "QueueAge": 1.5,
            }),
        ];
        assert_eq!(log.take(), expected);
    }
}
