//! The threads that read pages.

use std::thread::available_parallelism;

use canter_core::failure::Failure;
use tokio::runtime::{Builder, Handle, Runtime};

/// Threads for reading, as many as there are cores. The runtime's own threads for blocking work
/// would be many more in the course of a crawl, and the heap of each would keep the memory of the
/// largest page that it has read.
pub(crate) struct Readers {
    threads: Handle,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl Readers {
    /// Creates the threads.
    ///
    /// # Errors
    ///
    /// Returns a transient failure if the system allows no further runtime.
    pub(crate) fn new() -> Result<Self, Failure> {
        let cores = available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_current_thread()
            .thread_name("canter-read")
            .max_blocking_threads(cores)
            .build();
        let runtime = runtime.map_err(|error| {
            Failure::transient(format!("cannot start threads that read pages: {error}"))
        })?;
        Ok(Readers {
            threads: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs work on one of the threads.
    ///
    /// # Errors
    ///
    /// Returns a permanent failure if the work panics.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.threads
            .spawn_blocking(work)
            .await
            .map_err(Failure::permanent)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A page that is still being read must not delay the end.
            runtime.shutdown_background();
        }
    }
}
