//! The item of a domain, and the two writes of a lease.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use canter_core::pace::{Pace, PaceState, REMEMBERED};
use canter_core::time::Moment;

use super::HORIZON;
use crate::tables::EXPIRES;

/// How long a record is kept after its last use.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) const LAST: &str = "last";
pub(super) const SPACING: &str = "spacing";
pub(super) const ASKED: &str = "asked";
pub(super) const HELD: &str = "held";
pub(super) const PROMISED: &str = "promised";
pub(super) const AT: &str = "at";

/// The item of a domain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) state: PaceState,
    pub(super) at: Option<Moment>,
    pub(super) promised: Moment,
}

/// The write of a lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct LeaseWrite {
    pub(super) pace: Pace,
    pub(super) count: u32,
    /// The spacing is the asker's own, and counts for all from now on.
    pub(super) own: bool,
    /// The first slot; none for the slot after the last one.
    pub(super) first: Option<Moment>,
}

impl LeaseWrite {
    /// Puts the write at `now` into a request.
    pub(super) fn apply(
        self,
        update: UpdateItemFluentBuilder,
        now: Moment,
    ) -> UpdateItemFluentBuilder {
        let LeaseWrite { pace, count, .. } = self;
        let mut set = vec!["#at = :now", "#expires = :expires"];
        let mut when = Vec::new();
        let mut update = update
            .expression_attribute_names("#last", LAST)
            .expression_attribute_names("#spacing", SPACING)
            .expression_attribute_names("#held", HELD)
            .expression_attribute_names("#at", AT)
            .expression_attribute_names("#expires", EXPIRES)
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":spacing", span(pace.spacing))
            .expression_attribute_values(":expires", expiry(now));
        if let Some(first) = self.first {
            set.push("#last = :end");
            when.push("(attribute_not_exists(#last) OR #last <= :before)");
            when.push("(attribute_not_exists(#held) OR #held <= :first)");
            let end = first + pace.spacing * count - pace.spacing;
            update = update
                .expression_attribute_values(":first", time(first))
                .expression_attribute_values(":before", time(first - pace.spacing))
                .expression_attribute_values(":end", time(end));
        } else {
            set.push("#last = #last + :share");
            when.push("#last BETWEEN :from AND :to");
            when.push("(attribute_not_exists(#held) OR #held <= :now OR #held <= #last)");
            update = update
                .expression_attribute_values(":share", span(pace.spacing * count))
                .expression_attribute_values(":from", time(now - pace.spacing))
                .expression_attribute_values(":to", time(now + HORIZON - pace.spacing));
        }
        if self.own {
            set.push("#spacing = :spacing, #asked = :now");
            when.push(
                "(attribute_not_exists(#spacing) OR #spacing <= :spacing OR #asked < :forgotten)",
            );
            update = update
                .expression_attribute_names("#asked", ASKED)
                .expression_attribute_values(":forgotten", time(now - REMEMBERED));
        } else {
            when.push("#spacing = :spacing");
        }
        update
            .update_expression(format!("SET {}", set.join(", ")))
            .condition_expression(when.join(" AND "))
    }
}

pub(super) fn key(domain: &str) -> AttributeValue {
    AttributeValue::S(format!("pace#{domain}"))
}

pub(super) fn time(at: Moment) -> AttributeValue {
    AttributeValue::N(at.0.to_string())
}

pub(super) fn span(span: Duration) -> AttributeValue {
    AttributeValue::N(span.as_nanos().to_string())
}

/// Seconds since the Unix epoch, as DynamoDB wants them.
pub(super) fn expiry(used: Moment) -> AttributeValue {
    AttributeValue::N(((used + KEPT).millis() / 1000).to_string())
}

pub(super) fn record(item: &HashMap<String, AttributeValue>) -> Record {
    let number = |name: &str| {
        let value = item.get(name)?.as_n().ok()?;
        let value: u128 = value.parse().ok()?;
        Some(u64::try_from(value).unwrap_or(u64::MAX))
    };
    let moment = |name| number(name).map(Moment);
    Record {
        state: PaceState {
            last: moment(LAST),
            spacing: Duration::from_nanos(number(SPACING).unwrap_or(0)),
            asked: moment(ASKED).unwrap_or(Moment(0)),
            held: moment(HELD).unwrap_or(Moment(0)),
        },
        at: moment(AT),
        promised: moment(PROMISED).unwrap_or(Moment(0)),
    }
}
