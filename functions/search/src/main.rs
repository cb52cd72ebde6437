//! The search function's process: reads its surroundings, opens the index, and answers requests
//! until Lambda ends it.

use std::env;
use std::io::stderr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use canter_aws::{Clock, Cloud, Names, Sites};
use canter_core::time::Moment;
use canter_elastic::LazyIndex;
use canter_search::{CloudStatus, Config, service};
use tokio::time::timeout;

/// Lambda gives a process the most CPU time before it asks for a request: the index is opened by
/// then, unless that takes longer than this, since the page can be shown without it.
const HEAD_START: Duration = Duration::from_secs(1);

// What is waited for is servers: one thread is enough, and starts at once.
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
    let status = CloudStatus::new(connect, Arc::clone(&index), clock);
    // A failure is told to whoever searches, who tries again.
    let _ = timeout(HEAD_START, index.opened()).await;
    let router = canter_api::router_for(&origins, index, Arc::new(status));
    let ended = lambda_http::run(service(router)).await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn sites(table: String, clock: Clock) -> Sites {
    let names = Names {
        state: table,
        pages: String::new(),
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
