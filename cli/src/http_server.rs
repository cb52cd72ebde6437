//! The HTTP server of the search. It bounds what a client may hold on to: slow clients, and many of
//! them, keep nobody else from an answer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

/// Maximum number of connections. Beside them, a process has some files open.
const MAX_CONNECTIONS: usize = 2_000;
/// Number of open files that the process asks the system for.
const FILES: u64 = 4_096;
/// Number of files that are not connections.
const OTHER_FILES: usize = 200;
/// Maximum size of the head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// Maximum time for the head of a request, and between two requests.
const HEAD: Duration = Duration::from_secs(10);
/// Maximum time for a response.
const RESPONSE: Duration = Duration::from_secs(30);
/// Maximum time for which a client may read nothing of its response.
const UNREAD: Duration = Duration::from_secs(10);
/// Maximum time for the end: requests under way are answered.
const FAREWELL: Duration = Duration::from_secs(3);

/// Answers requests until `ended` resolves.
pub async fn serve(listener: TcpListener, router: Router, ended: impl Future<Output = ()>) {
    let files = rlimit::increase_nofile_limit(FILES).unwrap_or(256);
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let most = files.saturating_sub(OTHER_FILES).clamp(16, MAX_CONNECTIONS);
    let connections = Connections::new(most);
    let graceful = GracefulShutdown::new();
    let mut ended = pin!(ended);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut ended => break,
        };
        let Ok((stream, _)) = accepted else {
            // The system has no room for another connection, or the client has gone already.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(connection) = connections.open() else {
            continue;
        };
        let closed = Arc::clone(&connection.close);
        let answering = graceful.watch(answer(stream, router.clone(), connection));
        tokio::spawn(async move {
            tokio::select! {
                // An error is the client's.
                _ = answering => {}
                () = closed.notified() => {}
            }
        });
    }
    drop(listener);
    let _ = timeout(FAREWELL, graceful.shutdown()).await;
}

/// A connection whose client has to read.
type Stream = TokioIo<Pin<Box<TimeoutStream<TcpStream>>>>;

/// Answers the requests of a connection.
fn answer(
    stream: TcpStream,
    router: Router,
    connection: Connection,
) -> http1::Connection<
    Stream,
    impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send>,
> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(UNREAD));
    let connection = Arc::new(connection);
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, connection) = (router.clone(), Arc::clone(&connection));
        async move {
            let _busy = connection.busy();
            let answering = router.oneshot(request.map(Body::new));
            let answer = timeout(RESPONSE, answering).await;
            answer.unwrap_or_else(|_| Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()))
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
}

/// The open connections.
#[derive(Clone)]
struct Connections {
    open: Arc<Mutex<Open>>,
    most: usize,
}

#[derive(Default)]
struct Open {
    last: u64,
    by_number: HashMap<u64, State>,
}

/// The state of a connection.
struct State {
    /// Since when it has waited for its client; `None` while a request is answered.
    idle: Option<Instant>,
    close: Arc<Notify>,
}

/// An open connection, until it is dropped.
struct Connection {
    number: u64,
    connections: Connections,
    close: Arc<Notify>,
}

impl Connections {
    fn new(most: usize) -> Self {
        Connections {
            open: Arc::default(),
            most,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens another connection. If there are too many, it takes the place of the one that has waited
    /// longest for its client. Returns nothing if all of them are busy.
    fn open(&self) -> Option<Connection> {
        let mut open = self.lock();
        if open.by_number.len() >= self.most {
            let idle = open.by_number.iter();
            let idle = idle.filter_map(|(number, state)| Some((state.idle?, *number)));
            let (_, longest) = idle.min()?;
            let state = open.by_number.remove(&longest)?;
            state.close.notify_one();
        }
        open.last += 1;
        let (number, close) = (open.last, Arc::new(Notify::new()));
        let state = State {
            idle: Some(Instant::now()),
            close: Arc::clone(&close),
        };
        open.by_number.insert(number, state);
        Some(Connection {
            number,
            connections: self.clone(),
            close,
        })
    }
}

impl Connection {
    /// Marks the connection as busy until the result is dropped.
    fn busy(&self) -> Busy<'_> {
        self.set_idle(None);
        Busy(self)
    }

    fn set_idle(&self, idle: Option<Instant>) {
        if let Some(state) = self.connections.lock().by_number.get_mut(&self.number) {
            state.idle = idle;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.lock().by_number.remove(&self.number);
    }
}

/// A request of a connection is answered.
struct Busy<'a>(&'a Connection);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set_idle(Some(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_longest_makes_room() {
        let connections = Connections::new(2);
        let (first, second) = (connections.open().unwrap(), connections.open().unwrap());
        let busy = first.busy();
        let third = connections.open().unwrap();
        let has = |it: &Connection| connections.lock().by_number.contains_key(&it.number);
        assert_eq!([&first, &second, &third].map(has), [true, false, true]);
        let _busy = third.busy();
        assert!(connections.open().is_none(), "all are busy");
        drop(busy);
        drop(second);
        assert!(connections.open().is_some());
        assert!(!has(&first));
    }
}
