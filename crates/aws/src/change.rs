//! Conditional changes of one item: every write of this crate is one.
//!
//! The SDK repeats a write whose answer was lost. Each condition must therefore also hold when the
//! write has been done already, or its failure must be read that way.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};
use canter_core::failure::Failure;

use crate::cloud::Cloud;
use crate::failure::failure;
use crate::item::Item;

/// The result of a change.
#[derive(Debug)]
pub(crate) enum Written {
    /// The change was made.
    Done,
    /// The condition did not hold for this item, which is empty where there is none.
    Refused(Item),
}

impl Written {
    pub(crate) fn done(&self) -> bool {
        matches!(self, Written::Done)
    }
}

/// Attributes to set, to add to and to remove.
#[derive(Debug, Default)]
pub(crate) struct Change {
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
    values: HashMap<String, AttributeValue>,
}

impl Change {
    /// Sets an attribute, whose new value the condition knows as `:name`.
    pub(crate) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.set.push(format!("#{name} = :{name}"));
        self.value(name, value)
    }

    /// Sets an attribute, or removes it where there is no value.
    pub(crate) fn put(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(&[name]),
        }
    }

    /// Adds to a number. An absent one counts as zero.
    pub(crate) fn add(mut self, name: &str, value: AttributeValue) -> Self {
        self.add.push(format!("#{name} :{name}"));
        self.value(name, value)
    }

    pub(crate) fn remove(mut self, names: &[&str]) -> Self {
        self.remove
            .extend(names.iter().map(|name| format!("#{name}")));
        self
    }

    /// Names a value for the condition alone.
    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(format!(":{name}"), value);
        self
    }

    /// Makes the change if the condition holds, which names attributes as `#name`.
    pub(crate) async fn write(
        self,
        cloud: &Cloud,
        table: &str,
        key: Item,
        condition: &str,
    ) -> Result<Written, Failure> {
        let clauses = [
            ("SET", &self.set),
            ("ADD", &self.add),
            ("REMOVE", &self.remove),
        ];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", ")));
        let update = clauses.collect::<Vec<_>>().join(" ");
        let names = names(&[&update, condition]);
        let request = cloud
            .dynamodb
            .update_item()
            .table_name(table)
            .set_key(Some(key))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(self.values).filter(|values| !values.is_empty()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.send().await {
            Ok(answer) => {
                let consumed = answer.consumed_capacity();
                cloud.meter.wrote("UpdateItem", consumed);
                Ok(Written::Done)
            }
            Err(error) => {
                let service = error.as_service_error();
                if let Some(item) = service.and_then(refused_update) {
                    cloud.meter.refused("UpdateItem");
                    return Ok(Written::Refused(item));
                }
                Err(failure(error, &format!("the table {table}")))
            }
        }
    }
}

/// Removes an item if the condition holds, which may name one value.
pub(crate) async fn remove(
    cloud: &Cloud,
    table: &str,
    key: Item,
    condition: &str,
    (name, value): (&str, AttributeValue),
) -> Result<(), Failure> {
    let request = cloud
        .dynamodb
        .delete_item()
        .table_name(table)
        .set_key(Some(key))
        .condition_expression(condition)
        .set_expression_attribute_names(Some(names(&[condition])))
        .expression_attribute_values(format!(":{name}"), value)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    match request.send().await {
        Ok(answer) => {
            let consumed = answer.consumed_capacity();
            cloud.meter.wrote("DeleteItem", consumed);
        }
        Err(error) => {
            let service = error.as_service_error();
            if !service.is_some_and(|error| error.is_conditional_check_failed_exception()) {
                return Err(failure(error, &format!("the table {table}")));
            }
            cloud.meter.refused("DeleteItem");
        }
    }
    Ok(())
}

fn refused_update(
    error: &aws_sdk_dynamodb::operation::update_item::UpdateItemError,
) -> Option<Item> {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException;
    match error {
        ConditionalCheckFailedException(refused) => {
            Some(refused.item().cloned().unwrap_or_default())
        }
        _ => None,
    }
}

/// The attributes behind the placeholders `#name` of expressions. Placeholders are needed since many
/// short words are reserved by DynamoDB.
pub(crate) fn names(expressions: &[&str]) -> HashMap<String, String> {
    let pieces = expressions.iter().flat_map(|text| text.split('#').skip(1));
    let names: BTreeSet<&str> = pieces
        .map(|piece| {
            let end = piece.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            &piece[..end.unwrap_or(piece.len())]
        })
        .collect();
    let names = names.into_iter();
    names
        .map(|name| (format!("#{name}"), name.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_has_its_name() {
        let found = names(&[
            "SET #c = :c, #due_ms = :d",
            "attribute_not_exists(#o) OR #c < :c",
        ]);
        let expect = ["c", "due_ms", "o"].map(|name| (format!("#{name}"), name.to_owned()));
        assert_eq!(found, HashMap::from(expect));
    }
}
