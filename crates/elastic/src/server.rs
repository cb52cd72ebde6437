//! The connection: one exchange with the server, or several until one is answered.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use canter_core::failure::Failure;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::Method;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use rustls::RootCertStore;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use crate::retries::Retries;
use crate::settings::Settings;

/// Longest quote of a server's own words, in characters.
pub(crate) const QUOTE: usize = 240;

/// What was answered, whatever it means.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// The body, decoded.
    pub(crate) body: Vec<u8>,
    /// `Content-Type`; empty where there was none.
    pub(crate) kind: String,
}

impl Answer {
    /// The body, where it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether it is the server's word that the index is not there.
    pub(crate) fn tells_of_no_index(&self) -> bool {
        self.status == 404 && self.error().0 == "index_not_found_exception"
    }

    /// Type and reason of the error that the body tells; empty where it tells none.
    pub(crate) fn error(&self) -> (String, String) {
        let told = self.json().unwrap_or_default();
        match &told["error"] {
            Value::String(reason) => (String::new(), quote(reason)),
            error => cause(error),
        }
    }
}

/// Type and reason of an error as Elasticsearch writes it.
pub(crate) fn cause(error: &Value) -> (String, String) {
    let text = |key: &str| error[key].as_str().unwrap_or_default();
    (text("type").to_owned(), quote(text("reason")))
}

/// The beginning of a server's own words, on one line.
pub(crate) fn quote(text: &str) -> String {
    shortened(text, QUOTE)
}

/// The beginning of a text, on one line.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// One server, and canter's index there.
pub(crate) struct Server {
    transport: Transport,
    pub(crate) url: Url,
    pub(crate) index: String,
    pub(crate) has_key: bool,
    /// As [`Settings::key_in`].
    pub(crate) key_place: &'static str,
    pub(crate) timeout: Duration,
    trouble: Mutex<Option<String>>,
}

impl Server {
    /// Nothing is sent yet. No request takes longer than `timeout`.
    pub(crate) fn new(settings: &Settings, timeout: Duration) -> Result<Self, Failure> {
        let pool = SingleNodeConnectionPool::new(settings.server.clone());
        let mut transport = TransportBuilder::new(pool).enable_meta_header(false);
        if let Some(key) = &settings.key {
            transport = transport.auth(Credentials::EncodedApiKey(key.clone()));
        }
        if is_this_machine(&settings.server) {
            // What a proxy would find there is its own machine.
            transport = transport.disable_proxy();
        }
        if settings.server.scheme() == "https"
            && let Some(trusted) = trusted()
        {
            transport = transport.cert_validation(CertificateValidation::Full(trusted));
        }
        let transport = transport.build().map_err(|error| {
            Failure::permanent(format!("cannot open connections to an index: {error}"))
        })?;
        Ok(Server {
            transport,
            url: settings.server.clone(),
            index: settings.index.clone(),
            has_key: settings.key.is_some(),
            key_place: settings.key_place,
            timeout,
            trouble: Mutex::default(),
        })
    }

    /// The name of canter's index.
    pub(crate) fn index(&self) -> &str {
        &self.index
    }

    /// The server as a person named it.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends one request, once, and reads its answer. `path` is below the server's URL and may
    /// have a query.
    ///
    /// # Errors
    ///
    /// Where there is no answer: what was asked may have been done all the same.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if path.contains("_bulk") {
            let kind = HeaderValue::from_static("application/x-ndjson");
            headers.insert(CONTENT_TYPE, kind);
        }
        let query = None::<&()>;
        let timeout = Some(self.timeout);
        let sent = self
            .transport
            .send(method, path, headers, query, body, timeout);
        let response = sent.await.map_err(|error| self.silence(&error))?;
        let status = response.status_code().as_u16();
        let asked = self.url.join(path).ok();
        if asked.is_some_and(|asked| asked != *response.url()) {
            return Err(Failure::permanent(format!(
                "{} redirects to {}: give the URL where Elasticsearch itself answers",
                self.url,
                response.url()
            )));
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_owned();
        let body = response.bytes().await;
        let body = body.map_err(|error| self.silence(&error))?.to_vec();
        Ok(Answer { status, body, kind })
    }

    /// Asks, and asks again for up to `patience` while the server is away or busy. Only for
    /// requests that can be repeated.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let body = body.map(|body| body.to_string().into_bytes());
        let mut tries = Retries::new(patience);
        loop {
            let answer = self.exchange(method, path, body.as_deref()).await;
            let failure = match answer {
                Ok(answer) if is_busy(answer.status) => self.refusal(&answer),
                Err(failure @ Failure::Transient(_)) => failure,
                settled => {
                    self.tell(None);
                    return settled;
                }
            };
            self.tell(Some(&failure));
            if !tries.again().await {
                return Err(failure);
            }
        }
    }

    /// Notes what holds the work up, for whoever watches; none when it goes on.
    pub(crate) fn tell(&self, trouble: Option<&Failure>) {
        let mut told = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *told = trouble.map(Failure::to_string);
    }

    /// What holds the work up now.
    pub(crate) fn trouble(&self) -> Option<String> {
        let told = self.trouble.lock();
        told.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Like [`Server::ask`], for what is only understood when it was done.
    pub(crate) async fn fetch(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Value, Failure> {
        let answer = self.ask(method, path, body, patience).await?;
        self.understood(&answer)
    }

    /// The body of an answer that says that something was done, read as what it is to be.
    pub(crate) fn understood<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(answer));
        }
        match serde_json::from_slice(&answer.body) {
            Ok(told) => Ok(told),
            Err(error) if error.is_data() => Err(Failure::transient(format!(
                "what Elasticsearch answered cannot be read: {error}"
            ))),
            Err(_) => Err(self.not_understood(answer)),
        }
    }
}

/// The authorities that the operating system trusts, or those of `SSL_CERT_FILE`: a server of one's
/// own has seldom a certificate of a public one. None where there are none.
fn trusted() -> Option<Certificate> {
    let found = rustls_native_certs::load_native_certs().certs.into_iter();
    // One that cannot be read would make the client refuse all.
    let readable = found.filter(|it| RootCertStore::empty().add(it.clone()).is_ok());
    let readable = readable.filter_map(|it| Certificate::from_der(&it).ok());
    readable.reduce(|mut all, one| {
        all.append(one);
        all
    })
}

/// Whether the same request may be answered later.
pub(crate) fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
