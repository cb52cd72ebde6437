//! The fetcher: one thread that does nothing but fire slots and move bytes.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use canter_core::domain::authority;
use canter_core::failure::Failure;
use canter_core::ports::{FetchError, Fetcher, Gate, Request, Response};
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::exchange::exchange;
use crate::lane::Lanes;
use crate::resolver::{Lookup, of_system};

/// How requests are made.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Value of the header `User-Agent`.
    pub user_agent: String,
    /// Authorities at which private addresses are permitted (`scheme://host:port`, in the form of
    /// [`authority`]).
    pub private: HashSet<String>,
}

/// Makes requests over HTTP/1.1 and HTTP/2. Its thread ends when it is dropped.
pub struct HttpFetcher {
    lanes: Arc<Lanes>,
    private: HashSet<String>,
    runtime: Handle,
    _alive: oneshot::Sender<()>,
}

impl HttpFetcher {
    /// Starts the thread that fires slots.
    ///
    /// # Errors
    ///
    /// Fails if the certificates of the system cannot be read or the thread cannot be started.
    pub fn start(config: HttpConfig) -> Result<Self, Failure> {
        // This fails if another part of the process has chosen a provider, which will do as well.
        let _ = default_provider().install_default();
        let mut tls = ClientConfig::with_platform_verifier()
            .map_err(|error| Failure::permanent(format!("no trusted certificates: {error}")))?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::with_tls(config, tls)
    }

    /// Starts the thread that fires slots, and trusts what `tls` trusts.
    ///
    /// # Errors
    ///
    /// Fails if the thread cannot be started.
    pub fn with_tls(config: HttpConfig, tls: ClientConfig) -> Result<Self, Failure> {
        Self::with_lookup(config, tls, of_system())
    }

    /// Starts the thread that fires slots, and looks hosts up by `lookup`.
    pub(crate) fn with_lookup(
        config: HttpConfig,
        tls: ClientConfig,
        lookup: Lookup,
    ) -> Result<Self, Failure> {
        let no_thread = |error| Failure::permanent(format!("cannot start a thread: {error}"));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let handle = runtime.handle().clone();
        let (alive, dropped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("canter-fire".into())
            .spawn(move || {
                // Nothing is ever sent: the thread ends when the fetcher is dropped.
                let _ = runtime.block_on(dropped);
            })
            .map_err(no_thread)?;
        Ok(HttpFetcher {
            lanes: Arc::new(Lanes::new(tls, config.user_agent, lookup)),
            private: config.private,
            runtime: handle,
            _alive: alive,
        })
    }
}

impl Fetcher for HttpFetcher {
    async fn fetch(&self, request: Request, gate: Arc<dyn Gate>) -> Result<Response, FetchError> {
        let private = self.private.contains(&authority(&request.url));
        let lanes = Arc::clone(&self.lanes);
        self.runtime
            .spawn(exchange(lanes, request, gate, private))
            .await
            .unwrap_or_else(|error| Err(FetchError::Broken(error.to_string())))
    }
}
