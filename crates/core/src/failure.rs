//! Why something could not be done, told by what the caller can do about it.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A port could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The same call may succeed later.
    #[error(transparent)]
    Transient(Cause),
    /// The same call will fail again; a person has to change something.
    #[error(transparent)]
    Permanent(Cause),
}

impl Failure {
    /// A failure that may pass, described for a person.
    pub fn transient(what: impl ToString) -> Self {
        Failure::Transient(Cause::new(what))
    }

    /// A failure that stays, described for a person.
    pub fn permanent(what: impl ToString) -> Self {
        Failure::Permanent(Cause::new(what))
    }

    /// The same failure with the error behind it.
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        let (Failure::Transient(cause) | Failure::Permanent(cause)) = &mut self;
        cause.source = Some(Arc::new(source));
        self
    }
}

/// A sentence for a person, and the error behind it for programs. The sentence is complete: whoever
/// prints it need not print its source.
#[derive(Clone)]
pub struct Cause {
    what: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Cause {
    fn new(what: impl ToString) -> Self {
        Cause {
            what: what.to_string(),
            source: None,
        }
    }
}

impl Deref for Cause {
    type Target = str;

    fn deref(&self) -> &str {
        &self.what
    }
}

/// The sentence alone: an error of a network can fill a page.
impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.what, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Causes are equal when their sentences are.
impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_failure_keeps_its_source() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let failure = Failure::permanent("no room").with_source(full());
        assert_eq!(failure, Failure::permanent("no room"));
        assert_ne!(failure, Failure::transient("no room").with_source(full()));
        assert_eq!(failure.to_string(), "no room");
        let source = failure.source().and_then(|it| it.downcast_ref());
        assert_eq!(
            source.map(io::Error::kind),
            Some(io::ErrorKind::StorageFull)
        );
        assert!(Failure::transient("no room").source().is_none());
    }
}
