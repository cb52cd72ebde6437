//! A query string, asked over an index of a few pages.

use std::panic::RefUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use canter_api::{NoStatus, router};
use canter_core::document::Document;
use canter_core::ports::IndexWriter;
use canter_core::time::Moment;
use canter_page::read;
use canter_tantivy::TantivyIndex;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use url::Url;

const PAGES: [&str; 3] = [
    "<title>asyncio.gather</title><h1 id=gather>gather</h1><p>Run awaitable objects at once.",
    "<html lang=de><title>Die Mühle</title><h1>Die Mühle</h1><p>Sie mahlt <code>C++</code>.",
    "<title>索引</title><h1>索引</h1><p>数据库 and שלום, foreign_key, 3.14.",
];

#[test]
fn queries() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let index = TantivyIndex::open(folder.path()).unwrap();
    let documents = (1..).zip(PAGES).map(|(number, html)| {
        let url = Url::parse(&format!("https://example.org/{number}")).unwrap();
        Document {
            site: "s".into(),
            page: read(html.as_bytes(), None, &url),
            url,
            fetched_at: Moment::from_millis(number),
            version: number << 10,
            inlinks: Default::default(),
        }
    });
    runtime.block_on(async {
        index.put(documents.collect()).await.unwrap();
        index.flush().await.unwrap();
    });
    let service = router(Arc::new(index), Arc::new(NoStatus));
    let asked = Asked(service, runtime);
    bolero::check!().for_each(|query: &[u8]| asked.check(query));
}

/// The service, and the runtime that it answers in.
struct Asked(Router, Runtime);

// Each request is a new one.
impl RefUnwindSafe for Asked {}

impl Asked {
    fn check(&self, query: &[u8]) {
        let query = query.iter().map(|byte| match byte {
            b'"'
            | b'#'
            | b'<'
            | b'>'
            | b'\\'
            | b'^'
            | b'`'
            | b'{'
            | b'|'
            | b'}'
            | ..=b' '
            | 127.. => {
                format!("%{byte:02X}")
            }
            byte => char::from(*byte).to_string(),
        });
        let query = query.collect::<String>();
        for path in ["/api/v1/search", "/api/v1/suggest", "/"] {
            let request = Request::get(format!("{path}?{query}"));
            let Ok(request) = request.body(Body::empty()) else {
                return;
            };
            let (status, body) = self.1.block_on(async {
                let answer = self.0.clone().oneshot(request).await.unwrap();
                let status = answer.status();
                (status, to_bytes(answer.into_body(), 1 << 20).await.unwrap())
            });
            let expected = [StatusCode::OK, StatusCode::BAD_REQUEST];
            assert!(expected.contains(&status), "{status}");
            assert!(std::str::from_utf8(&body).is_ok());
        }
    }
}
