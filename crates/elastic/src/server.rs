//! The connection to the server: a single exchange, or retries until the server answers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use canter_core::address::is_this_machine;
use canter_core::failure::Failure;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::Method;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use rustls::RootCertStore;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::retries::Retries;
use crate::settings::{Access, Settings};
use crate::signing::Signer;

/// Maximum length of a quote of the server's own words, in characters.
pub(crate) const QUOTE: usize = 240;

/// A response of the server, whatever it means.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Decoded body.
    pub(crate) body: Vec<u8>,
    /// `Content-Type`; empty if the response has none.
    pub(crate) kind: String,
}

impl Answer {
    /// Returns the body if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns whether the server itself says that the index does not exist.
    pub(crate) fn tells_of_no_index(&self) -> bool {
        self.status == 404 && self.error().0 == "index_not_found_exception"
    }

    /// Returns type and reason of the error in the body; both are empty if the body holds no error.
    pub(crate) fn error(&self) -> (String, String) {
        let told = self.json().unwrap_or_default();
        match &told["error"] {
            Value::String(reason) => (String::new(), quote(reason)),
            // AWS's own words, before a request comes to the server.
            Value::Null => {
                let words = ["message", "Message"]
                    .iter()
                    .find_map(|key| told[*key].as_str());
                (String::new(), words.map(quote).unwrap_or_default())
            }
            error => cause(error),
        }
    }
}

/// Returns type and reason of an error in Elasticsearch's format.
pub(crate) fn cause(error: &Value) -> (String, String) {
    let text = |key: &str| error[key].as_str().unwrap_or_default();
    (text("type").to_owned(), quote(text("reason")))
}

/// Returns the beginning of the server's own words, on one line.
pub(crate) fn quote(text: &str) -> String {
    shortened(text, QUOTE)
}

/// Returns the beginning of a text, on one line.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A server and canter's index on it.
pub(crate) struct Server {
    transport: Transport,
    pub(crate) url: Url,
    pub(crate) index: String,
    pub(crate) access: Access,
    /// See [`Settings::key_in`].
    pub(crate) key_place: &'static str,
    pub(crate) timeout: Duration,
    trouble: Mutex<Option<String>>,
}

impl Server {
    /// Prepares a connection, but sends nothing yet. No request takes longer than `timeout`.
    pub(crate) fn new(settings: &Settings, timeout: Duration) -> Result<Self, Failure> {
        let pool = SingleNodeConnectionPool::new(settings.server.clone());
        let mut transport = TransportBuilder::new(pool).enable_meta_header(false);
        match &settings.access {
            Access::Key(key) => transport = transport.auth(Credentials::EncodedApiKey(key.clone())),
            Access::Password(user, password) => {
                transport = transport.auth(Credentials::Basic(user.clone(), password.clone()));
            }
            Access::Open | Access::Unsigned(_) | Access::Signed(_) => {}
        }
        if settings.server.host().as_ref().is_some_and(is_this_machine) {
            // A proxy would resolve a loopback address to its own machine.
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
            access: settings.access.clone(),
            key_place: settings.key_place,
            timeout,
            trouble: Mutex::default(),
        })
    }

    /// Returns the name of canter's index.
    pub(crate) fn index(&self) -> &str {
        &self.index
    }

    /// Returns the server's URL as a person gave it.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends one request once and reads the response. `path` is relative to the server's URL and
    /// may have a query.
    ///
    /// # Errors
    ///
    /// Returns a failure if there is no response. The server may have carried out the request all
    /// the same.
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
        let canonical = match &self.access {
            Access::Signed(_) => Some(Signer::canonical(path)),
            _ => None,
        };
        let path = canonical.as_deref().unwrap_or(path);
        let asked = self.url.join(path).map_err(Failure::permanent)?;
        if let Access::Signed(signer) = &self.access {
            signer
                .sign(named(method), &asked, body, &mut headers)
                .await?;
        }
        let query = None::<&()>;
        let timeout = Some(self.timeout);
        let sent = self
            .transport
            .send(method, path, headers, query, body, timeout);
        let response = sent.await.map_err(|error| self.silence(&error))?;
        let status = response.status_code().as_u16();
        if asked != *response.url() {
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

    /// Sends a request, and repeats it for up to `patience` while the server is down or busy. Only
    /// for requests that can be repeated.
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

    /// Records the trouble that holds up the work, for progress displays; none once the work goes
    /// on.
    pub(crate) fn tell(&self, trouble: Option<&Failure>) {
        let mut told = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *told = trouble.map(Failure::to_string);
    }

    /// Returns the trouble that holds up the work at the moment.
    pub(crate) fn trouble(&self) -> Option<String> {
        let told = self.trouble.lock();
        told.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Like [`Server::ask`], but accepts only a successful response.
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

    /// Parses the body of a successful response.
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

/// Returns the name of a method, as it is signed.
fn named(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Put => "PUT",
        Method::Post => "POST",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
    }
}

/// Returns the certificate authorities that the operating system trusts, or those of
/// `SSL_CERT_FILE`, if there are any. A private server rarely has a certificate of a public
/// authority.
fn trusted() -> Option<Certificate> {
    let found = rustls_native_certs::load_native_certs().certs.into_iter();
    // A single unreadable certificate would make the client refuse all of them.
    let readable = found.filter(|it| RootCertStore::empty().add(it.clone()).is_ok());
    let readable = readable.filter_map(|it| Certificate::from_der(&it).ok());
    readable.reduce(|mut all, one| {
        all.append(one);
        all
    })
}

/// Returns whether the server may answer the same request later.
pub(crate) fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}
