//! The fetch function and the function of errands. Both are this program, each with a queue of its
//! own.

use std::collections::HashSet;
use std::env;
use std::io::stdout;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lambda_events::sqs::SqsEvent;
use canter_aws::{Cloud, CloudGenerations, CrawlSpec, Metrics};
use canter_core::domain::authority;
use canter_elastic::{ElasticIndex, LazyIndex};
use canter_engine::cloud::{Deadline, Parts, Worker};
use canter_fetch::{Config, Function, Standby};
use canter_http::{Clock, HttpConfig, HttpFetcher};
use canter_tantivy::GenerationsIndex;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let began = Instant::now();
    // The log is lines of JSON. The template's alarms refer to their field names.
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_ansi(false)
        .init();
    let config = Arc::new(Config::read(|name| env::var(name).ok())?);
    let cloud = Cloud::connect(config.names.clone()).await;
    let Some(room) = config.room() else {
        let (of_server, opened) = (Arc::clone(&config), move || {
            let config = Arc::clone(&config);
            async move { ElasticIndex::open(&config.index().await?.patience(PATIENCE)).await }
        });
        let index = (LazyIndex::new(opened), true);
        return serve(index, &of_server, cloud, began).await;
    };
    let clock = Clock::start();
    let generations = CloudGenerations::new(cloud.clone(), Arc::new(move || clock.now()));
    let index = (GenerationsIndex::new(generations, room), false);
    serve(index, &config, cloud, began).await
}

/// Works on the events of a queue, with an index into which pages are put one by one or not.
async fn serve<I: Standby + 'static>(
    (index, page_by_page): (I, bool),
    config: &Config,
    cloud: Cloud,
    began: Instant,
) -> Result<(), Error> {
    let allow_private = config.allow_private;
    let worker = Worker::new(Parts {
        cloud,
        index: Arc::new(index),
        page_by_page,
        clock: Clock::start(),
        fetcher: Box::new(move |spec| HttpFetcher::start(http(spec, allow_private))),
    })?;
    let limits = (config.max_receives, config.memory_gb);
    let metrics = Metrics::new(config.metrics.clone(), stdout());
    let function = Function::new(Arc::new(worker), limits, metrics, began);
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        let deadline = Deadline::before(left(event.context.deadline));
        Ok::<_, Error>(Box::pin(function.handle(event.payload, deadline)).await)
    }))
    .await
}

/// Time without an answer after which the index counts as unavailable. Messages then wait in the
/// queue, at no cost.
const PATIENCE: Duration = Duration::from_secs(10);

fn left(deadline_ms: u64) -> Duration {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_millis(deadline_ms).saturating_sub(now)
}

/// Returns the settings for requests. Private addresses are permitted if both the stack and the
/// site's spec permit them.
fn http(spec: &CrawlSpec, allow_private: bool) -> HttpConfig {
    let permitted = spec.allow_private && allow_private;
    let seeds = spec.site.seeds.iter().filter(|_| permitted);
    HttpConfig {
        user_agent: spec.user_agent.clone(),
        private: seeds.map(authority).collect::<HashSet<_>>(),
    }
}
