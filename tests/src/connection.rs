//! One connection of a test site: requests are read, noted and answered one after the other.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::sleep;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http2;
use crate::manners::{Close, Manners, Shared};

/// Serves a connection until either side ends it. Errors end it, too: a client may leave at any
/// time.
pub(crate) fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, shared: &Shared) {
    let number = shared.log.opened();
    // A small answer must not wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(shared.manners.idle);
    let _ = match tls {
        None => talk(stream, number, shared),
        Some(config) => {
            sleep(shared.manners.handshake);
            if shared.manners.http2 {
                http2::talk(stream, config, number, shared)
            } else {
                ServerConnection::new(config)
                    .map_err(io::Error::other)
                    .and_then(|tls| talk(StreamOwned::new(tls, stream), number, shared))
            }
        }
    };
    shared.log.closed();
}

fn talk(stream: impl Read + Write, number: usize, shared: &Shared) -> io::Result<()> {
    let Manners { latency, close, .. } = shared.manners;
    let mut stream = BufReader::new(stream);
    while let Some((path, headers)) = head(&mut stream)? {
        let visit = shared.log.arrived(&path, headers, number);
        sleep(latency);
        let answer = shared.answer(&visit);
        let keeps = answer.write(close == Some(Close::Said), stream.get_mut())?;
        if !keeps || close.is_some() {
            break;
        }
    }
    Ok(())
}

type Head = (String, Vec<(String, String)>);

/// The target and the headers of the next request; none if the client is done, or was idle for too
/// long.
fn head(stream: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(0) => return Ok(None),
            Ok(_) if line == "\r\n" => break,
            Ok(_) => lines.push(line),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    let mut lines = lines.iter();
    let target = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Ok(target.map(|target| (target.to_owned(), headers.collect())))
}
