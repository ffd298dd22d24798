//! Keeps peers from filling the log: what they can cause is written once a minute for each kind.
//!
//! A kind is a place in the code that logs. Libraries log for each connection and frame that is wrong,
//! so their lines are limited. millpond's own lines are not: no peer causes one again and again. How
//! many lines were left out is logged once a minute. Debug lines are not limited: whoever asks for
//! those wants all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// How often a line of one kind is written at most, and how often is told what was left out.
const INTERVAL: Duration = Duration::from_secs(60);
const OWN_TARGET: &str = "millpond";

/// Which lines were written when, and how many were left out. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct LineLimits(Arc<Mutex<HashMap<Identifier, Kind>>>);

/// The lines of one place in the code.
#[derive(Debug)]
struct Kind {
    metadata: &'static Metadata<'static>,
    written: Instant,
    left_out: u64,
}

impl LineLimits {
    /// Logs once a minute how many lines were left out. Never returns.
    pub async fn report(self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            for (metadata, count) in self.take_left_out() {
                let (target, line) = (metadata.target(), metadata.name());
                tracing::info!(of = target, line, count, "log lines of this kind were left out");
            }
        }
    }

    fn take_left_out(&self) -> Vec<(&'static Metadata<'static>, u64)> {
        let mut kinds = self.0.lock();
        let some = kinds.values_mut().filter(|kind| kind.left_out > 0);
        some.map(|kind| (kind.metadata, std::mem::take(&mut kind.left_out))).collect()
    }

    /// Whether a line may be written at `now`. Notes that it is, or that it is left out.
    fn admit(&self, metadata: &'static Metadata<'static>, now: Instant) -> bool {
        if !is_limited(metadata) {
            return true;
        }
        let mut kinds = self.0.lock();
        let Some(kind) = kinds.get_mut(&metadata.callsite()) else {
            let kind = Kind { metadata, written: now, left_out: 0 };
            kinds.insert(metadata.callsite(), kind);
            return true;
        };
        if now.duration_since(kind.written) < INTERVAL {
            kind.left_out += 1;
            return false;
        }
        kind.written = now;
        true
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

fn is_limited(metadata: &Metadata<'_>) -> bool {
    let module = metadata.target().split("::").next();
    module != Some(OWN_TARGET) && *metadata.level() <= Level::INFO
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
    fn what_millpond_says_and_what_is_asked_for_by_level_is_written_always() {
        let (lines, left_out) = lines(|| {
            for number in 0..3 {
                tracing::warn!(target: "millpond::app", number, "memory is short");
                tracing::debug!(target: "h2::proto", number, "a frame");
            }
        });
        assert_eq!((lines.len(), left_out.len()), (6, 0), "{lines:?}");
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
