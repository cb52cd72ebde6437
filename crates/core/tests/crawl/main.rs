//! Tests of the core's rules as its callers see them.

mod pace;
mod robots;
mod scope;
