//! When to stop: the signals by which people and orchestrators ask for it.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens from now on; the future is done at the first SIGTERM or SIGINT.
///
/// # Errors
///
/// When the system lets no handler be set.
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
