//! The encoding of a page, found as browsers do (WHATWG HTML, "Determining the character
//! encoding"): by the byte-order mark, `Content-Type`, the first `meta`, or else a guess.
//!
//! This differs from browsers in four ways, each of which gives more readable text. The whole page
//! is searched for a `meta`, where the standard searches the first 1024 bytes and begins again when
//! it meets one later. A page that names no encoding and is valid UTF-8 counts as UTF-8, where
//! browsers guess legacy encodings only. The guess uses the whole page. And if the page is no text in
//! the encoding that its header names, but in the one that the page names, that one counts.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use url::Url;

/// Minimum number of faults that are no accident.
const MANY: usize = 8;
/// Number of bytes that tell a page in UTF-16.
const START: usize = 16;

/// Decodes a page. Bytes that are not text in its encoding become U+FFFD.
pub(super) fn decode<'b>(body: &'b [u8], content_type: Option<&str>, url: &Url) -> Cow<'b, str> {
    let encoding = detect(body, content_type, url);
    // `decode` obeys a byte-order mark and removes it, which is the first step of the standard.
    let (text, _, is_faulty) = encoding.decode(body);
    if !is_faulty || Encoding::for_bom(body).is_some() {
        return text;
    }
    let guessed = || is_mostly_faulty(&text).then(|| guess(body, url));
    let guessed = std::iter::once_with(guessed).flatten();
    let others = prescan(body).into_iter().chain(guessed);
    let others = others.filter(|other| *other != encoding);
    let mut others = others.filter_map(|other| match other.decode(body) {
        (text, _, false) => Some(text),
        _ => None,
    });
    let other = others.next();
    other.unwrap_or(text)
}

/// Returns whether there are many faults, and most characters beyond ASCII are. A page in UTF-8 may
/// have a few.
fn is_mostly_faulty(text: &str) -> bool {
    let (mut all, mut faults) = (0, 0);
    for character in text.chars().filter(|it| !it.is_ascii()) {
        all += 1;
        faults += usize::from(character == char::REPLACEMENT_CHARACTER);
    }
    faults >= MANY && 2 * faults > all
}

/// The encoding of a page, from its bytes and its `Content-Type`. The host is a hint for the guess.
pub(super) fn detect(body: &[u8], content_type: Option<&str>, url: &Url) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(body) {
        return encoding;
    }
    if let Some(encoding) = utf_16(body) {
        return encoding;
    }
    content_type
        .and_then(|value| label_in(&value.to_ascii_lowercase().into_bytes()))
        .or_else(|| prescan(body))
        .unwrap_or_else(|| guess(body, url))
}

fn guess(body: &[u8], url: &Url) -> &'static Encoding {
    if body.is_ascii() {
        return WINDOWS_1252;
    }
    match std::str::from_utf8(body) {
        Ok(_) => return UTF_8,
        // The page was cut in the middle of a character.
        Err(error) if error.error_len().is_none() => return UTF_8,
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(body, true);
    // The detector panics unless the label is lower-case ASCII.
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

/// The encoding of a page in UTF-16, whatever it says. Markup begins with ASCII, of which every other
/// byte is zero.
fn utf_16(body: &[u8]) -> Option<&'static Encoding> {
    let (pairs, _) = body.get(..START)?.as_chunks::<2>();
    let is = |zero: usize| pairs.iter().all(|it| it[zero] == 0 && it[1 - zero] != 0);
    match (is(0), is(1)) {
        (true, _) => Some(UTF_16BE),
        (_, true) => Some(UTF_16LE),
        _ => None,
    }
}

/// "Prescan a byte stream to determine its encoding", over all of it.
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
            // `<!-->` is a whole comment: the same two hyphens open and close it.
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
    /// The encoding that a `meta` names. The scan is at the end of the element's name.
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

    /// "Get an attribute": name and value in lower case, `Some(None)` at the end of the tag, and
    /// none at the end of the bytes.
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

/// "Extracting a character encoding from a meta element".
fn charset_of(value: &[u8]) -> Option<&'static Encoding> {
    label_in(value).map(as_named_in_ascii)
}

/// The encoding that follows `charset=` in a lower-case value.
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

/// "Get an XML encoding": from `<?xml version="1.0" encoding="…"?>`.
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

/// The encoding that a name written in ASCII can mean: a page that names UTF-16 this way is not in
/// UTF-16.
fn as_named_in_ascii(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else if encoding == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        encoding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(body: &[u8], content_type: Option<&str>) -> &'static str {
        let url = Url::parse("https://example.org/").unwrap();
        detect(body, content_type, &url).name()
    }

    #[test]
    fn cases_of_html5lib() {
        let cases = include_str!("../tests/data/html5lib/encoding.jsonl");
        let mut failed = Vec::new();
        for case in cases.lines() {
            let case: serde_json::Value = serde_json::from_str(case).unwrap();
            // Each byte of the page is written as the character of that number.
            let body: Vec<u8> = case["html"]
                .as_str()
                .unwrap()
                .chars()
                .map(|c| c as u8)
                .collect();
            let id = case["id"].as_str().unwrap();
            let label = case["encoding"].as_str().unwrap();
            let expected = Encoding::for_label(label.as_bytes()).unwrap().name();
            let found = detected(&body, None);
            if found != expected {
                failed.push(format!("{id}: {found} for {expected}"));
            }
        }
        assert_eq!(failed, Vec::<String>::new());
    }

    /// A page in this encoding, whose text is `text` if it is read right.
    fn page(encoding: &'static Encoding, head: &str, text: &str) -> Vec<u8> {
        encoding.encode(&format!("{head}<p>{text}")).0.into_owned()
    }

    #[test]
    fn what_decodes_without_faults_wins() {
        let url = Url::parse("https://example.org/").unwrap();
        let chinese = "\u{4e2d}\u{6587}\u{7f16}\u{7a0b}\u{8bed}\u{8a00}\u{6587}\u{6863}";
        let utf_8 = Some("text/html; charset=utf-8");
        let read = |body: &[u8], content_type| decode(body, content_type, &url).into_owned();
        let named = page(encoding_rs::GBK, "<meta charset=gb2312>", chinese);
        assert!(read(&named, utf_8).ends_with(chinese));
        let unnamed = page(encoding_rs::GBK, "", &chinese.repeat(9));
        assert!(read(&unnamed, utf_8).ends_with(chinese));
        let utf_8_after_all = page(UTF_8, "<meta charset=utf-8>", chinese);
        let gbk = Some("text/html; charset=shift_jis");
        assert!(read(&utf_8_after_all, gbk).ends_with(chinese));
        // A fault in a page that is fine otherwise.
        let mut faulty = page(UTF_8, "", chinese);
        faulty.insert(3, 0xff);
        assert!(read(&faulty, utf_8).ends_with(chinese));
        // Neither has a fault, so the header counts.
        let cyrillic = page(UTF_8, "<meta charset=utf-8>", "\u{436}\u{443}\u{43a}");
        assert!(!read(&cyrillic, Some("text/html; charset=koi8-r")).contains('\u{436}'));
    }

    #[test]
    fn utf_16_needs_no_name() {
        let url = Url::parse("https://example.org/").unwrap();
        let text = "<!DOCTYPE html><p>\u{436}\u{443}\u{43a}";
        let low = text.encode_utf16().flat_map(u16::to_le_bytes);
        let high = text.encode_utf16().flat_map(u16::to_be_bytes);
        for body in [low.collect::<Vec<u8>>(), high.collect()] {
            for content_type in [None, Some("text/html"), Some("text/html; charset=utf-8")] {
                assert_eq!(decode(&body, content_type, &url), text);
            }
        }
    }

    macro_rules! encoding {
        ($($name:ident: $body:expr, $content_type:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                assert_eq!(detected($body, $content_type), $expected);
            })*
        };
    }

    encoding! {
        mark_before_header: b"\xEF\xBB\xBFa", Some("text/html; charset=koi8-r") => "UTF-8",
        mark_of_utf_16: b"\xFF\xFEa\0", None => "UTF-16LE",
        header_before_meta: b"<meta charset=koi8-r>", Some("text/html; charset=utf-8") => "UTF-8",
        header_in_quotes: b"a", Some("text/html; Charset=\"KOI8-R\"; x=y") => "KOI8-R",
        header_with_single_quotes: b"a", Some("text/html;charset='koi8-r'") => "KOI8-R",
        header_of_utf_16_is_meant: b"a\0", Some("text/html; charset=utf-16") => "UTF-16LE",
        unknown_header_says_nothing: b"<meta charset=koi8-r>", Some("text/html; charset=x") => "KOI8-R",
        empty_header_says_nothing: b"<meta charset=koi8-r>", Some("") => "KOI8-R",
        meta_of_utf_16_is_not_meant: b"<meta charset=utf-16>", None => "UTF-8",
        meta_in_a_comment_is_none: b"<!-- <meta charset=koi8-r> -->", None => "windows-1252",
        meta_behind_a_short_comment: b"<!--><meta charset=koi8-r>", None => "KOI8-R",
        first_meta_wins: b"<meta charset=koi8-r><meta charset=utf-8>", None => "KOI8-R",
        xml_declaration: b"<?xml version='1.0' encoding='koi8-r'?><p>", None => "KOI8-R",
        meta_before_xml_declaration:
            b"<?xml encoding='koi8-r'?><meta charset=utf-8>", None => "UTF-8",
        unnamed_utf_8: "caf\u{e9}".as_bytes(), None => "UTF-8",
        unnamed_utf_8_cut_in_a_character: b"caf\xC3", None => "UTF-8",
        unnamed_latin: b"un caf\xE9, d\xE9j\xE0 vu", None => "windows-1252",
        unnamed_cyrillic:
            b"\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0! \xDD\xF2\xEE \xF0\xF3\xF1\xF1\xEA\xE8\xE9 \xF2\xE5\xEA\xF1\xF2.", None => "windows-1251",
        ascii: b"plain", None => "windows-1252",
        nothing: b"", None => "windows-1252",
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        let url = Url::parse("https://example.org/").unwrap();
        let page = decode(b"a\xFFb", Some("text/html; charset=utf-8"), &url);
        assert_eq!(page, "a\u{FFFD}b");
    }

    #[test]
    fn any_host_is_a_hint() {
        for host in [
            "example.org",
            "127.0.0.1",
            "[::1]",
            "localhost",
            "b\u{fc}cher.example",
            "a.",
        ] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            decode(b"caf\xE9", None, &url);
        }
    }
}
