//! A small real site that ships with canter, served from memory: some 80 pages of SQLite's
//! documentation, put together by `demo/build.py`, public domain (see `NOTICE` in the archive).
//!
//! It answers like a well-kept server, so that a crawl of it is typical: one address per page,
//! strong ETags with 304 for a fresh copy, robots.txt, 404.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::get;
use canter_core::task::UrlKey;
use flate2::read::GzDecoder;
use tar::Archive;

const ARCHIVE: &[u8] = include_bytes!("../demo/site.tar.gz");

const ROBOTS: &[u8] = b"User-agent: *\nAllow: /\n";

/// Unpacks the site into memory (some 2 MB).
pub(crate) fn site() -> io::Result<Router> {
    let mut files = HashMap::new();
    for entry in Archive::new(GzDecoder::new(ARCHIVE)).entries()? {
        let mut entry = entry?;
        let path = format!("/{}", entry.path()?.display());
        let mut body = Vec::new();
        entry.read_to_end(&mut body)?;
        // The first page is served at the shorter address only.
        let path = match path.as_str() {
            "/index.html" => "/".to_owned(),
            _ => path,
        };
        files.insert(path.clone(), File::new(&path, body.into())?);
    }
    let robots = File::new("/robots.txt", Bytes::from_static(ROBOTS))?;
    files.insert("/robots.txt".to_owned(), robots);
    Ok(Router::new().fallback_service(get(answer).with_state(Arc::new(files))))
}

struct File {
    body: Bytes,
    etag: HeaderValue,
    kind: HeaderValue,
}

impl File {
    fn new(path: &str, body: Bytes) -> io::Result<Self> {
        let etag = format!("\"{}\"", UrlKey::hash(&body));
        Ok(File {
            etag: HeaderValue::try_from(etag).map_err(io::Error::other)?,
            kind: HeaderValue::from_static(kind(path)),
            body,
        })
    }
}

async fn answer(
    State(files): State<Arc<HashMap<String, File>>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if uri.path() == "/index.html" {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        let first = HeaderValue::from_static("/");
        response.headers_mut().insert(header::LOCATION, first);
        return response;
    }
    let Some(file) = files.get(uri.path()) else {
        let mut response = Response::new(Body::from("There is no such page.\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        return response;
    };
    let mut response = if holds(&headers, &file.etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(file.body.clone()));
        let kind = file.kind.clone();
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    };
    let etag = file.etag.clone();
    response.headers_mut().insert(header::ETAG, etag);
    response
}

/// Whether the client's copy is fresh, by weak comparison (RFC 9110, section 13.1.2).
fn holds(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        None if path == "/" => "text/html; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("gif") => "image/gif",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn send(method: &str, path: &str, tag: &str) -> (u16, HeaderMap, Bytes) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("if-none-match", tag).body(Body::empty());
        let response = site().unwrap().oneshot(request.unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (head.status.as_u16(), head.headers, body)
    }

    /// `name: method, path => status, content type, what the body holds`.
    macro_rules! answers {
        ($($name:ident: $method:expr, $path:expr => $status:expr, $kind:expr, $part:expr;)*) => {
            $(#[tokio::test]
            async fn $name() {
                let (status, headers, body) = send($method, $path, "").await;
                assert_eq!(status, $status);
                let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
                assert_eq!(kind, $kind);
                assert!(String::from_utf8_lossy(&body).contains($part));
            })*
        };
    }

    answers! {
        first_page: "GET", "/" => 200, "text/html; charset=utf-8", "<title>SQLite Home Page";
        a_page: "GET", "/wal.html" => 200, "text/html; charset=utf-8", "<title>Write-Ahead Logging";
        a_query_is_nothing: "GET", "/wal.html?x=1" => 200, "text/html; charset=utf-8", "Write-Ahead";
        style: "GET", "/sqlite.css" => 200, "text/css; charset=utf-8", "body";
        image: "GET", "/images/sqlite370_banner.gif" => 200, "image/gif", "GIF8";
        robots: "GET", "/robots.txt" => 200, "text/plain; charset=utf-8", "Allow: /";
        notice: "GET", "/NOTICE" => 200, "text/plain; charset=utf-8", "public domain";
        one_address_for_the_first_page: "GET", "/index.html" => 301, "", "";
        left_out: "GET", "/download.html" => 404, "text/plain; charset=utf-8", "no such page";
        no_sitemap: "GET", "/sitemap.xml" => 404, "text/plain; charset=utf-8", "no such page";
        only_reading: "POST", "/wal.html" => 405, "", "";
        head: "HEAD", "/wal.html" => 200, "text/html; charset=utf-8", "";
    }

    #[tokio::test]
    async fn a_copy_that_is_still_right_is_not_sent_again() {
        let (_, headers, _) = send("GET", "/wal.html", "\"other\"").await;
        let tag = headers["etag"].to_str().unwrap();
        for tags in [tag, "*", &format!("W/{tag}"), &format!("\"a\", {tag}")] {
            let (status, headers, body) = send("GET", "/wal.html", tags).await;
            assert_eq!((status, body.len()), (304, 0), "{tags}");
            assert_eq!(headers["etag"], tag);
        }
    }
}
