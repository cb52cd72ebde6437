//! The process of the search function: reads its environment, opens the index, and answers requests
//! until Lambda ends it.

use std::env;
use std::future::{Future, ready};
use std::io::{stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use canter_api::{Access, Origins};
use canter_aws::{Clock, Cloud, CloudGenerations, Metrics, Names, Sites};
use canter_core::ports::IndexReader;
use canter_core::time::Moment;
use canter_elastic::LazyIndex;
use canter_ranking::search::SearchIndex;
use canter_search::{CloudStatus, Config, Latency, service};
use canter_tantivy::GenerationsReader;
use tokio::time::timeout;

/// Maximum wait for the index before the first request. Lambda gives a process the most CPU time
/// during its start, which is the time to open the index. The page can be shown without the index.
const HEAD_START: Duration = Duration::from_secs(1);

/// Time after which a search looks for newer generations of an index without a server.
const LOOK: Duration = Duration::from_secs(3);

// The function mostly waits for servers: one thread is enough, and starts faster than several.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let log = tracing_subscriber::fmt().json().flatten_event(true);
    log.with_target(false).with_writer(stderr).init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function cannot run");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> anyhow::Result<()> {
    let config = Config::read(|name| env::var(name))?;
    let clock: Clock = Arc::new(now);
    let metrics = Metrics::new(config.metrics, stdout());
    let names = Names {
        state: config.table,
        bucket: config.bucket,
        pages: String::new(),
        queue: String::new(),
        errands: String::new(),
        dead_letters: String::new(),
    };
    if let Some(place) = config.index {
        let place = Arc::new(place);
        let index = Arc::new(LazyIndex::new(move || {
            let place = Arc::clone(&place);
            async move { place.open().await }
        }));
        // A failure is reported to the first search, which tries to open the index again.
        let _ = timeout(HEAD_START, index.opened()).await;
        let connect = {
            let clock = Arc::clone(&clock);
            move || sites(names.clone(), Arc::clone(&clock))
        };
        return answer(config.origins, index, (connect, clock), metrics).await;
    }
    let cloud = Cloud::connect(names).await;
    let generations = CloudGenerations::new(cloud.clone(), Arc::clone(&clock));
    let index = Arc::new(GenerationsReader::new(generations, &config.room, LOOK)?);
    let _ = timeout(HEAD_START, index.open()).await;
    let connect = {
        let clock = Arc::clone(&clock);
        move || ready(Sites::new(cloud.clone(), Arc::clone(&clock)))
    };
    answer(config.origins, index, (connect, clock), metrics).await
}

/// Answers requests until Lambda ends the process.
async fn answer<I, C, F>(
    origins: Origins,
    index: Arc<I>,
    (connect, clock): (C, Clock),
    metrics: Metrics,
) -> anyhow::Result<()>
where
    I: SearchIndex + IndexReader + 'static,
    C: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Sites> + Send + 'static,
{
    let latency = Latency::new(metrics, Arc::clone(&clock));
    let status = CloudStatus::new(connect, Arc::clone(&index), clock);
    let access = Access {
        origins,
        ..Access::default()
    };
    let router = canter_api::router_for(access, index, Arc::new(status));
    let ended = lambda_http::run(service(router, Arc::new(latency))).await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn sites(names: Names, clock: Clock) -> Sites {
    Sites::new(Cloud::connect(names).await, clock)
}

fn now() -> Moment {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Moment(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
