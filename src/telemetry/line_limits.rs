//! Keeps the log from being filled: what repeats is written a few times a minute for each kind.
//!
//! A kind is a place in the code that logs. Libraries log for each connection and frame that is wrong,
//! and peers cause those, so of each kind of theirs one line a minute is written. millpond logs
//! changes of state, and some of those can go back and forth quickly: of each kind of its own so many
//! lines a minute are written that no state is missed. How many lines were left out is logged once a
//! minute, and at the end. Debug lines are not limited: whoever asks for those wants all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// The time for which lines are counted, and how often is told what was left out.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many lines of a kind are written in it: of millpond's own, and of libraries'.
const OWN_LINES: u64 = 100;
const LINES: u64 = 1;
const OWN_TARGET: &str = "millpond";

/// Which lines were written when, and how many were left out. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LineLimits(Arc<Mutex<HashMap<Identifier, Kind>>>);

/// The lines of one place in the code.
#[derive(Debug)]
struct Kind {
    metadata: &'static Metadata<'static>,
    /// When the first of those was written that are counted.
    since: Instant,
    written: u64,
    left_out: u64,
}

impl LineLimits {
    /// Logs once a minute how many lines were left out. Never returns.
    pub async fn report(self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.log_left_out();
        }
    }

    /// Logs how many lines were left out since that was last logged.
    pub fn log_left_out(&self) {
        for (metadata, count) in self.take_left_out() {
            let (target, line) = (metadata.target(), metadata.name());
            tracing::info!(of = target, line, count, "log lines of this kind were left out");
        }
    }

    fn take_left_out(&self) -> Vec<(&'static Metadata<'static>, u64)> {
        let mut kinds = self.0.lock();
        let some = kinds.values_mut().filter(|kind| kind.left_out > 0);
        some.map(|kind| (kind.metadata, std::mem::take(&mut kind.left_out))).collect()
    }

    /// Whether a line may be written at `now`. Notes that it is, or that it is left out.
    fn admit(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        // Whoever asks for debug lines wants all of them.
        if *metadata.level() > Level::INFO {
            return true;
        }
        let mut kinds = self.0.lock();
        let new = || Kind { metadata, since: now, written: 0, left_out: 0 };
        let kind = kinds.entry(metadata.callsite()).or_insert_with(new);
        if now.duration_since(kind.since) >= INTERVAL {
            (kind.since, kind.written) = (now, 0);
        }
        let is_admitted = kind.written < most_lines(metadata);
        kind.written += u64::from(is_admitted);
        kind.left_out += u64::from(!is_admitted);
        is_admitted
    }
}

impl<S> Filter<S> for LineLimits {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        self.admit(event.metadata(), Instant::now())
    }
}

fn most_lines(metadata: &Metadata<'_>) -> u64 {
    let module = metadata.target().split("::").next();
    if module == Some(OWN_TARGET) { OWN_LINES } else { LINES }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Layer as _, fmt, registry};

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `log` writes, and how many are left out of each kind.
    fn lines(log: impl Fn()) -> (Vec<String>, Vec<u64>) {
        let (limits, written) = (LineLimits::default(), Written::default());
        let writer = written.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).without_time();
        let subscriber = registry().with(layer.with_filter(limits.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let written = String::from_utf8(written.0.lock().clone()).unwrap();
        let left_out = limits.take_left_out().into_iter().map(|(_, count)| count).collect();
        (written.lines().map(str::to_owned).collect(), left_out)
    }

    #[test]
    fn what_libraries_say_is_written_once_for_each_kind_and_the_rest_is_counted() {
        let (lines, left_out) = lines(|| {
            for number in 0..5 {
                tracing::warn!(target: "h2::proto", number, "a frame is wrong");
                tracing::info!(target: "rustls", number, "a connection is refused");
            }
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().all(|line| line.contains('0')), "the first of each: {lines:?}");
        assert_eq!(left_out, [4, 4]);
    }

    #[test]
    fn what_millpond_says_now_and_then_and_what_is_asked_for_by_level_is_written() {
        let (lines, left_out) = lines(|| {
            for number in 0..3 {
                tracing::warn!(target: "millpond::app", number, "memory is short");
                tracing::debug!(target: "h2::proto", number, "a frame");
            }
        });
        assert_eq!((lines.len(), left_out.len()), (6, 0), "{lines:?}");
    }

    #[test]
    fn of_what_millpond_repeats_a_hundred_lines_are_written_and_the_rest_is_counted() {
        let (lines, left_out) = lines(|| {
            for number in 0..150 {
                tracing::info!(target: "millpond::app", number, "memory is short");
            }
            tracing::info!(target: "millpond::app", "memory is not short any more");
        });
        assert_eq!((lines.len(), left_out), (101, vec![50]));
        assert!(lines[100].contains("not short"), "another kind has lines of its own: {lines:?}");
    }

    #[test]
    fn a_line_of_a_kind_is_written_again_after_a_minute() {
        let limits = LineLimits::default();
        let start = Instant::now();
        let admitted = |seconds| {
            let now = start + Duration::from_secs(seconds);
            let mut admitted = None;
            let seen = |metadata| admitted = Some(limits.admit(metadata, now));
            metadata_of_a_library(seen);
            admitted.unwrap()
        };
        assert_eq!([0, 1, 59, 60, 61].map(admitted), [true, false, false, true, false]);
    }

    fn metadata_of_a_library(seen: impl FnOnce(&'static Metadata<'static>)) {
        let callsite = tracing::callsite! {
            name: "a line",
            kind: tracing::metadata::Kind::EVENT,
            target: "h2",
            level: Level::WARN,
            fields:
        };
        seen(tracing::Callsite::metadata(callsite));
    }
}
