//! What a crawl of any site takes of AWS, page by page, through the servers that
//! `localstack/up --stack test` started:
//! `cargo run -p canter-fetch --example measure -- URL RPS WORKERS`

#![expect(clippy::print_stdout, reason = "figures are for a person")]
#![expect(clippy::unwrap_used, reason = "a measurement may end by a panic")]

#[path = "../tests/fetch/world/mod.rs"]
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use canter_tantivy::TantivyIndex;
use world::crawling::crawl;
use world::{Place, spec};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, rate, workers] = arguments.as_slice() else {
        panic!("usage: measure URL RPS WORKERS");
    };
    let spec = spec(url, Some(rate.parse().unwrap()));
    let place = Place::create(Duration::from_secs(120)).await;
    let folder = tempfile::tempdir().unwrap();
    let index = Arc::new(TantivyIndex::open(folder.path()).unwrap());
    let began = Instant::now();
    let counts = crawl(&place, &spec, &index, workers.parse().unwrap()).await;
    println!("{counts:?} in {:?}", began.elapsed());
    print_usage(&place, counts.pages);
}

/// What the crawl took.
fn print_usage(place: &Place, pages: u64) {
    let mut reads = 0.0;
    let mut writes = 0.0;
    for ((service, operation), line) in place.cloud.meter.lines() {
        reads += line.read_units;
        writes += line.write_units;
        println!(
            "{service:9} {operation:20} {:6} {:.3} a page, {:.3} read, {:.3} write units",
            line.sent,
            line.sent / pages as f64,
            line.read_units / pages as f64,
            line.write_units / pages as f64,
        );
    }
    println!(
        "{pages} pages: {:.2} read, {:.2} write units each",
        reads / pages as f64,
        writes / pages as f64
    );
}
