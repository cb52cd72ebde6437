//! Names to addresses, private ones left out.

use std::net::SocketAddr;

use canter_core::address::is_public;
use canter_core::ports::FetchError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::BoxError;
use url::{Host, Url};

/// The system's resolver, behind the guard.
pub(crate) struct Resolver {
    /// Private addresses are permitted, as for a seed under `--allow-private`.
    pub(crate) private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0))
                .await
                .map_err(|_| FetchError::NoSuchHost(host.to_owned()))?;
            let found: Vec<SocketAddr> = found.collect();
            let permitted: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| private || is_public(address.ip()))
                .collect();
            match (found.is_empty(), permitted.is_empty()) {
                (true, _) => Err(BoxError::from(FetchError::NoSuchHost(host.to_owned()))),
                (false, true) => Err(FetchError::PrivateAddress(host.to_owned()).into()),
                (false, false) => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

/// Refuses a URL whose host is a literal private address: for those the resolver is not asked.
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
