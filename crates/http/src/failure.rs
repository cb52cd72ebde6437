//! What went wrong in an exchange, in the core's words.

use std::error::Error;

use canter_core::ports::FetchError;

/// Finds the reason at the bottom of a client's error.
pub(crate) fn classify(error: &reqwest::Error, host: &str) -> FetchError {
    let mut deepest = String::new();
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<FetchError>() {
            return ours.clone();
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return FetchError::Tls(tls.to_string());
        }
        // An io::Error shows its inner error as itself and not as its source.
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return FetchError::Tls(tls.to_string());
        }
        deepest = error.to_string();
        cause = error.source();
    }
    if error.is_connect() {
        FetchError::Connect(format!("{host}: {deepest}"))
    } else if deepest.is_empty() {
        FetchError::Broken(error.to_string())
    } else {
        FetchError::Broken(deepest)
    }
}

/// No client could be made: a fault of the configuration.
pub(crate) fn builder_failed(error: reqwest::Error) -> FetchError {
    FetchError::Broken(format!("the HTTP client could not be set up: {error}"))
}
