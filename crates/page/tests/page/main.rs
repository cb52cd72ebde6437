//! Tests of the reader as its callers see it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics fails, and that is all"
)]

mod golden;
mod hostile;
mod reference;
mod standards;
mod url;
