//! A proxy in front of a real server that injects the faults of a network. A rule decides what
//! happens to each request. HTTP/1.1 over loopback, without TLS.

mod exchange;

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use url::Url;

pub use exchange::{Asked, Reply};
use exchange::{read_reply, read_request, write_reply, write_request};

/// What happens to a request.
pub enum Turn {
    /// The server gets it, and the client gets the answer.
    Pass,
    /// The proxy answers; the server never sees it.
    Answer(Reply),
    /// Like [`Turn::Pass`], but after this delay.
    Late(Duration),
    /// The connection is cut; the server never sees the request.
    CutBefore,
    /// The server handles it, and then the connection is cut: its answer is lost.
    CutAfter,
    /// The server gets another body, and the client gets another answer. A rule that lets part of a
    /// request fail keeps that part from the server.
    Change {
        /// What the server gets. An empty body is not sent at all, and the answer starts as an
        /// empty 200.
        body: Vec<u8>,
        /// Turns the server's answer into what the client gets.
        answer: Box<dyn FnOnce(Reply) -> Reply + Send>,
    },
}

/// A request as the proxy saw it, and the status that the client got.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The request.
    pub asked: Asked,
    /// Status of the answer to the client; none if it got no answer.
    pub status: Option<u16>,
    /// When it arrived.
    pub at: Instant,
}

type Rule = dyn Fn(&Asked) -> Turn + Send + Sync;

struct Shared {
    server: SocketAddr,
    rule: Mutex<Arc<Rule>>,
    seen: Mutex<Vec<Seen>>,
    ended: AtomicBool,
}

/// A running proxy; ends when dropped.
pub struct Faults {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Faults {
    /// Starts a proxy in front of a server on this machine. Everything passes until a rule is set.
    pub fn before(server: &Url) -> Self {
        let server = server.socket_addrs(|| None).unwrap()[0];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            rule: Mutex::new(Arc::new(|_: &Asked| Turn::Pass)),
            seen: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ended.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&accepting);
                // An error ends the connection: a client may leave at any time.
                thread::spawn(move || shared.serve(stream));
            }
        });
        Faults { address, shared }
    }

    /// Sets the rule for the following requests. Several threads may call it at once.
    pub fn rule(&self, rule: impl Fn(&Asked) -> Turn + Send + Sync + 'static) {
        *self.shared.rule.lock().unwrap() = Arc::new(rule);
    }

    /// Where the proxy listens.
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}/", self.address)).unwrap()
    }

    /// All requests so far, in order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which ends even if this fails.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut client = BufReader::new(stream);
        let mut server = None;
        while let Some(asked) = read_request(&mut client)? {
            if self.ended.load(Ordering::SeqCst) {
                break;
            }
            let place = self.note(&asked);
            let rule = Arc::clone(&self.rule.lock().unwrap());
            let reply = match rule(&asked) {
                Turn::Pass => self.forward(&mut server, &asked)?,
                Turn::Answer(reply) => reply,
                Turn::Late(delay) => {
                    sleep(delay);
                    // The test may have cleaned up already.
                    if self.ended.load(Ordering::SeqCst) {
                        break;
                    }
                    self.forward(&mut server, &asked)?
                }
                Turn::CutBefore => break,
                Turn::CutAfter => {
                    self.forward(&mut server, &asked)?;
                    break;
                }
                Turn::Change { body, answer } => {
                    let changed = Asked {
                        body,
                        ..asked.clone()
                    };
                    let reply = match changed.body.is_empty() {
                        true => Reply::json(200, ""),
                        false => self.forward(&mut server, &changed.in_plain())?,
                    };
                    answer(reply).unchecked()
                }
            };
            self.seen.lock().unwrap()[place].status = Some(reply.status);
            write_reply(client.get_mut(), &asked, &reply)?;
        }
        Ok(())
    }

    fn note(&self, asked: &Asked) -> usize {
        let mut seen = self.seen.lock().unwrap();
        seen.push(Seen {
            asked: asked.clone(),
            status: None,
            at: Instant::now(),
        });
        seen.len() - 1
    }

    /// Forwards a request, on one connection to the server per connection of the client.
    fn forward(
        &self,
        server: &mut Option<BufReader<TcpStream>>,
        asked: &Asked,
    ) -> io::Result<Reply> {
        let mut stream = match server.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.server)?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        write_request(stream.get_mut(), asked)?;
        let reply = read_reply(&mut stream, asked)?;
        if !reply.closes() {
            *server = Some(stream);
        }
        Ok(reply)
    }
}
