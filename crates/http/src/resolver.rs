//! Resolves names to addresses, without private ones.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use canter_core::address::is_public;
use canter_core::ports::{Boxed, FetchError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tower::BoxError;
use url::{Host, Url};

/// Looks up the addresses of a host.
pub(crate) type Lookup =
    Arc<dyn Fn(String) -> Boxed<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Looks hosts up as the system does.
pub(crate) fn of_system() -> Lookup {
    Arc::new(|host| {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((host, 0)).await?;
            Ok(addresses.collect())
        })
    })
}

/// A resolver that gives no private address unless they are permitted. Each connection asks it once
/// and dials what it gives, so a name that has a private address the next time leads nowhere.
pub(crate) struct Resolver {
    pub(crate) lookup: Lookup,
    /// Whether private addresses are permitted, as for a seed with `--allow-private`.
    pub(crate) private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        let looking = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let host = name.as_str();
            let addresses = looking
                .await
                .map_err(|_| FetchError::NoSuchHost(host.to_owned()))?;
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::IpAddr;
    use std::sync::Mutex;
    use std::time::Duration;

    use canter_core::domain::authority;
    use canter_core::ports::{Fetcher, Headers, Request, Response};
    use canter_tests::{OpenGate, Site};
    use rustls::{ClientConfig, RootCertStore};

    use super::*;
    use crate::{HttpConfig, HttpFetcher};

    /// A name that has other addresses each time, and how often it was looked up.
    fn names(answers: &[&[&str]]) -> (Lookup, Arc<Mutex<usize>>) {
        let parsed = |answer: &&[&str]| -> Vec<SocketAddr> {
            let addresses = answer.iter().map(|it| it.parse::<IpAddr>().unwrap());
            addresses.map(|address| (address, 0).into()).collect()
        };
        let answers: Vec<Vec<SocketAddr>> = answers.iter().map(parsed).collect();
        let asked = Arc::new(Mutex::new(0));
        let times = Arc::clone(&asked);
        let lookup: Lookup = Arc::new(move |_| {
            let mut times = times.lock().unwrap();
            let answer = answers[(*times).min(answers.len() - 1)].clone();
            *times += 1;
            Box::pin(async move { Ok(answer) })
        });
        (lookup, asked)
    }

    async fn fetch(fetcher: &HttpFetcher, url: &Url) -> Result<Response, FetchError> {
        let request = Request {
            url: url.clone(),
            headers: Headers::default(),
            max_bytes: 1000,
            timeout: Duration::from_millis(300),
            wants_body: |_| true,
        };
        fetcher.fetch(request, Arc::new(OpenGate)).await
    }

    fn fetcher(lookup: Lookup, private: HashSet<String>) -> HttpFetcher {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let config = HttpConfig {
            user_agent: "test".into(),
            private,
        };
        HttpFetcher::with_lookup(config, tls, lookup).unwrap()
    }

    /// The first answer passes every check that is made of a name before it is dialled; the second
    /// one, which a connection would dial if it asked again, is this machine.
    #[tokio::test]
    async fn a_name_that_is_bound_to_another_address_is_not_dialled() {
        let site = Site::new().page("/", []).start();
        let url = Url::parse(&format!("http://rebind.test:{}/", site.port())).unwrap();
        let (lookup, asked) = names(&[&["1.1.1.1"], &["127.0.0.1"], &["1.1.1.1", "127.0.0.1"]]);
        let fetcher = fetcher(lookup, HashSet::new());
        for (expected, is_private) in [(1, false), (2, true), (3, false)] {
            let answer = fetch(&fetcher, &url).await;
            let refused = matches!(answer, Err(FetchError::PrivateAddress(_)));
            assert!(answer.is_err() && refused == is_private, "{answer:?}");
            assert_eq!(*asked.lock().unwrap(), expected, "one lookup a connection");
        }
        assert_eq!(site.log().accepted(), 0);
    }

    /// What the test above would see if the address were dialled.
    #[tokio::test]
    async fn a_permitted_name_is_dialled_at_the_address_that_it_has() {
        let site = Site::new().page("/", []).start();
        let url = Url::parse(&format!("http://rebind.test:{}/", site.port())).unwrap();
        let (lookup, _) = names(&[&["127.0.0.1"]]);
        let fetcher = fetcher(lookup, HashSet::from([authority(&url)]));
        assert_eq!(fetch(&fetcher, &url).await.unwrap().head.status, 200);
        assert_eq!(site.log().accepted(), 1);
    }
}
