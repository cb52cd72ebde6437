//! The connection: one exchange with the server, and the sentences for what goes wrong in it.

use std::error::Error as StdError;
use std::io;
use std::time::{Duration, Instant};

use canter_core::failure::Failure;
use canter_core::patience;
use elasticsearch::Error;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::Method;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use rustls::RootCertStore;
use serde_json::Value;
use url::{Host, Url};

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

/// So many characters of a text, on one line.
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
    url: Url,
    index: String,
    has_key: bool,
    timeout: Duration,
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
            timeout,
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
        let mut tries = Tries::new(patience);
        loop {
            let answer = self.exchange(method, path, body.as_deref()).await;
            let failure = match answer {
                Ok(answer) if is_busy(answer.status) => self.refusal(&answer),
                Err(failure @ Failure::Transient(_)) => failure,
                settled => return settled,
            };
            if !tries.again().await {
                return Err(failure);
            }
        }
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
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(&answer));
        }
        answer.json().ok_or_else(|| self.not_understood(&answer))
    }

    /// Why an answer is no success, in a sentence.
    pub(crate) fn refusal(&self, answer: &Answer) -> Failure {
        let url = &self.url;
        let (kind, reason) = answer.error();
        match answer.status {
            401 if self.has_key => Failure::permanent(format!(
                "Elasticsearch at {url} does not accept the API key in CANTER_INDEX_API_KEY (401)"
            )),
            401 => Failure::permanent(format!(
                "Elasticsearch at {url} wants an API key (401): set CANTER_INDEX_API_KEY"
            )),
            403 => self.forbidden(&reason),
            404 if kind == "index_not_found_exception" => self.vanished(),
            status if is_busy(status) || status >= 500 => Failure::transient(format!(
                "Elasticsearch at {url} is not able to answer now ({status}{})",
                told(&kind, &reason)
            )),
            _ if kind.is_empty() && reason.is_empty() => self.not_understood(answer),
            status => Failure::permanent(format!(
                "Elasticsearch at {url} refused a request ({status}{})",
                told(&kind, &reason)
            )),
        }
    }

    /// The key does not give access to what canter needs.
    pub(crate) fn forbidden(&self, reason: &str) -> Failure {
        let (url, index) = (&self.url, &self.index);
        let who = match self.has_key {
            true => "the API key in CANTER_INDEX_API_KEY may not do that",
            false => "that needs an API key, set CANTER_INDEX_API_KEY",
        };
        Failure::permanent(format!(
            "Elasticsearch at {url} forbids what canter asks for (403{}): {who}; to search takes \
             the privileges `monitor` of the cluster and `read` and `view_index_metadata` of the \
             index {index}, to crawl also `create_index`, `write` and `maintenance`",
            told("", reason)
        ))
    }

    /// The index was there when it was opened.
    pub(crate) fn vanished(&self) -> Failure {
        Failure::permanent(format!(
            "the index {} at {} is gone, somebody deleted it: run `canter crawl` again to fill a \
             new one",
            self.index, self.url
        ))
    }

    /// Something answered, but nothing that Elasticsearch would say.
    pub(crate) fn not_understood(&self, answer: &Answer) -> Failure {
        let kind = match answer.kind.split(';').next() {
            None | Some("") => "no content type",
            Some(kind) => kind,
        };
        Failure::permanent(format!(
            "{} is no Elasticsearch: it answered {} with {kind}; canter needs Elasticsearch 7.10 or \
             newer, or OpenSearch",
            self.url, answer.status
        ))
    }

    /// Why there is no answer, in a sentence.
    fn silence(&self, error: &Error) -> Failure {
        let url = &self.url;
        if error.is_timeout() {
            return Failure::transient(format!(
                "Elasticsearch at {url} does not answer within {} s",
                self.timeout.as_secs_f32()
            ));
        }
        let mut causes = vec![error as &dyn StdError];
        while let Some(deeper) = causes.last().copied().and_then(StdError::source) {
            causes.push(deeper);
        }
        let all: String = causes.iter().map(|cause| format!("{cause}\n")).collect();
        let last = causes.last().map(|cause| quote(&cause.to_string()));
        let last = last.unwrap_or_default();
        let io = causes
            .iter()
            .rev()
            .find_map(|cause| cause.downcast_ref::<io::Error>());
        if all.contains("dns error") {
            let host = url.host_str().unwrap_or_default();
            return Failure::transient(format!(
                "there is no host {host} (from the index's URL {url}): {last}"
            ));
        }
        if all.contains("certificate") {
            return Failure::permanent(format!(
                "{url} is not to be trusted: {last}; let the system trust the authority that \
                 signed its certificate, or name that one's file in SSL_CERT_FILE"
            ));
        }
        if all.contains("InvalidContentType") {
            return Failure::permanent(format!(
                "{url} does not speak TLS: write http: where it is to be spoken to in plain"
            ));
        }
        match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Failure::transient(format!(
                "no Elasticsearch runs at {url} (connection refused)"
            )),
            _ => Failure::transient(format!(
                "the connection to Elasticsearch at {url} failed ({last})"
            )),
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

/// Type and reason behind a status, where there are any.
fn told(kind: &str, reason: &str) -> String {
    match (kind, reason) {
        ("", "") => String::new(),
        ("", reason) => format!(", {reason}"),
        (kind, "") => format!(", {kind}"),
        (kind, reason) => format!(", {kind}: {reason}"),
    }
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

/// How often and until when something is tried.
pub(crate) struct Tries {
    patience: Duration,
    since: Instant,
    failed: u32,
}

impl Tries {
    /// The first try begins now.
    pub(crate) fn new(patience: Duration) -> Self {
        Tries {
            patience,
            since: Instant::now(),
            failed: 0,
        }
    }

    /// A try brought part of it about: what is left has as much patience as at the beginning.
    pub(crate) fn progressed(&mut self) {
        *self = Tries::new(self.patience);
    }

    /// Waits before the next try; false when patience has run out. The waits are those of the core,
    /// so that many workers come back apart.
    pub(crate) async fn again(&mut self) -> bool {
        let wait = patience::back_off(self.failed, fastrand::f64());
        self.failed += 1;
        // A short patience is for tests; waits are as much shorter as it is.
        let wait = wait.min(self.patience / 8);
        if self.since.elapsed() + wait >= self.patience {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }
}
