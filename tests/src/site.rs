//! A site on 127.0.0.1 in five lines:
//!
//! ```
//! use canter_tests::Site;
//! let site = Site::new()
//!     .page("/", ["/a", "/b"])
//!     .redirect("/a", "/b")
//!     .page("/b", [])
//!     .robots("User-agent: *\nDisallow: /c")
//!     .start();
//! assert!(site.url("/").starts_with("http://127.0.0.1:"));
//! ```
//!
//! Each connection has a thread and blocking calls, so that a server's bad manners are simple to
//! write.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::answer::Answer;
use crate::connection::serve;
use crate::log::{Log, Visit};
use crate::manners::{Close, Manners, Reply, Shared};
use crate::tls::Authority;

/// A site that is being defined.
pub struct Site {
    replies: HashMap<String, Reply>,
    otherwise: Reply,
    manners: Manners,
    authority: Option<Authority>,
    watched: bool,
}

impl Default for Site {
    fn default() -> Self {
        Site::new()
    }
}

impl Site {
    /// A site without pages.
    pub fn new() -> Self {
        Site {
            replies: HashMap::new(),
            otherwise: Arc::new(|_| Answer::status(404)),
            manners: Manners::default(),
            authority: None,
            watched: false,
        }
    }

    /// A site with the pages `/p/0` to `/p/{count - 1}`. Each is reached from `/` in several ways.
    pub fn web(count: usize) -> Self {
        let root: Vec<String> = (0..count.min(10)).map(|n| format!("/p/{n}")).collect();
        let mut site = Site::new().page("/", root.iter().map(String::as_str));
        for n in 0..count {
            let links = [
                n * 10 + 10,
                n * 10 + 11,
                n * 10 + 12,
                n * 10 + 13,
                n * 10 + 14,
            ]
            .into_iter()
            .chain(n * 10 + 15..n * 10 + 20)
            .chain([n + 1, n / 2, n * 7])
            .filter(|&to| to < count);
            let links: Vec<String> = links.map(|to| format!("/p/{to}")).collect();
            site = site.page(&format!("/p/{n}"), links.iter().map(String::as_str));
        }
        site
    }

    /// With a page that links to others. Its title is its path.
    #[must_use]
    pub fn page<'a>(self, path: &str, links: impl IntoIterator<Item = &'a str>) -> Self {
        self.answer(path, Answer::page(path, links))
    }

    /// With a path that always has the same answer.
    #[must_use]
    pub fn answer(self, path: &str, answer: Answer) -> Self {
        self.reply(path, move |_| answer.clone())
    }

    /// With a path that has these answers in turn. The last one is repeated.
    #[must_use]
    pub fn answers(self, path: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<Answer> = answers.into_iter().collect();
        self.reply(path, move |visit| {
            answers[visit.nth.min(answers.len() - 1)].clone()
        })
    }

    /// With a path whose answer depends on the request.
    #[must_use]
    pub fn reply(
        mut self,
        path: &str,
        reply: impl Fn(&Visit) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.replies.insert(path.to_owned(), Arc::new(reply));
        self
    }

    /// With an answer for all other paths, instead of 404.
    #[must_use]
    pub fn otherwise(mut self, reply: impl Fn(&Visit) -> Answer + Send + Sync + 'static) -> Self {
        self.otherwise = Arc::new(reply);
        self
    }

    /// With a permanent redirect.
    #[must_use]
    pub fn redirect(self, from: &str, to: &str) -> Self {
        self.answer(from, Answer::redirect(to))
    }

    /// With a robots.txt.
    #[must_use]
    pub fn robots(self, text: &str) -> Self {
        self.answer("/robots.txt", Answer::text(text))
    }

    /// Delays each answer.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.manners.latency = latency;
        self
    }

    /// Closes each connection after one answer, and announces it.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.manners.close = Some(Close::Said);
        self
    }

    /// Closes each connection after one answer, without announcing it.
    #[must_use]
    pub fn closing_silently(mut self) -> Self {
        self.manners.close = Some(Close::Silent);
        self
    }

    /// Closes connections that were idle for this time.
    #[must_use]
    pub fn closing_when_idle(mut self, idle: Duration) -> Self {
        self.manners.idle = Some(idle);
        self
    }

    /// Over TLS. The server waits for `handshake` before it reads the client's hello, which
    /// simulates a slow connection: a TCP handshake cannot be delayed on loopback.
    #[must_use]
    pub fn tls(mut self, authority: &Authority, handshake: Duration) -> Self {
        self.authority = Some(authority.clone());
        self.manners.handshake = handshake;
        self
    }

    /// Over TLS and HTTP/2 only. Lengths and deliveries of answers do not apply here.
    #[must_use]
    pub fn http2(mut self, authority: &Authority) -> Self {
        self.authority = Some(authority.clone());
        self.manners.http2 = true;
        self
    }

    /// Over HTTP/2, sends GOAWAY with the answer to the request of this number on each connection.
    #[must_use]
    pub fn leaving_after(mut self, requests: usize) -> Self {
        self.manners.farewell = Some(requests);
        self
    }

    /// Counts the machine's stalls, for tests of times.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.watched = true;
        self
    }

    /// Serves the site on a free port until the result is dropped.
    pub fn start(self) -> Serving {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        let protocol: &[u8] = if self.manners.http2 {
            b"h2"
        } else {
            b"http/1.1"
        };
        let tls = self
            .authority
            .map(|authority| authority.server(&[protocol]));
        let shared = Arc::new(Shared {
            replies: Mutex::new(self.replies),
            otherwise: self.otherwise,
            manners: self.manners,
            log: Arc::new(Log::new()),
        });
        let ended = Arc::new(AtomicBool::new(false));
        let serving = Serving {
            address,
            scheme,
            shared: Arc::clone(&shared),
            ended: Arc::clone(&ended),
        };
        if self.watched {
            let (log, ended) = (Arc::clone(&shared.log), Arc::clone(&ended));
            thread::spawn(move || log.watch_for_stalls(&ended));
        }
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (tls, shared) = (tls.clone(), Arc::clone(&shared));
                thread::spawn(move || serve(stream, tls, &shared));
            }
        });
        serving
    }
}

/// A running site.
pub struct Serving {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    ended: Arc<AtomicBool>,
}

impl Serving {
    /// The absolute URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests so far.
    pub fn log(&self) -> &Log {
        &self.shared.log
    }

    /// Changes the answer of a path from now on.
    pub fn set(&self, path: &str, answer: Answer) {
        let replies = self.shared.replies.lock();
        let reply: Reply = Arc::new(move |_| answer.clone());
        replies
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), reply);
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the accepting thread. Fails if it has ended already.
        let _ = TcpStream::connect(self.address);
    }
}
