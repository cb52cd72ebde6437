//! List prices of AWS in us-east-1, in US dollars, without free tiers, as of November 2026: on-demand
//! tables, standard queues, requests to S3, functions on demand. Elasticsearch, storage, logs, alarms
//! and traffic are not included.

use crate::meter::Usage;

/// A write request unit (DynamoDB, on demand).
const WRITE_UNIT: f64 = 0.625e-6;
/// A read request unit.
const READ_UNIT: f64 = 0.125e-6;
/// A request of up to 64 KB (SQS, standard queue).
const SQS_REQUEST: f64 = 0.40e-6;
/// A request that writes or lists objects (S3 Standard).
const S3_WRITE: f64 = 5e-6;
/// A request that reads an object.
const S3_READ: f64 = 0.4e-6;
/// An invocation (Lambda).
const INVOCATION: f64 = 0.20e-6;
/// A second of a GB of memory, on arm64.
const GB_SECOND_ARM64: f64 = 0.0000133334;
/// The same on x86_64.
const GB_SECOND_X86_64: f64 = 0.0000166667;

/// The price of the usage of an operation.
pub(crate) fn dollars(service: &str, operation: &str, usage: &Usage) -> f64 {
    match service {
        "DynamoDB" => usage.read_units * READ_UNIT + usage.write_units * WRITE_UNIT,
        "SQS" => usage.sent * SQS_REQUEST,
        "S3" => match operation {
            "GetObject" => usage.sent * S3_READ,
            "DeleteObjects" => 0.0,
            _ => usage.sent * S3_WRITE,
        },
        "Lambda" => {
            let second = if operation == "arm64" {
                GB_SECOND_ARM64
            } else {
                GB_SECOND_X86_64
            };
            usage.sent * INVOCATION + usage.gb_seconds * second
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A million of each, as the pricing pages say it.
    #[test]
    fn a_million_costs_what_the_list_says() {
        let million = Usage {
            sent: 1e6,
            read_units: 1e6,
            write_units: 1e6,
            gb_seconds: 1e6,
        };
        for (service, operation, price) in [
            ("DynamoDB", "UpdateItem", 0.75),
            ("SQS", "SendMessageBatch", 0.40),
            ("S3", "PutObject", 5.0),
            ("S3", "ListObjectsV2", 5.0),
            ("S3", "GetObject", 0.4),
            ("S3", "DeleteObjects", 0.0),
            ("Lambda", "arm64", 13.5334),
            ("Lambda", "x86_64", 16.8667),
            ("Elasticsearch", "bulk", 0.0),
        ] {
            let found = dollars(service, operation, &million);
            assert!(
                (found - price).abs() < 1e-9,
                "{service} {operation}: {found}"
            );
        }
    }
}
