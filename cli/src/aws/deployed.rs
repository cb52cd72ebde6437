//! A stack that this process is connected to.

use std::sync::Arc;

use anyhow::{Result, bail};
use canter_aws::{Cloud, Names, Sites, Steering};
use canter_http::Clock;
use canter_stack::Stack;

use crate::status::no_such_site;
use crate::usage::UsageError;

/// The name under which the requests of this process are billed.
pub const WHO: &str = "shell";

/// A connected stack.
pub struct Deployed {
    pub stack: Stack,
    pub cloud: Cloud,
    pub steering: Steering,
    pub clock: canter_aws::Clock,
}

impl Deployed {
    /// Looks the stack up.
    pub async fn connect(name: &str) -> Result<Self> {
        let stack = Stack::find(name).await?;
        let names = Names {
            pages: stack.pages_table.clone(),
            state: stack.state_table.clone(),
            queue: stack.queue_url.clone(),
            errands: stack.errands_queue_url.clone(),
            dead_letters: stack.dead_letters_url.clone(),
            bucket: stack.archive_bucket.clone(),
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

    pub fn sites(&self) -> &Sites {
        &self.steering.sites
    }

    /// The error for a name that no site of the stack has.
    pub async fn unknown_site(&self, name: &str) -> Result<UsageError> {
        let known = self.sites().all().await?;
        let known = known.iter().map(String::as_str);
        Ok(UsageError::new(no_such_site(name, known)))
    }

    /// Fails if private addresses are wanted and the stack was deployed without permission for
    /// them.
    pub fn check_private(&self, asked: bool) -> Result<()> {
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
