//! One connection of a test site over HTTP/2: requests are logged as they arrive, and answered one
//! after the other.

use std::io::{self, Cursor};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;

use h2::server::{Builder, Connection};
use rustls::ServerConfig;
use tokio::runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::manners::Shared;

type Socket = TlsStream<tokio::net::TcpStream>;

/// Serves a connection until either side ends it.
pub(crate) fn talk(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    number: usize,
    shared: &Shared,
) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        stream.set_nonblocking(true)?;
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let connection = Builder::new().handshake(stream).await;
        let mut connection = connection.map_err(io::Error::other)?;
        answers(&mut connection, number, shared)
            .await
            .map_err(io::Error::other)
    })
}

async fn answers(
    connection: &mut Connection<Socket, Cursor<Vec<u8>>>,
    number: usize,
    shared: &Shared,
) -> Result<(), h2::Error> {
    let mut answered = 0;
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        let headers = request.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), value.into_owned())
        });
        let visit = shared.log.arrived(path, headers.collect(), number);
        sleep(shared.manners.latency);
        let (head, body) = shared.answer(&visit).http2();
        answered += 1;
        if shared.manners.farewell == Some(answered) {
            connection.graceful_shutdown();
        }
        let mut sending = respond.send_response(head, false)?;
        sending.send_data(Cursor::new(body), true)?;
    }
    Ok(())
}
