//! Resolves names to addresses, without private ones.

use std::net::SocketAddr;

use canter_core::address::is_public;
use canter_core::ports::FetchError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::BoxError;
use url::{Host, Url};

/// The system's resolver. It gives no private address unless they are permitted.
pub(crate) struct Resolver {
    /// Whether private addresses are permitted, as for a seed with `--allow-private`.
    pub(crate) private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let host = name.as_str();
            let addresses = tokio::net::lookup_host((host, 0))
                .await
                .map_err(|_| FetchError::NoSuchHost(host.to_owned()))?;
            let addresses: Vec<SocketAddr> = addresses.collect();
            let permitted: Vec<SocketAddr> = addresses
                .iter()
                .copied()
                .filter(|address| private || is_public(address.ip()))
                .collect();
            match (addresses.is_empty(), permitted.is_empty()) {
                (true, _) => Err(BoxError::from(FetchError::NoSuchHost(host.to_owned()))),
                (false, true) => Err(FetchError::PrivateAddress(host.to_owned()).into()),
                (false, false) => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

/// Refuses a URL whose host is itself a private address, for which no resolver is asked.
pub(crate) fn check_literal(url: &Url, private: bool) -> Result<(), FetchError> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        _ => return Ok(()),
    };
    if private || is_public(address) {
        Ok(())
    } else {
        Err(FetchError::PrivateAddress(address.to_string()))
    }
}
