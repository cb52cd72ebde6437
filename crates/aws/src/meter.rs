//! Counts the requests to AWS as they are sent: the bill is made of this.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Usage of one operation, as AWS bills it. Where one request served two crawls, each has a part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Number of requests sent, retries included.
    pub sent: f64,
    /// Number of read units, as DynamoDB reports them.
    pub read_units: f64,
    /// Number of write units, as DynamoDB reports them.
    pub write_units: f64,
    /// Run time of functions in seconds, times their memory in GB.
    pub gb_seconds: f64,
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Usage {
            sent: self.sent + more.sent,
            read_units: self.read_units + more.read_units,
            write_units: self.write_units + more.write_units,
            gb_seconds: self.gb_seconds + more.gb_seconds,
        }
    }
}

impl std::ops::Mul<f64> for Usage {
    type Output = Self;

    fn mul(self, share: f64) -> Self {
        Usage {
            sent: self.sent * share,
            read_units: self.read_units * share,
            write_units: self.write_units * share,
            gb_seconds: self.gb_seconds * share,
        }
    }
}

/// The usage of this process, by service and operation. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    lines: Arc<Mutex<BTreeMap<(String, String), Usage>>>,
}

impl Meter {
    /// The usage so far, by service and operation, as AWS names them.
    pub fn lines(&self) -> BTreeMap<(String, String), Usage> {
        let lines = self.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the usage since the last call, so that it is added to a bill once.
    pub fn take(&self) -> BTreeMap<(String, String), Usage> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *lines)
    }

    /// Adds usage that others cause for this process: the requests of an event source to a queue,
    /// and the run of a function itself.
    pub fn add(&self, service: &str, operation: &str, usage: Usage) {
        self.note((service, operation), |line| *line = *line + usage);
    }

    /// Notes the capacity that a read of a table took.
    pub(crate) fn read(&self, operation: &str, consumed: Option<&ConsumedCapacity>) {
        let units = units(consumed);
        self.note(("DynamoDB", operation), |line| line.read_units += units);
    }

    /// Notes the capacity that a write to a table took.
    pub(crate) fn wrote(&self, operation: &str, consumed: Option<&ConsumedCapacity>) {
        let units = units(consumed);
        self.note(("DynamoDB", operation), |line| line.write_units += units);
    }

    /// Notes a write whose condition did not hold. It is billed, but the answer does not say how many
    /// units it took; one is right for an item of up to 1 KB.
    pub(crate) fn refused(&self, operation: &str) {
        self.note(("DynamoDB", operation), |line| line.write_units += 1.0);
    }

    fn note(&self, (service, operation): (&str, &str), add: impl FnOnce(&mut Usage)) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (service.to_owned(), operation.to_owned());
        add(lines.entry(key).or_default());
    }
}

fn units(consumed: Option<&ConsumedCapacity>) -> f64 {
    consumed
        .and_then(ConsumedCapacity::capacity_units)
        .unwrap_or_default()
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            let name = (metadata.service(), metadata.name());
            self.note(name, |line| line.sent += 1.0);
        }
        Ok(())
    }
}
