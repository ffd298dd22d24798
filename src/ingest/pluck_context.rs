//! The scratch memory that a thread plucks in, and how much all threads take at worst.
//!
//! Each thread has one scratch for all its tables. Only one thread at a time plucks a large
//! document: it holds the large-document lock until the document's scratch memory is freed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::config::{self, Config};
use crate::pluck::{Limits, Message, Plucker, Scratch};
use crate::table::MAX_ENTRY_BYTES;

/// One thread's scratch memory, and the lock that it shares with the other threads.
pub(super) struct PluckContext {
    scratch: Scratch,
    large_document_lock: Arc<Mutex<()>>,
}

impl PluckContext {
    /// A context that shares the large-document lock with others.
    pub(super) fn new(large_document_lock: &Arc<Mutex<()>>) -> Self {
        Self { scratch: Scratch::new(), large_document_lock: Arc::clone(large_document_lock) }
    }

    /// The scratch memory to pluck a message in. For a large document it waits for the lock.
    pub(super) fn scratch_for(
        &mut self,
        plucker: &Plucker,
        message: &Message<'_>,
    ) -> MessageScratch<'_> {
        if plucker.is_large(message) {
            let lock = self.large_document_lock.lock();
            MessageScratch::Large { scratch: Box::default(), _lock: lock }
        } else {
            MessageScratch::Small(&mut self.scratch)
        }
    }
}

/// The scratch memory for one message.
pub(super) enum MessageScratch<'c> {
    /// The thread's own, kept for the next message.
    Small(&'c mut Scratch),
    /// A large document's. Fields drop in this order: the memory is freed under the lock.
    Large { scratch: Box<Scratch>, _lock: MutexGuard<'c, ()> },
}

impl Deref for MessageScratch<'_> {
    type Target = Scratch;

    fn deref(&self) -> &Scratch {
        match self {
            Self::Small(scratch) => scratch,
            Self::Large { scratch, .. } => scratch,
        }
    }
}

impl DerefMut for MessageScratch<'_> {
    fn deref_mut(&mut self) -> &mut Scratch {
        match self {
            Self::Small(scratch) => scratch,
            Self::Large { scratch, .. } => scratch,
        }
    }
}

/// What plucking takes at worst, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScratchAtWorst {
    /// The one large document that is plucked at a time.
    pub large_document_bytes: u64,
    /// All other messages, in all threads.
    pub small_bytes: u64,
}

/// What plucking takes at worst under this configuration.
pub fn scratch_at_worst(config: &Config) -> ScratchAtWorst {
    let limits = limits(&config.ingest);
    let fields = config.tables.iter().map(|table| table.fields.len()).max().unwrap_or(0);
    let small_bytes = config.ingest.threads.saturating_mul(limits.small_scratch_bytes(fields));
    ScratchAtWorst {
        large_document_bytes: limits.large_scratch_bytes() as u64,
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
    fn a_large_document_takes_24_times_the_largest_and_its_entry() {
        let of_default = scratch(&[]);
        assert_eq!(of_default.large_document_bytes, (24 + 5) << 20);
        let of_larger = scratch(&["ingest.max_document=4MiB"]);
        assert_eq!(of_larger.large_document_bytes, (4 * 24 + 5) << 20);
    }

    #[test]
    fn only_what_is_small_is_plucked_by_all_threads_at_once() {
        let (two, three) = (scratch(&[]), scratch(&["ingest.threads=3"]));
        assert_eq!(three.small_bytes, two.small_bytes / 2 * 3);
        assert_eq!(three.large_document_bytes, two.large_document_bytes);
        assert_eq!(scratch(&["ingest.max_document=4MiB"]).small_bytes, two.small_bytes);
        assert!(two.small_bytes < 6 << 20, "{}", two.small_bytes);
    }

    fn plucker() -> Plucker {
        let limits =
            Limits { max_document_bytes: 1 << 20, max_key_bytes: 64, max_values_bytes: 1 << 20 };
        let id: config::Source = "/id".parse().unwrap();
        let life = config::Life::from_record(std::time::Duration::from_secs(1));
        Plucker::new(&id.into(), &[], &life, limits)
    }

    fn pluck(context: &mut PluckContext, payload: &[u8]) -> bool {
        let message = Message {
            key: None,
            payload: Some(payload),
            header: &|_| None,
            origin: crate::record::Origin {
                partition: 0,
                offset: 0,
                time: crate::record::Timestamp::from_millis(0),
            },
            now: crate::record::Timestamp::from_millis(0),
            now_elsewhere: crate::record::Timestamp::from_millis(0),
        };
        let plucker = plucker();
        let mut scratch = context.scratch_for(&plucker, &message);
        plucker.pluck(&message, &mut scratch).is_ok()
    }

    fn large_document() -> String {
        format!(r#"{{"id":"{}"}}"#, "x".repeat(20)) + &" ".repeat(1 << 16)
    }

    #[test]
    fn a_large_document_waits_for_the_lock_and_others_do_not() {
        let lock = Arc::new(Mutex::default());
        let large = large_document();
        std::thread::scope(|scope| {
            let held = lock.lock();
            let waiting = scope.spawn(|| pluck(&mut PluckContext::new(&lock), large.as_bytes()));
            assert!(pluck(&mut PluckContext::new(&lock), br#"{"id":1}"#));
            assert!(!waiting.is_finished());
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_large_document_leaves_the_kept_scratch_as_it_was() {
        let mut context = PluckContext::new(&Arc::default());
        assert!(pluck(&mut context, br#"{"id":1}"#));
        let held = context.scratch.held_bytes();
        assert!(pluck(&mut context, large_document().as_bytes()));
        assert_eq!(context.scratch.held_bytes(), held);
    }
}
