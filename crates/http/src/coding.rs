//! Decodes content codings (RFC 9110 §8.4) as browsers do: in any letter case, several of them in
//! sequence, and with the mistakes that servers make with `deflate` and `gzip`.
//!
//! reqwest knows only a single coding in lower case, and would decode it on the thread that fires
//! slots.

use std::io::{self, BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use brotli_decompressor::Decompressor;
use canter_core::ports::{Head, Response};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

/// Value of the header `Accept-Encoding`.
pub(crate) const ACCEPTED: &str = "gzip, br, zstd, deflate";
/// Maximum number of codings of a body.
const MAX_CODINGS: usize = 5;
/// Maximum size of zstd's window, as the logarithm of 8 MiB (RFC 9659 §3).
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Size of a decoder's buffer, in bytes.
const BUFFER: usize = 16 * 1024;
/// Maximum time for decoding a body, and the bytes of the limit that earn another second. A page takes
/// milliseconds. A body that takes longer is counted as larger than the limit: it may be short itself
/// and decode to gigabytes of nothing in between.
const PATIENCE: Duration = Duration::from_secs(5);
const MORE: usize = 4 << 20;

/// A coding that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The codings of a response in the order in which they were applied, or why they cannot be
/// decoded. Names that are not codings (`identity`, `utf-8`, `none`) are ignored.
pub(crate) fn codings(head: &Head) -> Result<Vec<Coding>, String> {
    let mut codings = Vec::new();
    let names = head.headers.all("content-encoding");
    for name in names.flat_map(|value| value.split(',')).map(str::trim) {
        codings.push(match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Coding::Gzip,
            "deflate" => Coding::Deflate,
            "br" => Coding::Brotli,
            "zstd" => Coding::Zstd,
            "compress" | "x-compress" | "dcb" | "dcz" => {
                return Err(format!("its content coding {name:?} cannot be read"));
            }
            _ => continue,
        });
    }
    if codings.len() > MAX_CODINGS {
        return Err(format!("it has {} content codings", codings.len()));
    }
    Ok(codings)
}

/// Decodes the body of a response up to `limit` bytes, away from the calling thread.
pub(crate) async fn decoded(mut response: Response, limit: usize) -> Result<Response, String> {
    if response.body.is_empty() {
        return Ok(response);
    }
    let codings = codings(&response.head)?;
    if codings.is_empty() {
        return Ok(response);
    }
    let (body, was_cut) = (response.body, response.cut);
    let patience = PATIENCE + Duration::from_secs((limit / MORE) as u64);
    let decode = move || decode(&body, &codings, limit, was_cut, Instant::now() + patience);
    let (body, cut) = tokio::task::spawn_blocking(decode)
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("its content coding is broken: {error}"))?;
    response.bytes = body.len() as u64;
    response.body = body;
    response.cut = cut;
    Ok(response)
}

/// The decoded body, and whether there is more of it. A body that `was_cut` is decoded as far as it
/// goes. What is not decoded by the deadline is left out.
fn decode(
    body: &[u8],
    codings: &[Coding],
    limit: usize,
    was_cut: bool,
    deadline: Instant,
) -> io::Result<(Vec<u8>, bool)> {
    let mut reader: Box<dyn BufRead + '_> = Box::new(body);
    for coding in codings.iter().rev() {
        let decoder = match coding.decoder(reader, deadline) {
            Ok(decoder) => decoder,
            Err(error) if was_cut || is_late(&error) => return Ok((Vec::new(), true)),
            Err(error) => return Err(error),
        };
        let bounded = Bounded { decoder, deadline };
        reader = Box::new(BufReader::with_capacity(BUFFER, bounded));
    }
    let mut decoded = Vec::new();
    let read = reader
        .take((limit as u64).saturating_add(1))
        .read_to_end(&mut decoded);
    let cut = was_cut || decoded.len() > limit || read.as_ref().is_err_and(is_late);
    if !cut {
        read?;
    }
    decoded.truncate(limit);
    Ok((decoded, cut))
}

impl Coding {
    fn decoder<'a>(
        self,
        mut coded: Box<dyn BufRead + 'a>,
        deadline: Instant,
    ) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Coding::Gzip => Box::new(Members {
                current: Some(GzDecoder::new(coded)),
                deadline,
            }),
            // `deflate` is the format of zlib (RFC 9110 §8.4.1.2), but some servers leave that out.
            Coding::Deflate if is_zlib(coded.fill_buf()?) => Box::new(ZlibDecoder::new(coded)),
            Coding::Deflate => Box::new(DeflateDecoder::new(coded)),
            Coding::Brotli => Box::new(Decompressor::new(coded, BUFFER)),
            Coding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(coded)?;
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }
}

/// A decoder that fails after its deadline.
struct Bounded<R> {
    decoder: R,
    deadline: Instant,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        in_time(self.deadline)?;
        self.decoder.read(buffer)
    }
}

fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

fn in_time(deadline: Instant) -> io::Result<()> {
    if Instant::now() < deadline {
        Ok(())
    } else {
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Whether data begins with zlib's header (RFC 1950 §2.2).
fn is_zlib(data: &[u8]) -> bool {
    match data {
        [method, flags, ..] => {
            method & 15 == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

/// Reads all members of a gzip file (RFC 1952 §2.2), and ignores what follows the last one.
struct Members<R> {
    current: Option<GzDecoder<R>>,
    deadline: Instant,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.current {
            // A body may have any number of empty members.
            in_time(self.deadline)?;
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let rest = self.current.take().map(GzDecoder::into_inner);
            if let Some(mut rest) = rest
                && rest.fill_buf()?.starts_with(b"\x1f\x8b")
            {
                self.current = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use canter_core::ports::Headers;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    type Coder = fn(&[u8]) -> Vec<u8>;

    const TEXT: &[u8] = b"a page, a page, a page";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn bare_deflate(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(text: &[u8]) -> Vec<u8> {
        let mut coded = Vec::new();
        let parameters = brotli::enc::BrotliEncoderParams::default();
        brotli::BrotliCompress(&mut &text[..], &mut coded, &parameters).unwrap();
        coded
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 1).unwrap()
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn head(values: &[&str]) -> Head {
        let headers = values
            .iter()
            .map(|value| ("Content-Encoding".to_owned(), (*value).to_owned()));
        Head {
            status: 200,
            headers: Headers(headers.collect()),
        }
    }

    /// Decodes a body with these headers; none if that fails.
    fn read(values: &[&str], body: &[u8]) -> Option<Vec<u8>> {
        let codings = codings(&head(values)).ok()?;
        let (body, cut) = decode(body, &codings, 1000, false, later()).ok()?;
        assert!(!cut);
        Some(body)
    }

    macro_rules! codings {
        ($($name:ident: $headers:expr, $body:expr => $expected:expr,)*) => {
            $(#[test]
            fn $name() {
                let body: Vec<u8> = $body;
                let expected: Option<&[u8]> = $expected;
                assert_eq!(read(&$headers, &body).as_deref(), expected);
            })*
        };
    }

    codings! {
        in_small_letters: ["gzip"], gzip(TEXT) => Some(TEXT),
        in_capitals: ["GZIP"], gzip(TEXT) => Some(TEXT),
        by_its_old_name: ["x-gzip"], gzip(TEXT) => Some(TEXT),
        two_members: ["gzip"], [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat() => Some(TEXT),
        zeros_after_a_member: ["gzip"], [gzip(TEXT), vec![0; 50]].concat() => Some(TEXT),
        deflate: ["Deflate"], zlib(TEXT) => Some(TEXT),
        bare: ["deflate"], bare_deflate(TEXT) => Some(TEXT),
        br: ["Br"], brotli(TEXT) => Some(TEXT),
        zst: ["zstd"], zstd(TEXT) => Some(TEXT),
        two_frames: ["zstd"], [zstd(&TEXT[..9]), zstd(&TEXT[9..])].concat() => Some(TEXT),
        one_over_the_other: ["gzip, br"], brotli(&gzip(TEXT)) => Some(TEXT),
        in_two_headers: ["deflate", "gzip ,zstd"], zstd(&gzip(&zlib(TEXT))) => Some(TEXT),
        none: [], TEXT.to_vec() => Some(TEXT),
        identity: ["identity"], TEXT.to_vec() => Some(TEXT),
        identity_beside_another: ["identity, gzip"], gzip(TEXT) => Some(TEXT),
        no_coding_at_all: ["utf-8", ""], TEXT.to_vec() => Some(TEXT),
        lies: ["gzip"], TEXT.to_vec() => None,
        lies_about_the_order: ["br, gzip"], brotli(&gzip(TEXT)) => None,
        breaks_off: ["gzip"], gzip(TEXT)[..20].to_vec() => None,
        cannot_be_read: ["compress"], TEXT.to_vec() => None,
        too_many: ["gzip,gzip,gzip,gzip,gzip,gzip"], TEXT.to_vec() => None,
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let nothing = vec![0; 4 << 20];
        let coders: [(&str, Coder); 4] = [
            ("gzip", gzip),
            ("deflate", zlib),
            ("br", brotli),
            ("zstd", zstd),
        ];
        for (name, coder) in coders {
            let codings = codings(&head(&[name, name])).unwrap();
            let bomb = coder(&coder(&nothing));
            let (body, cut) = decode(&bomb, &codings, 1000, false, later()).unwrap();
            assert_eq!((body.len(), cut), (1000, true), "{name}");
        }
    }

    /// A fuzz target: the first line is `Content-Encoding`, the rest the body.
    #[test]
    fn any_body() {
        bolero::check!().for_each(|input: &[u8]| {
            let mut halves = input.splitn(2, |byte| *byte == b'\n');
            let names = String::from_utf8_lossy(halves.next().unwrap_or_default());
            let body = halves.next().unwrap_or_default();
            let Ok(codings) = codings(&head(&[&names])) else {
                return;
            };
            for was_cut in [false, true] {
                let deadline = Instant::now() + Duration::from_secs(1);
                if let Ok((decoded, cut)) = decode(body, &codings, 10_000, was_cut, deadline) {
                    assert!(decoded.len() <= 10_000);
                    assert!(cut || !was_cut);
                }
            }
        });
    }

    /// Gigabytes of empty members decode to nothing, so only time ends them. zstd's empty frames
    /// likewise.
    #[test]
    fn a_bomb_of_nothing_does_not_go_off() {
        let coders: [(&str, Coder); 2] = [("gzip", gzip), ("zstd", zstd)];
        for (name, coder) in coders {
            let nothing = coder(b"").repeat(1 << 20);
            let bomb = (0..3).fold(nothing, |bomb, _| gzip(&bomb.repeat(8)));
            let codings = codings(&head(&[name, "gzip, gzip", "gzip"])).unwrap();
            nothing_comes(&bomb, &codings);
        }
        // What is decoded last asks for a first byte before it begins.
        let bomb = (0..2).fold(gzip(b"").repeat(1 << 20), |bomb, _| gzip(&bomb.repeat(8)));
        nothing_comes(
            &bomb,
            &codings(&head(&["deflate", "gzip, gzip, gzip"])).unwrap(),
        );
    }

    fn nothing_comes(bomb: &[u8], codings: &[Coding]) {
        let began = Instant::now();
        let deadline = began + Duration::from_millis(100);
        let (body, cut) = decode(bomb, codings, 1000, false, deadline).unwrap();
        assert_eq!((body.len(), cut), (0, true), "{codings:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{codings:?}");
    }

    #[test]
    fn of_a_body_that_was_cut_the_beginning_is_read() {
        let coded = gzip(&TEXT.repeat(1000));
        let half = &coded[..coded.len() / 2];
        let (body, cut) = decode(half, &[Coding::Gzip], 1 << 20, true, later()).unwrap();
        assert!(cut && body.starts_with(TEXT));
    }
}
