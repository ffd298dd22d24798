//! Says on a terminal that a command still waits, for how long, and how long it may take at most.
//!
//! What is waited for goes on as it is: a thread beside it writes to standard error.

use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::output::duration;

/// Whoever waits for less needs no word.
const SILENCE: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(500);
/// Clears the line that was written before.
const CLEAR: &str = "\r\u{1b}[K";

/// Something that takes long. Its line is cleared when this is dropped.
#[derive(Debug)]
pub(super) struct Progress(Option<(SyncSender<()>, JoinHandle<()>)>);

impl Progress {
    /// Begins to wait for `what`, which takes `longest` at most, where that is known.
    pub(super) fn start(what: impl Into<String>, longest: Option<Duration>) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let what = what.into();
        let (end, ended) = sync_channel::<()>(0);
        let said = thread::Builder::new().name("progress".into()).spawn(move || {
            let start = Instant::now();
            let mut pause = SILENCE;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                // If standard error is closed, nobody can read this.
                let _ = write!(io::stderr(), "{CLEAR}{}", line(&what, start.elapsed(), longest));
                pause = INTERVAL;
            }
            if start.elapsed() >= SILENCE {
                let _ = write!(io::stderr(), "{CLEAR}");
            }
        });
        // Without a thread the command does the same, and says nothing.
        Self(said.ok().map(|thread| (end, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

fn line(what: &str, elapsed: Duration, longest: Option<Duration>) -> String {
    let elapsed_text = duration(elapsed);
    match longest.map(|longest| longest.saturating_sub(elapsed)) {
        Some(left) => format!("{what}: {elapsed_text} so far, {} left at most", duration(left)),
        None => format!("{what}: {elapsed_text} so far"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_said_with_the_time_that_is_left() {
        let seconds = Duration::from_secs;
        let text = line("waiting", seconds(3), Some(seconds(10)));
        assert_eq!(text, "waiting: 3s so far, 7s left at most");
        let text = line("waiting", seconds(12), Some(seconds(10)));
        assert_eq!(text, "waiting: 12s so far, 0s left at most");
        assert_eq!(line("waiting", seconds(61), None), "waiting: 1m 1s so far");
    }
}
