//! What went wrong in an exchange, in the core's words.

use std::error::Error;
use std::io;

use canter_core::ports::FetchError;

/// Finds the reason at the bottom of a client's error.
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

/// The error inside an error. An `io::Error` shows an inner error as itself, and names as its
/// source only what that one names.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// No client could be made: a fault of the configuration.
pub(crate) fn builder_failed(error: reqwest::Error) -> FetchError {
    FetchError::Broken(format!("the HTTP client could not be set up: {error}"))
}
