//! The signals that ask the process to stop: SIGTERM from an orchestrator, SIGINT from a
//! terminal. How the service stops is up to `app`.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// A signal that asks the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// Sent by an orchestrator.
    Terminate,
    /// Sent by a terminal.
    Interrupt,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Listens from now on. The first future ends at the first SIGTERM or SIGINT, the second one at the
/// one after that, which asks the process to end at once.
///
/// # Errors
///
/// When the system does not let a signal handler be set.
pub fn requested()
-> io::Result<(impl Future<Output = StopSignal>, impl Future<Output = StopSignal>)> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    let (pass_on, passed_on) = oneshot::channel();
    let first = async move {
        let signal = signals.next().await;
        tracing::info!(signal = signal.name(), "shutting down");
        let _ = pass_on.send(signals);
        signal
    };
    let second = async move {
        // Whoever drops the first future has ended the service already.
        let Ok(mut signals) = passed_on.await else { return pending().await };
        let signal: StopSignal = signals.next().await;
        tracing::warn!(signal = signal.name(), "asked again, ending at once");
        signal
    };
    Ok((first, second))
}

impl Signals {
    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }
}

impl StopSignal {
    /// Its name, as `kill -l` has it with `SIG` before.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }
}
