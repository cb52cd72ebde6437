//! Turns errors of the HTTP client into errors of the core.

use std::error::Error;
use std::io;

use canter_core::ports::FetchError;

/// Classifies an error by the innermost error in its chain.
pub(crate) fn classify(error: &reqwest::Error, host: &str) -> FetchError {
    let mut deepest = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<FetchError>() {
            return ours.clone();
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return FetchError::Tls(format!("{host}: {tls}"));
        }
        deepest = error.to_string();
        cause = within(error);
    }
    if error.is_connect() {
        FetchError::Connect(format!("{host}: {deepest}"))
    } else if deepest.is_empty() {
        FetchError::Broken(error.to_string())
    } else {
        FetchError::Broken(deepest)
    }
}

/// The next error in the chain. An `io::Error` displays its inner error as itself, and has as its
/// source only the source of the inner error.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The error if no client can be built, which is a fault of the configuration.
pub(crate) fn builder_failed(error: reqwest::Error) -> FetchError {
    FetchError::Broken(format!("the HTTP client could not be set up: {error}"))
}
