//! Who may use the API, and how much of it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use canter_core::address::is_this_machine;
use canter_core::failure::Failure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use url::{Host, Url};

use crate::origins::Origins;
use crate::problem::Problem;

/// Maximum number of searches at once over an index that others hold.
const MANY: usize = 64;
/// Maximum number of requests that wait for others to end.
const MAX_WAITING: usize = 256;
/// Maximum time for which a request waits for others to end.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Who may use the API, and how much of it at once.
#[derive(Debug, Clone)]
pub struct Access {
    /// Sites whose pages may call the API from a browser.
    pub origins: Origins,
    /// Names by which the service may be asked.
    pub hosts: Hosts,
    /// Maximum number of searches at once; others wait.
    pub searches: usize,
}

impl Default for Access {
    /// Everybody, for an index that answers many searches at once.
    fn default() -> Self {
        Access {
            origins: Origins::default(),
            hosts: Hosts::default(),
            searches: MANY,
        }
    }
}

/// Names by which a service may be asked.
#[derive(Debug, Clone, Default)]
pub enum Hosts {
    /// All names.
    #[default]
    Any,
    /// The names and addresses of this machine, and these names. A page that binds a name of its own
    /// to this machine (DNS rebinding) is refused: the browser still sends that name.
    ThisMachine(Vec<String>),
}

impl Hosts {
    /// Returns whether a request was sent to one of them. A request with two names must have two of
    /// them; one without a name is no browser's.
    fn admit(&self, request: &Request) -> bool {
        let headers = request.headers().get_all(header::HOST).into_iter();
        let headers = headers.map(|host| host.to_str().unwrap_or_default());
        let target = request.uri().authority().map(Authority::as_str);
        headers.chain(target).all(|name| self.has(name))
    }

    /// Returns whether a name is among them, which may have a port.
    fn has(&self, asked: &str) -> bool {
        let Hosts::ThisMachine(others) = self else {
            return true;
        };
        let Ok(url) = Url::parse(&format!("http://{asked}/")) else {
            return false;
        };
        let is_whole = url.path() == "/" && url.username().is_empty() && url.query().is_none();
        is_whole
            && match url.host() {
                Some(_) if others.iter().any(|other| url.host_str() == Some(other)) => true,
                Some(Host::Domain(name)) => {
                    let name = name.trim_end_matches('.');
                    name.ends_with(".localhost") || is_this_machine(&Host::Domain(name))
                }
                Some(host) => is_this_machine(&host),
                None => false,
            }
    }
}

/// Refuses a request that was sent to another name.
pub(crate) async fn check_host(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    if hosts.admit(&request) {
        return next.run(request).await;
    }
    let detail = "This service answers to the names of its own machine only; its option --origin \
                  names others.";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
}

/// The searches that are under way.
#[derive(Debug)]
pub(crate) struct Load {
    room: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Load {
    pub(crate) fn new(searches: usize) -> Self {
        Load {
            room: Arc::new(Semaphore::new(searches.max(1))),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Does work of a search when there is room for it. Work that has begun is ended, whether its
    /// client waits or not: a search runs on a thread, which cannot be stopped.
    pub(crate) async fn carry<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Problem> {
        let room = self.enter().await?;
        let working = tokio::spawn(async move {
            let done = work.await;
            drop(room);
            done
        });
        let done = working.await;
        let done = done.unwrap_or_else(|error| Err(Failure::permanent(error)));
        done.map_err(|failure| Problem::failed(&failure))
    }

    /// Waits for room for a search, which is given back when the result is dropped.
    async fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
            return Ok(room);
        }
        let waiting = Waiting::join(&self.waiting).ok_or_else(busy)?;
        let room = timeout(MAX_WAIT, Arc::clone(&self.room).acquire_owned()).await;
        drop(waiting);
        match room {
            Ok(Ok(room)) => Ok(room),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

fn busy() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many searches at once; ask again soon.",
    )
}

/// A place among those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Waiting(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        let others = ["docs.example.org", "192.168.1.5"].map(str::to_owned);
        let hosts = Hosts::ThisMachine(others.to_vec());
        let cases = [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("search.localhost:1", true),
            ("127.0.0.1:8080", true),
            ("127.9.9.9", true),
            ("[::1]:8080", true),
            ("docs.example.org", true),
            ("docs.example.org:443", true),
            ("192.168.1.5", true),
            ("evil.example.org", false),
            ("localhost.evil.org", false),
            ("127.0.0.1.evil.org", false),
            ("10.0.0.1", false),
            ("evil.org@localhost", false),
            ("localhost/x", false),
            ("", false),
            ("[::1", false),
        ];
        for (name, expected) in cases {
            assert_eq!(hosts.has(name), expected, "{name}");
        }
        assert!(Hosts::Any.has("evil.example.org"));
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so() {
        let load = Load::new(1);
        let first = load.enter().await.unwrap();
        let others: Vec<_> = (0..MAX_WAITING).map(|_| load.enter()).collect();
        let mut others = Box::pin(futures_util::future::join_all(others));
        assert!(futures_util::poll!(&mut others).is_pending());
        let refused = load.enter().await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(first);
        drop(others);
        assert!(load.enter().await.is_ok(), "those who left do not count");
        assert_eq!(load.waiting.load(Ordering::Relaxed), 0);
    }
}
