//! Answers of a test site, honest and otherwise.

use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// One answer to a GET.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    length: Length,
    delivery: Delivery,
    delay: Duration,
}

/// What the head says about the length of the body.
#[derive(Debug, Clone, Copy)]
enum Length {
    Right,
    Said(usize),
    /// Not given: the body ends with the connection.
    Unsaid,
}

/// How the bytes are sent.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    AtOnce,
    /// One byte at a time.
    Drip(Duration),
    /// The body is repeated until the client leaves.
    Forever,
    /// The body is sent without a head.
    Raw,
}

impl Answer {
    /// An empty answer.
    pub fn status(status: u16) -> Self {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            length: Length::Right,
            delivery: Delivery::AtOnce,
            delay: Duration::ZERO,
        }
    }

    /// An HTML page.
    pub fn html(body: impl AsRef<[u8]>) -> Self {
        Answer::status(200)
            .header("Content-Type", "text/html; charset=utf-8")
            .body(body)
    }

    /// A page with a title and links. Pages with different titles have different bytes.
    pub fn page<'a>(title: &str, links: impl IntoIterator<Item = &'a str>) -> Self {
        let links: String = links
            .into_iter()
            .map(|link| format!("<li><a href=\"{link}\">to {link}</a></li>"))
            .collect();
        Answer::html(format!(
            "<!doctype html><html lang=en><title>{title}</title>\
             <main><h1>{title}</h1><p>The text of {title}.</p><ul>{links}</ul></main>"
        ))
    }

    /// Plain text.
    pub fn text(body: &str) -> Self {
        Answer::status(200)
            .header("Content-Type", "text/plain")
            .body(body)
    }

    /// A redirect with status 301.
    pub fn redirect(to: &str) -> Self {
        Answer::status(301).header("Location", to)
    }

    /// Bytes that are sent as they are, including the head; then the connection is closed.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Answer {
            delivery: Delivery::Raw,
            ..Answer::status(200).body(bytes)
        }
    }

    /// With another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// With a head that claims this length, whatever is sent.
    #[must_use]
    pub fn claiming(mut self, length: usize) -> Self {
        self.length = Length::Said(length);
        self
    }

    /// With a body that ends where the connection ends.
    #[must_use]
    pub fn until_close(mut self) -> Self {
        self.length = Length::Unsaid;
        self
    }

    /// With a body that never ends.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.length = Length::Unsaid;
        self.delivery = Delivery::Forever;
        self
    }

    /// With one byte of the body per `every`.
    #[must_use]
    pub fn dripping(mut self, every: Duration) -> Self {
        self.delivery = Delivery::Drip(every);
        self
    }

    /// Sent after this delay.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With its body in a content coding: `gzip`, `deflate`, `br` or `zstd`. Panics for any other.
    #[must_use]
    pub fn coded(mut self, coding: &str) -> Self {
        self.body = encode(coding, &self.body).unwrap();
        self.header("Content-Encoding", coding)
    }

    /// Head and body of the answer for HTTP/2, where lengths and deliveries do not apply.
    pub(crate) fn http2(self) -> (http::Response<()>, Vec<u8>) {
        sleep(self.delay);
        let mut head = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            head = head.header(name, value);
        }
        (head.body(()).unwrap(), self.body)
    }

    /// Writes the answer. Says whether the connection can carry another one.
    pub(crate) fn write(&self, closes: bool, to: &mut impl Write) -> io::Result<bool> {
        sleep(self.delay);
        if let Delivery::Raw = self.delivery {
            to.write_all(&self.body)?;
            return to.flush().map(|()| false);
        }
        let mut head = format!("HTTP/1.1 {} Told\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match self.length {
            Length::Right if matches!(self.status, 204 | 304) => {}
            Length::Right => head += &format!("Content-Length: {}\r\n", self.body.len()),
            Length::Said(length) => head += &format!("Content-Length: {length}\r\n"),
            Length::Unsaid => head += "Connection: close\r\n",
        }
        if closes {
            head += "Connection: close\r\n";
        }
        let head = [head.as_bytes(), b"\r\n"].concat();
        match self.delivery {
            Delivery::Drip(every) => {
                to.write_all(&head)?;
                for byte in &self.body {
                    to.write_all(&[*byte])?;
                    to.flush()?;
                    sleep(every);
                }
            }
            Delivery::Forever => {
                to.write_all(&head)?;
                loop {
                    to.write_all(&self.body)?;
                }
            }
            Delivery::AtOnce | Delivery::Raw => {
                // In one write, so that a small answer is one packet.
                to.write_all(&[head.as_slice(), &self.body].concat())?;
            }
        }
        to.flush()?;
        // If fewer bytes were sent than claimed, the connection must be closed.
        Ok(match self.length {
            Length::Right => true,
            Length::Said(length) => length <= self.body.len(),
            Length::Unsaid => false,
        })
    }
}

fn encode(coding: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
        "br" => {
            let mut coded = Vec::new();
            let parameters = brotli::enc::BrotliEncoderParams::default();
            brotli::BrotliCompress(&mut &body[..], &mut coded, &parameters)?;
            Ok(coded)
        }
        "zstd" => zstd::encode_all(body, 1),
        other => Err(io::Error::other(format!("no such coding: {other}"))),
    }
}
