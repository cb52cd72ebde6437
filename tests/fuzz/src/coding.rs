//! Content codings: the first line is `Content-Encoding`, the rest the body.

use std::time::Duration;

use canter_core::ports::{Head, Headers};
use canter_http::decode;

use crate::halves;

/// Maximum number of bytes that are decoded.
const LIMIT: usize = 10_000;

#[test]
fn codings() {
    bolero::check!().for_each(|input: &[u8]| {
        let (names, body) = halves(input);
        let names = String::from_utf8_lossy(names).into_owned();
        let head = Head {
            status: 200,
            headers: Headers(vec![("content-encoding".into(), names)]),
        };
        for was_cut in [false, true] {
            let patience = Duration::from_secs(1);
            if let Ok((decoded, cut)) = decode(&head, body, LIMIT, was_cut, patience) {
                assert!(decoded.len() <= LIMIT);
                assert!(cut || !was_cut);
            }
        }
    });
}
