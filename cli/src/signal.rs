//! The signals that ask the process to end.

use std::process::exit;
use std::time::{Duration, Instant};

/// Time within which a second signal may be an echo of the first one: a parent process may repeat
/// the signal that the whole process group got.
const ECHO: Duration = Duration::from_millis(500);

/// Ends the process at the next signal, after one that asked for an orderly end.
pub async fn end_at_once() {
    let first = Instant::now();
    loop {
        signal().await;
        if first.elapsed() > ECHO {
            exit(130);
        }
    }
}

/// Resolves when the user or the system asks the process to end. After this call, signals no longer
/// end the process by themselves.
#[cfg(unix)]
pub fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async {
        let [interrupt, terminate] = signals.map(async |signal| match signal {
            Ok(mut signal) => drop(signal.recv().await),
            // Without a handler the system ends the process itself.
            Err(_) => std::future::pending().await,
        });
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}

/// Resolves when the user asks the process to end.
#[cfg(not(unix))]
pub async fn signal() {
    // Without a handler the system ends the process itself.
    let _ = tokio::signal::ctrl_c().await;
}
