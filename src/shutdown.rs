//! The signals that ask the process to stop: SIGTERM from an orchestrator, SIGINT from a
//! terminal. How the service stops is up to `app`.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on. The future ends at the first SIGTERM or SIGINT.
///
/// # Errors
///
/// When the system does not let a signal handler be set.
pub fn requested() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "shutting down");
    })
}
