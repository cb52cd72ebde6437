//! Why something could not be done, told by what the caller can do about it.

use thiserror::Error;

/// A port could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The same call may succeed later.
    #[error("{0}")]
    Transient(String),
    /// The same call will fail again; a person has to change something.
    #[error("{0}")]
    Permanent(String),
}

impl Failure {
    /// A failure that may pass, described for a person.
    pub fn transient(what: impl ToString) -> Self {
        Failure::Transient(what.to_string())
    }

    /// A failure that stays, described for a person.
    pub fn permanent(what: impl ToString) -> Self {
        Failure::Permanent(what.to_string())
    }
}
