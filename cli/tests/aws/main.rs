//! Crawls in a stack, steered by the real program: the stack is one of LocalStack's CloudFormation,
//! with tables and queues and no functions, so that each test is the worker itself.

#![expect(clippy::unwrap_used, reason = "a test may end by a panic")]

mod cloudformation;
mod crawl;
mod deployed;
mod lookup;
mod status;

use serde_json::Value;

/// The lines of JSON that a run printed.
fn objects(text: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    text.lines().map(parse).collect()
}
