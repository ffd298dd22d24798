//! Where a thread plucks, and what memory all of them take for it.
//!
//! Each thread has one scratch, for all its tables. Giants take turns: no two threads
//! pluck one at a time, and the memory that one takes is given back before its turn ends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{self, Config};
use crate::pluck::{Limits, Message, Plucked, Plucker, Scratch};
use crate::record::{Draft, Reject};
use crate::table::MAX_ENTRY_BYTES;

/// One thread's place to pluck.
pub(super) struct PluckContext {
    scratch: Scratch,
    giants: Arc<Mutex<()>>,
}

impl PluckContext {
    /// A place that shares the turn of giants with others.
    pub(super) fn new(giants: &Arc<Mutex<()>>) -> Self {
        Self { scratch: Scratch::new(), giants: Arc::clone(giants) }
    }

    /// Plucks a message, a giant when it is its turn.
    pub(super) fn pluck<T>(
        &mut self,
        plucker: &Plucker,
        message: &Message<'_>,
        take: impl FnOnce(Draft<'_>) -> T,
    ) -> Result<Plucked<T>, Reject> {
        let turn = || self.giants.lock().unwrap_or_else(PoisonError::into_inner);
        let _turn = plucker.is_giant(message).then(turn);
        plucker.pluck(message, &mut self.scratch, take)
    }
}

/// What plucking takes at worst, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScratchAtWorst {
    /// The one giant that is plucked at a time.
    pub giant_bytes: u64,
    /// All other messages, in all threads.
    pub small_bytes: u64,
}

/// What plucking takes at worst under this configuration.
pub fn scratch_at_worst(config: &Config) -> ScratchAtWorst {
    let limits = limits(&config.ingest);
    let fields = config.tables.iter().map(|table| table.fields.len()).max().unwrap_or(0);
    let small_bytes = config.ingest.threads.saturating_mul(limits.small_scratch_bytes(fields));
    ScratchAtWorst {
        giant_bytes: limits.giant_scratch_bytes() as u64,
        small_bytes: small_bytes as u64,
    }
}

/// What a message may be at most.
pub(super) fn limits(config: &config::Ingest) -> Limits {
    Limits {
        max_document_bytes: config.max_document.as_usize(),
        max_key_bytes: config.max_key.as_usize(),
        // No table takes more, and it is for the table to say what it takes.
        max_values_bytes: usize::try_from(MAX_ENTRY_BYTES).unwrap_or(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(settings: &[&str]) -> ScratchAtWorst {
        let basics = [
            "kafka.brokers=localhost:9092",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
            "ingest.threads=2",
        ];
        let settings: Vec<_> = basics.iter().chain(settings).map(ToString::to_string).collect();
        scratch_at_worst(&Config::load(None, [], &settings).unwrap())
    }

    #[test]
    fn a_giant_takes_24_times_the_largest_document_and_its_entry() {
        let of_default = scratch(&[]);
        assert_eq!(of_default.giant_bytes, (24 + 5) << 20);
        let of_larger = scratch(&["ingest.max_document=4MiB"]);
        assert_eq!(of_larger.giant_bytes, (4 * 24 + 5) << 20);
    }

    #[test]
    fn only_what_is_small_is_plucked_by_all_threads_at_once() {
        let (two, three) = (scratch(&[]), scratch(&["ingest.threads=3"]));
        assert_eq!(three.small_bytes, two.small_bytes / 2 * 3);
        assert_eq!(three.giant_bytes, two.giant_bytes);
        assert_eq!(scratch(&["ingest.max_document=4MiB"]).small_bytes, two.small_bytes);
        assert!(two.small_bytes < 6 << 20, "{}", two.small_bytes);
    }

    #[test]
    fn a_giant_waits_for_its_turn_and_others_do_not() {
        let giants = Arc::default();
        let plucker = Plucker::new(
            &"/id".parse().unwrap(),
            &[],
            Limits { max_document_bytes: 1 << 20, max_key_bytes: 64, max_values_bytes: 1 << 20 },
        );
        let pluck = |payload: &[u8]| {
            let message = Message {
                key: None,
                payload: Some(payload),
                header: &|_| None,
                origin: crate::record::Origin {
                    partition: 0,
                    offset: 0,
                    time: crate::record::Timestamp::from_millis(0),
                },
                expires_at: crate::record::Timestamp::from_millis(1),
            };
            PluckContext::new(&giants).pluck(&plucker, &message, |draft| draft.copy()).is_ok()
        };
        let giant = format!(r#"{{"id":"{}"}}"#, "x".repeat(20)) + &" ".repeat(1 << 16);
        std::thread::scope(|scope| {
            let turn = giants.lock().unwrap();
            let waiting = scope.spawn(|| pluck(giant.as_bytes()));
            assert!(pluck(br#"{"id":1}"#));
            assert!(!waiting.is_finished());
            drop(turn);
            assert!(waiting.join().unwrap());
        });
    }
}
