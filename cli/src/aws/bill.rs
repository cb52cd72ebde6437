//! What a crawl used of AWS, per page.

use std::collections::BTreeMap;

use canter_aws::{Bill, Usage};
use console::style;
use serde_json::{Value, json};

use crate::count::counted;
use crate::when::iso;

/// Usage by service and operation, whoever sent the requests.
type Operations<'a> = BTreeMap<(&'a str, &'a str), Usage>;

/// The bill as JSON. Amounts per page are null if there is no page.
pub fn json(bill: &Bill, pages: u64) -> Value {
    let per_page = |amount: f64| (pages > 0).then(|| amount / pages as f64);
    let operations = operations(bill);
    let total = |service: &str, figure: fn(&Usage) -> f64| {
        let of_service = operations.iter().filter(|((name, _), _)| *name == service);
        per_page(of_service.map(|(_, taken)| figure(taken)).sum())
    };
    let mut requests: BTreeMap<&str, BTreeMap<&str, Option<f64>>> = BTreeMap::new();
    for ((service, operation), taken) in &operations {
        let of_service = requests.entry(service).or_default();
        of_service.insert(operation, per_page(taken.sent));
    }
    let lines = bill.lines.iter().map(|(line, taken)| {
        json!({
            "who": line.who,
            "service": line.service,
            "operation": line.operation,
            "requests": taken.sent,
        })
    });
    json!({
        "lines": lines.collect::<Vec<_>>(),
        "requests_per_page": requests,
        "write_units_per_page": total("DynamoDB", |taken| taken.write_units),
        "read_units_per_page": total("DynamoDB", |taken| taken.read_units),
        "invocations_per_page": total("Lambda", |taken| taken.sent),
        "gb_seconds_per_page": total("Lambda", |taken| taken.gb_seconds),
        "sqs_requests_per_page": total("SQS", |taken| taken.sent),
        "dollars": bill.dollars(),
        "dollars_per_million_pages": per_page(bill.dollars() * 1e6),
    })
}

/// The bill as a table; empty if nothing was used or no page was found.
pub fn text(bill: &Bill, pages: u64) -> String {
    let operations = operations(bill);
    if pages == 0 || operations.is_empty() {
        return String::new();
    }
    let names = operations
        .keys()
        .map(|(service, operation)| service.len() + operation.len() + 1);
    let width = names.max().unwrap_or_default().max("a page took".len());
    let head = format!(
        "  {:width$}  {:>9}  {:>7}  {:>7}  {:>7}",
        "a page took", "requests", "writes", "reads", "GB s"
    );
    let mut text = format!("{}\n", style(head).dim());
    for ((service, operation), taken) in operations {
        let figure = |amount: f64| figure(amount / pages as f64);
        let line = format!(
            "  {:width$}  {:>9}  {:>7}  {:>7}  {:>7}",
            format!("{service} {operation}"),
            figure(taken.sent),
            figure(taken.write_units),
            figure(taken.read_units),
            figure(taken.gb_seconds),
        );
        text += line.trim_end();
        text.push('\n');
    }
    let million = bill.dollars() * 1e6 / pages as f64;
    text + &format!(
        "  ${million:.2} per million pages at list prices; the index, logs and idle polling come on \
         top\n"
    )
}

/// The bills of the crawls of a month. Of what a stack costs besides, nothing is known without further
/// requests.
pub struct Month {
    /// When it began, in Unix milliseconds.
    pub began_ms: u64,
    /// The bills of the crawls that began in it.
    pub bills: Vec<Bill>,
}

impl Month {
    fn dollars(&self) -> f64 {
        self.bills.iter().map(Bill::dollars).sum()
    }

    /// The month as JSON.
    pub fn json(&self) -> Value {
        json!({
            "since": iso(self.began_ms),
            "crawls": self.bills.len(),
            "dollars": self.dollars(),
        })
    }

    /// The month as a line.
    pub fn text(&self) -> String {
        let crawls = counted(self.bills.len() as u64, "crawl");
        let dollars = self.dollars();
        let since = iso(self.began_ms);
        let since = since.split('T').next().unwrap_or_default();
        format!(
            "{crawls} since {since}: ${dollars:.2} at list prices; the index, searches, storage, \
             logs, metrics, alarms and idle polling come on top"
        )
    }
}

/// The lines of a bill, summed over who sent the requests.
fn operations(bill: &Bill) -> Operations<'_> {
    let mut operations = Operations::new();
    for (line, taken) in &bill.lines {
        let sum = operations
            .entry((line.service.as_str(), line.operation.as_str()))
            .or_default();
        sum.sent += taken.sent;
        sum.read_units += taken.read_units;
        sum.write_units += taken.write_units;
        sum.gb_seconds += taken.gb_seconds;
    }
    operations
}

/// Three decimal places; empty for zero.
fn figure(amount: f64) -> String {
    match amount {
        0.0 => String::new(),
        some if some < 0.0005 => "<0.001".to_owned(),
        some => format!("{some:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use canter_aws::Line;

    use super::*;

    fn bill() -> Bill {
        let line = |who: &str, service: &str, operation: &str| Line {
            who: who.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
        };
        let taken = |sent, write_units, gb_seconds| Usage {
            sent,
            write_units,
            gb_seconds,
            read_units: 0.0,
        };
        let lines = [
            (
                line("fetch", "DynamoDB", "UpdateItem"),
                taken(900.0, 900.0, 0.0),
            ),
            (
                line("sweep", "DynamoDB", "UpdateItem"),
                taken(100.0, 100.0, 0.0),
            ),
            (line("fetch", "Lambda", "arm64"), taken(20.0, 0.0, 50.0)),
            (line("fetch", "SQS", "ReceiveMessage"), taken(0.4, 0.0, 0.0)),
            (
                line("shell", "SQS", "SendMessageBatch"),
                taken(40.0, 0.0, 0.0),
            ),
        ];
        Bill {
            lines: lines.into_iter().collect(),
        }
    }

    #[test]
    fn a_page_has_its_share() {
        let told = json(&bill(), 1_000);
        for (path, expected) in [
            ("/requests_per_page/DynamoDB/UpdateItem", 1.0),
            ("/requests_per_page/SQS/SendMessageBatch", 0.04),
            ("/requests_per_page/Lambda/arm64", 0.02),
            ("/write_units_per_page", 1.0),
            ("/read_units_per_page", 0.0),
            ("/invocations_per_page", 0.02),
            ("/gb_seconds_per_page", 0.05),
            ("/sqs_requests_per_page", 0.0404),
        ] {
            let found = told.pointer(path).and_then(Value::as_f64).unwrap();
            assert!((found - expected).abs() < 1e-9, "{path}: {found}");
        }
        let million = told["dollars_per_million_pages"].as_f64().unwrap();
        assert!((million - 1_000.0 * bill().dollars()).abs() < 1e-9);
    }

    #[test]
    fn without_a_page_nothing_is_divided() {
        let told = json(&bill(), 0);
        assert_eq!(told["write_units_per_page"], Value::Null);
        assert_eq!(
            told["requests_per_page"]["SQS"]["ReceiveMessage"],
            Value::Null
        );
        assert!(told["dollars"].as_f64().unwrap() > 0.0);
        assert_eq!(text(&bill(), 0), "");
        assert_eq!(text(&Bill::default(), 10), "");
    }

    #[test]
    fn a_month_is_the_sum_of_its_crawls() {
        let month = Month {
            began_ms: 1_698_796_800_000,
            bills: vec![bill(), bill().share(999.0)],
        };
        let told = month.json();
        assert_eq!(told["since"], "2023-11-01T00:00:00Z");
        assert_eq!(told["crawls"], 2);
        let dollars = bill().dollars() * 1_000.0;
        assert!((told["dollars"].as_f64().unwrap() - dollars).abs() < 1e-6);
        let text = month.text();
        let expected = format!("2 crawls since 2023-11-01: ${dollars:.2} at list prices; ");
        assert!(text.starts_with(&expected), "{text}");
    }

    #[test]
    fn the_table_has_a_line_an_operation() {
        let text = console::strip_ansi_codes(&text(&bill(), 1_000)).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert_eq!(lines[1], "  DynamoDB UpdateItem       1.000    1.000");
        assert!(lines[3].ends_with("<0.001"), "{text}");
        assert!(lines[5].contains("per million pages"), "{text}");
    }
}
