//! What is asked of AWS, counted as it is sent: the bill is made of this.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Requests of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Requests {
    /// How many were sent, those that were sent again among them.
    pub sent: u64,
    /// Read units that they took, as DynamoDB says.
    pub read_units: f64,
    /// Write units that they took.
    pub write_units: f64,
    /// Seconds that functions ran, times GB of their memory.
    pub gb_seconds: f64,
}

impl std::ops::Add for Requests {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Requests {
            sent: self.sent + more.sent,
            read_units: self.read_units + more.read_units,
            write_units: self.write_units + more.write_units,
            gb_seconds: self.gb_seconds + more.gb_seconds,
        }
    }
}

/// The requests of this process, by service and operation. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Account {
    lines: Arc<Mutex<BTreeMap<(String, String), Requests>>>,
}

impl Account {
    /// What was asked so far, by service and operation, as AWS names them.
    pub fn lines(&self) -> BTreeMap<(String, String), Requests> {
        let lines = self.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked since this was last called: whoever adds it to a bill adds it once.
    pub fn take(&self) -> BTreeMap<(String, String), Requests> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *lines)
    }

    /// Notes requests that others make for this process: what an event source asks of a queue, and
    /// the run of a function itself.
    pub fn add(&self, service: &str, operation: &str, requests: Requests) {
        self.note((service, operation), |line| *line = *line + requests);
    }

    /// Notes what a read of a table took.
    pub(crate) fn read(&self, operation: &str, consumed: Option<&ConsumedCapacity>) {
        let units = units(consumed);
        self.note(("DynamoDB", operation), |line| line.read_units += units);
    }

    /// Notes what a write to a table took.
    pub(crate) fn wrote(&self, operation: &str, consumed: Option<&ConsumedCapacity>) {
        let units = units(consumed);
        self.note(("DynamoDB", operation), |line| line.write_units += units);
    }

    /// Notes a write whose condition did not hold: it is billed, but the answer does not say with
    /// how much. One unit is right for an item of up to 1 KB.
    pub(crate) fn refused(&self, operation: &str) {
        self.note(("DynamoDB", operation), |line| line.write_units += 1.0);
    }

    fn note(&self, (service, operation): (&str, &str), add: impl FnOnce(&mut Requests)) {
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

impl Intercept for Account {
    fn name(&self) -> &'static str {
        "Account"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            let name = (metadata.service(), metadata.name());
            self.note(name, |line| line.sent += 1);
        }
        Ok(())
    }
}
