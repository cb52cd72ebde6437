//! Fuzz targets: each gives a part of canter whatever may come from outside, and checks what must hold
//! of the result whatever it is. `cargo test` runs each on its corpus and for a moment on new inputs;
//! `make fuzz` runs all of them for longer, led by the code that an input reaches.
//!
//! A corpus is in `src/__fuzz__`, in a folder named after its target; so is what made a target fail.
//! The targets for content codings and for `canter import` are beside their code.

#![cfg(test)]

mod message;
mod page;
mod query;
mod robots;
mod sitemap;
mod url;

/// Divides an input in two at its first line end.
fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n');
    match end {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &[]),
    }
}
