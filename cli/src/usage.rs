//! Mistakes on the command line that clap cannot see: exit status 2.

use std::error::Error;
use std::fmt;

/// A mistake, in one sentence.
#[derive(Debug)]
pub struct UsageError(String);

impl UsageError {
    /// A mistake described by a text or by an error.
    pub fn new(what: impl fmt::Display) -> Self {
        UsageError(what.to_string())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for UsageError {}
