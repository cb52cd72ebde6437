//! Which encoding a page is in, as browsers find it (WHATWG HTML, "Determining the character
//! encoding"): byte-order mark, `Content-Type`, the first `meta` in 1024 bytes, then a guess.
//!
//! Two differences, both towards more readable text: a page that names no encoding is taken as
//! UTF-8 when all of it is valid UTF-8, where browsers only guess legacy encodings; and the guess
//! sees the whole page, not its first bytes.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use url::Url;

/// How much of a page is searched for a `meta` that names its encoding.
const PRESCAN: usize = 1024;

/// The page as text; what is no text in its encoding becomes U+FFFD.
pub(super) fn decode<'b>(body: &'b [u8], content_type: Option<&str>, url: &Url) -> Cow<'b, str> {
    let encoding = detect(body, content_type, url);
    // This removes a byte-order mark and obeys it, which is the first step of the standard.
    encoding.decode(body).0
}

/// The encoding of a page, from its bytes and its `Content-Type`; the host is a hint for the
/// guess.
pub(super) fn detect(body: &[u8], content_type: Option<&str>, url: &Url) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(body) {
        return encoding;
    }
    content_type
        .and_then(|value| label_in(&value.to_ascii_lowercase().into_bytes()))
        .or_else(|| prescan(&body[..body.len().min(PRESCAN)]))
        .unwrap_or_else(|| guess(body, url))
}

fn guess(body: &[u8], url: &Url) -> &'static Encoding {
    if body.is_ascii() {
        return WINDOWS_1252;
    }
    match std::str::from_utf8(body) {
        Ok(_) => return UTF_8,
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => return UTF_8,
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(body, true);
    // The detector panics at anything but a lower-case ASCII label.
    let suffix = url
        .domain()
        .and_then(|domain| domain.rsplit('.').next())
        .filter(|label| {
            label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
    detector.guess(suffix.map(str::as_bytes), Utf8Detection::Deny)
}

/// "Prescan a byte stream to determine its encoding".
fn prescan(bytes: &[u8]) -> Option<&'static Encoding> {
    if bytes.starts_with(b"<\0?\0x\0") {
        return Some(UTF_16LE);
    }
    if bytes.starts_with(b"\0<\0?\0x") {
        return Some(UTF_16BE);
    }
    let mut scan = Scan { bytes, at: 0 };
    while scan.at < bytes.len() {
        let rest = &bytes[scan.at..];
        if rest.starts_with(b"<!--") {
            // `<!-->` is a whole comment: its two hyphens open and close it.
            let end = find(&rest[2..], b"-->")?;
            scan.at += 2 + end + 3;
        } else if is_meta(rest) {
            scan.at += 5;
            if let Some(encoding) = scan.meta() {
                return Some(encoding);
            }
        } else if is_tag(rest) {
            scan.at += rest.iter().position(|b| is_space(*b) || *b == b'>')?;
            while scan.attribute()?.is_some() {}
        } else if matches!(rest, [b'<', b'!' | b'/' | b'?', ..]) {
            scan.at += rest.iter().position(|b| *b == b'>')? + 1;
        } else {
            scan.at += 1;
        }
    }
    xml_encoding(bytes)
}

fn is_meta(rest: &[u8]) -> bool {
    rest.len() > 5
        && rest[..5].eq_ignore_ascii_case(b"<meta")
        && (is_space(rest[5]) || rest[5] == b'/')
}

fn is_tag(rest: &[u8]) -> bool {
    match rest {
        [b'<', b'/', letter, ..] | [b'<', letter, ..] => letter.is_ascii_alphabetic(),
        _ => false,
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0C' | b'\r' | b' ')
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Scan<'_> {
    /// The encoding that a `meta` names, from behind its name on.
    fn meta(&mut self) -> Option<&'static Encoding> {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut got_pragma = false;
        let mut need_pragma = None;
        let mut charset = None;
        while let Some((name, value)) = self.attribute()? {
            if seen.contains(&name) {
                continue;
            }
            match &name[..] {
                b"http-equiv" => got_pragma |= value == b"content-type",
                b"content" if charset.is_none() => {
                    charset = charset_of(&value);
                    if charset.is_some() {
                        need_pragma = Some(true);
                    }
                }
                b"charset" => {
                    charset = Encoding::for_label(&value).map(as_named_in_ascii);
                    need_pragma = Some(false);
                }
                _ => {}
            }
            seen.push(name);
        }
        match need_pragma? {
            true if !got_pragma => None,
            _ => charset,
        }
    }

    /// "Get an attribute": name and value in lower case, `Some(None)` at the end of the tag,
    /// none at the end of the bytes.
    #[expect(clippy::type_complexity, reason = "read by its two callers only")]
    fn attribute(&mut self) -> Option<Option<(Vec<u8>, Vec<u8>)>> {
        while is_space(self.byte()?) || self.byte()? == b'/' {
            self.at += 1;
        }
        if self.byte()? == b'>' {
            self.at += 1;
            return Some(None);
        }
        let mut name = Vec::new();
        loop {
            let byte = self.byte()?;
            match byte {
                b'=' if !name.is_empty() => break,
                b'/' | b'>' => return Some(Some((name, Vec::new()))),
                _ if is_space(byte) => {
                    self.spaces()?;
                    if self.byte()? != b'=' {
                        return Some(Some((name, Vec::new())));
                    }
                    break;
                }
                _ => name.push(byte.to_ascii_lowercase()),
            }
            self.at += 1;
        }
        self.at += 1;
        self.spaces()?;
        let mut value = Vec::new();
        match self.byte()? {
            quote @ (b'"' | b'\'') => {
                self.at += 1;
                while self.byte()? != quote {
                    value.push(self.byte()?.to_ascii_lowercase());
                    self.at += 1;
                }
                self.at += 1;
            }
            _ => {
                while !is_space(self.byte()?) && self.byte()? != b'>' {
                    value.push(self.byte()?.to_ascii_lowercase());
                    self.at += 1;
                }
            }
        }
        Some(Some((name, value)))
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn spaces(&mut self) -> Option<()> {
        while is_space(self.byte()?) {
            self.at += 1;
        }
        Some(())
    }
}

/// "Extracting a character encoding from a meta element", and what a page can mean by it.
fn charset_of(value: &[u8]) -> Option<&'static Encoding> {
    label_in(value).map(as_named_in_ascii)
}

/// The encoding that follows `charset=` in a value in lower case.
fn label_in(value: &[u8]) -> Option<&'static Encoding> {
    let mut rest = value;
    loop {
        rest = &rest[find(rest, b"charset")? + 7..];
        if let [b'=', label @ ..] = rest.trim_ascii_start() {
            return Encoding::for_label(unquoted(label.trim_ascii_start())?);
        }
    }
}

fn unquoted(label: &[u8]) -> Option<&[u8]> {
    match label {
        [quote @ (b'"' | b'\''), rest @ ..] => {
            let end = rest.iter().position(|byte| byte == quote)?;
            Some(&rest[..end])
        }
        _ => {
            let end = label.iter().position(|b| is_space(*b) || *b == b';');
            Some(&label[..end.unwrap_or(label.len())])
        }
    }
}

/// "Get an XML encoding": of `<?xml version="1.0" encoding="…"?>`.
fn xml_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    if !bytes.starts_with(b"<?xml") {
        return None;
    }
    let declaration = &bytes[..find(bytes, b">")?];
    let rest = declaration[find(declaration, b"encoding")? + 8..].trim_ascii_start();
    let [b'=', rest @ ..] = rest else {
        return None;
    };
    match rest.trim_ascii_start() {
        quoted @ [b'"' | b'\'', ..] => {
            Encoding::for_label(unquoted(quoted)?).map(as_named_in_ascii)
        }
        _ => None,
    }
}

/// A page that names UTF-16 in ASCII is not in UTF-16.
fn as_named_in_ascii(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else if encoding == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        encoding
    }
}
