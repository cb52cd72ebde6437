//! Crawls in a deployed stack, steered from here: what is crawled goes on without this process.

mod bill;
mod course;
mod crawl;
mod end;
mod status;
mod stop;
mod watch;

use std::sync::Arc;

use anyhow::{Result, bail};
use canter_aws::{Cloud, Names, Sites, Steering};
use canter_http::Clock;
use canter_stack::Stack;

use crate::status::no_such_site;
use crate::usage::UsageError;

pub use crawl::crawl;
pub use status::status;
pub use stop::stop;

/// Whose bill the requests of this process are.
const WHO: &str = "shell";

/// A stack, connected.
struct Deployed {
    stack: Stack,
    cloud: Cloud,
    steering: Steering,
    clock: canter_aws::Clock,
}

impl Deployed {
    /// Looks the stack up.
    async fn connect(name: &str) -> Result<Self> {
        let stack = Stack::find(name).await?;
        let names = Names {
            pages: stack.pages_table.clone(),
            state: stack.state_table.clone(),
            queue: stack.queue_url.clone(),
            errands: stack.errands_queue_url.clone(),
            dead_letters: stack.dead_letters_url.clone(),
        };
        let cloud = Cloud::connect(names).await;
        let clock = Clock::start();
        let clock: canter_aws::Clock = Arc::new(move || clock.now());
        Ok(Deployed {
            steering: Steering::new(cloud.clone(), Arc::clone(&clock)),
            stack,
            cloud,
            clock,
        })
    }

    fn sites(&self) -> &Sites {
        &self.steering.sites
    }

    /// The error for a name that no site of the stack has.
    async fn unknown_site(&self, name: &str) -> Result<UsageError> {
        let known = self.sites().all().await?;
        let known = known.iter().map(String::as_str);
        Ok(UsageError::new(no_such_site(name, known)))
    }

    /// Private addresses are what the stack's functions were permitted when it was deployed.
    fn check_private(&self, asked: bool) -> Result<()> {
        if asked && !self.stack.allow_private {
            bail!(
                "the stack {} may not fetch from private addresses: deploy it with \
                 AllowPrivate=true, or leave --allow-private out",
                self.stack.name
            );
        }
        Ok(())
    }
}
