//! Requests and answers, as the proxy reads and writes them.

use std::io::{self, BufRead, Read, Write};

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query, as they were sent.
    pub path: String,
    /// Headers as they were sent, in order.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first value of a header. Names are compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    /// Without `Accept-Encoding`, so that the answer can be changed.
    pub(super) fn in_plain(mut self) -> Self {
        self.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"));
        self
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers other than those that frame the body.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer of JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Reply::of(status, "application/json", body)
    }

    /// An answer of a media type.
    pub fn of(status: u16, kind: &str, body: impl Into<String>) -> Self {
        Reply {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.into().into_bytes(),
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Without the checksum of the original body.
    pub(super) fn unchecked(mut self) -> Self {
        self.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("x-amz-crc32"));
        self
    }

    pub(super) fn closes(&self) -> bool {
        value(&self.headers, "connection").is_some_and(|it| it.eq_ignore_ascii_case("close"))
    }
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The next request; none if the client is done.
pub(super) fn read_request(stream: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let Some((first, headers)) = head(stream)? else {
        return Ok(None);
    };
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::Error::other(format!("no request: {first}")));
    };
    let body = match length(&headers)? {
        Length::Bytes(length) => exactly(stream, length)?,
        Length::Chunks => chunks(stream)?,
        Length::Unsaid => Vec::new(),
    };
    Ok(Some(Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body,
    }))
}

/// The answer to a request.
pub(super) fn read_reply(stream: &mut impl BufRead, asked: &Asked) -> io::Result<Reply> {
    let Some((first, headers)) = head(stream)? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer: {first}")))?;
    let has_body = asked.method != "HEAD" && status != 204 && status != 304;
    let body = match length(&headers)? {
        _ if !has_body => Vec::new(),
        Length::Bytes(length) => exactly(stream, length)?,
        Length::Chunks => chunks(stream)?,
        Length::Unsaid => {
            let mut body = Vec::new();
            stream.read_to_end(&mut body)?;
            body
        }
    };
    Ok(Reply {
        status,
        headers,
        body,
    })
}

pub(super) fn write_request(stream: &mut impl Write, asked: &Asked) -> io::Result<()> {
    let first = format!("{} {} HTTP/1.1\r\n", asked.method, asked.path);
    let length = Some(asked.body.len());
    write(stream, first, &asked.headers, length, &asked.body)
}

pub(super) fn write_reply(stream: &mut impl Write, asked: &Asked, reply: &Reply) -> io::Result<()> {
    let first = format!("HTTP/1.1 {} Told\r\n", reply.status);
    let is_bare = reply.status == 204 || reply.status == 304 || asked.method == "HEAD";
    let length = (!is_bare).then_some(reply.body.len());
    write(stream, first, &reply.headers, length, &reply.body)
}

fn write(
    stream: &mut impl Write,
    mut head: String,
    headers: &[(String, String)],
    length: Option<usize>,
    body: &[u8],
) -> io::Result<()> {
    for (name, value) in headers {
        // The body is framed anew by its length.
        let frames = ["content-length", "transfer-encoding", "connection"];
        if !frames.iter().any(|frame| name.eq_ignore_ascii_case(frame)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if let Some(length) = length {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

type Head = (String, Vec<(String, String)>);

fn head(stream: &mut impl BufRead) -> io::Result<Option<Head>> {
    let Some(first) = line(stream)? else {
        return Ok(None);
    };
    let mut headers = Vec::new();
    while let Some(line) = line(stream)?.filter(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    Ok(Some((first, headers)))
}

/// A line without its ending; none at the end of the stream.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = stream.read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

enum Length {
    Bytes(usize),
    Chunks,
    Unsaid,
}

fn length(headers: &[(String, String)]) -> io::Result<Length> {
    if value(headers, "transfer-encoding").is_some() {
        return Ok(Length::Chunks);
    }
    let Some(length) = value(headers, "content-length") else {
        return Ok(Length::Unsaid);
    };
    let length = length.parse().map_err(io::Error::other)?;
    Ok(Length::Bytes(length))
}

fn exactly(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// A chunked body (RFC 9112, section 7.1). Chunk extensions are ignored.
fn chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            while line(stream)?.is_some_and(|trailer| !trailer.is_empty()) {}
            return Ok(body);
        }
        body.extend(exactly(stream, size)?);
        line(stream)?;
    }
}
