//! The process of the search function: reads its environment, opens the index, and answers requests
//! until Lambda ends it.

use std::env;
use std::io::{stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use canter_aws::{Clock, Cloud, Metrics, Names, Sites};
use canter_core::time::Moment;
use canter_elastic::LazyIndex;
use canter_search::{CloudStatus, Config, Latency, service};
use tokio::time::timeout;

/// Maximum wait for the index before the first request. Lambda gives a process the most CPU time
/// during its start, which is the time to open the index. The page can be shown without the index.
const HEAD_START: Duration = Duration::from_secs(1);

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
    let Config {
        index,
        table,
        metrics,
        origins,
    } = Config::read(|name| env::var(name))?;
    let place = Arc::new(index);
    let index = Arc::new(LazyIndex::new(move || {
        let place = Arc::clone(&place);
        async move { place.open().await }
    }));
    let clock: Clock = Arc::new(now);
    let connect = {
        let clock = Arc::clone(&clock);
        move || sites(table.clone(), Arc::clone(&clock))
    };
    let latency = Latency::new(Metrics::new(metrics, stdout()), Arc::clone(&clock));
    let status = CloudStatus::new(connect, Arc::clone(&index), clock);
    // A failure is reported to the first search, which tries to open the index again.
    let _ = timeout(HEAD_START, index.opened()).await;
    let router = canter_api::router_for(&origins, index, Arc::new(status));
    let ended = lambda_http::run(service(router, Arc::new(latency))).await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn sites(table: String, clock: Clock) -> Sites {
    let names = Names {
        state: table,
        pages: String::new(),
        bucket: String::new(),
        queue: String::new(),
        errands: String::new(),
        dead_letters: String::new(),
    };
    Sites::new(Cloud::connect(names).await, clock)
}

fn now() -> Moment {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Moment(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
