//! A handler that leaks, for `millpond demo --leak` alone: it keeps two small texts of each message as
//! slices of it, so each keeps its message, and all that was fetched with that.
//!
//! This is the fault that millpond exists to prevent (`docs/RETAINED-PAYLOADS.md`). The service beside
//! it is the real one and keeps copies. The memory is librdkafka's, so it shows as the Kafka client's.
//! The handler stops to keep more when memory is so short that the service pauses the stream.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::Deserialize;

use super::kafka::{PARTITIONS, TOPIC};
use crate::heap::Account;
use crate::stats::TakeSnapshot;

/// The share of the memory limit, in hundredths, at which nothing more is kept. The service pauses
/// the stream there.
const END_PERCENT: u64 = 97;
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// How many messages are kept before the memory is looked at again.
const LOOK_EVERY: usize = 64;

/// A running handler. What it keeps is freed when this is dropped.
pub(super) struct Leak {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Leak {
    /// Starts the handler on a thread of its own.
    pub(super) fn start(bootstrap: &str, take_snapshot: TakeSnapshot) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "leak")
            .set("enable.auto.commit", "false")
            // What waits to be handled is no leak, and should be little.
            .set("queued.max.messages.kbytes", "1024")
            .create()
            .context("cannot create the consumer of --leak")?;
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            partitions.add_partition_offset(TOPIC, partition, Offset::Beginning)?;
        }
        consumer.assign(&partitions)?;
        let account = Account::open()?;
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let thread = thread::Builder::new().name("demo-leak".into()).spawn(move || {
            account.adopt_thread();
            let is_stopped = || stopped.try_recv() == Err(TryRecvError::Disconnected);
            let kept = keep(&consumer, &take_snapshot, is_stopped);
            // It fetches no more.
            let _ = consumer.unassign();
            if !is_stopped() {
                log_full(&kept);
            }
            // Nothing is ever sent.
            while stopped.recv_timeout(Duration::MAX) == Err(RecvTimeoutError::Timeout) {}
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Leak {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, the panic was reported by the thread itself.
            let _ = thread.join();
        }
    }
}

/// A text that is kept as a slice of its message.
struct Slice<'c> {
    message: Rc<BorrowedMessage<'c>>,
    range: Range<usize>,
}

/// The two plucked fields. They borrow from the message.
#[derive(Deserialize)]
struct Plucked<'m> {
    id: &'m str,
    description: &'m str,
}

/// Keeps the newest description by id, until memory is short or it is to stop.
fn keep<'c>(
    consumer: &'c BaseConsumer,
    take_snapshot: &TakeSnapshot,
    is_stopped: impl Fn() -> bool,
) -> HashMap<Slice<'c>, Slice<'c>> {
    let mut kept = HashMap::new();
    let mut handled = 0_usize;
    while !is_stopped() {
        if handled.is_multiple_of(LOOK_EVERY) && is_memory_short(take_snapshot) {
            break;
        }
        let Some(Ok(message)) = consumer.poll(POLL_TIMEOUT) else { continue };
        handled += 1;
        if let Some((id, description)) = slices(message) {
            // As in the story: the map keeps the first key that it was given, beside the new value.
            kept.insert(id, description);
        }
    }
    kept
}

fn log_full(kept: &HashMap<Slice<'_>, Slice<'_>>) {
    tracing::warn!(
        descriptions = kept.len(),
        bytes = kept.values().map(|text| text.as_str().len()).sum::<usize>(),
        "--leak keeps no more: memory has reached its limit"
    );
}

fn is_memory_short(take_snapshot: &TakeSnapshot) -> bool {
    let memory = take_snapshot().memory;
    memory.current_bytes >= memory.limit_bytes / 100 * END_PERCENT
}

/// The id and the description of an event; none for a tombstone or a broken document.
fn slices(message: BorrowedMessage<'_>) -> Option<(Slice<'_>, Slice<'_>)> {
    let payload = message.payload()?;
    let Plucked { id, description } = serde_json::from_slice(payload).ok()?;
    let range = |text: &str| {
        let start = text.as_ptr().addr() - payload.as_ptr().addr();
        start..start + text.len()
    };
    let (id, description) = (range(id), range(description));
    let message = Rc::new(message);
    let id = Slice { message: Rc::clone(&message), range: id };
    Some((id, Slice { message, range: description }))
}

impl Slice<'_> {
    fn as_str(&self) -> &str {
        let bytes = self.message.payload().and_then(|payload| payload.get(self.range.clone()));
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl PartialEq for Slice<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Slice<'_> {}

impl Hash for Slice<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
