//! One side of the comparison: plucks messages into a table, each in its own memory account.

use std::collections::HashMap;

use bytes::Bytes;
use millpond::heap::{self, Account};
use millpond::memory;
use serde::Deserialize;

use crate::census::{Census, Sample};
use crate::delivery::Delivery;

/// The number of readings of the accounts during a run.
const SAMPLES: u32 = 100;

/// How the plucked bytes are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    Slice,
    Copy,
}

impl Keep {
    /// Keeps the text of a field: as a slice of the message, or as a copy.
    fn bytes(self, text: &str, message: &Bytes) -> Bytes {
        match self {
            Self::Slice => message.slice_ref(text.as_bytes()),
            Self::Copy => Bytes::copy_from_slice(text.as_bytes()),
        }
    }
}

/// How a side keeps bytes, and how its messages are delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) keep: Keep,
    pub(crate) delivery: Delivery,
}

/// The results of a side.
pub(crate) struct Kept {
    pub(crate) table: HashMap<Bytes, Bytes>,
    pub(crate) census: Census,
    /// Kept as long as the table, so that no other side gets its arenas.
    _accounts: [Account; 2],
}

/// The two plucked fields. They borrow from the message.
#[derive(Deserialize)]
struct Plucked<'a> {
    id: &'a str,
    description: &'a str,
}

impl Side {
    /// Plucks this many messages, and measures the memory once they are dropped.
    pub(crate) fn run(self, messages: u32) -> anyhow::Result<Kept> {
        // The thread's cache may still hold memory that the previous side freed into it.
        heap::flush_thread_cache();
        heap::purge();
        let resident_before = memory::rss_bytes();
        let mut run = Run::begin(self.keep)?;
        // Within this charge, frees bypass the thread's cache too, so that all are counted.
        run.receiving.clone().charge(|| run.all(self.delivery, messages))?;
        heap::purge();
        let resident_bytes = memory::rss_bytes().saturating_sub(resident_before);
        Ok(run.end(self.name, resident_bytes))
    }
}

struct Run {
    keep: Keep,
    receiving: Account,
    keeping: Account,
    table: HashMap<Bytes, Bytes>,
    received_bytes: u64,
    curve: Vec<Sample>,
}

impl Run {
    fn begin(keep: Keep) -> anyhow::Result<Self> {
        let (receiving, keeping) = (Account::open()?, Account::open()?);
        let (table, curve) = (HashMap::new(), Vec::with_capacity(1 + SAMPLES as usize));
        Ok(Self { keep, receiving, keeping, table, received_bytes: 0, curve })
    }

    fn all(&mut self, delivery: Delivery, messages: u32) -> anyhow::Result<()> {
        let mut handled = 0;
        let due = messages / SAMPLES;
        for message in delivery.of(messages).flatten() {
            if handled % due == 0 {
                self.sample(handled);
            }
            self.handle(&message)?;
            handled += 1;
        }
        self.sample(handled);
        Ok(())
    }

    fn handle(&mut self, message: &Bytes) -> anyhow::Result<()> {
        self.received_bytes += message.len() as u64;
        let Plucked { id, description } = serde_json::from_slice(message)?;
        let Self { keep, table, .. } = self;
        self.keeping.charge(|| {
            let (id, description) = (keep.bytes(id, message), keep.bytes(description, message));
            // `insert` alone would keep the old key, which is a slice of an older message.
            table.remove(&id);
            table.insert(id, description);
        });
        Ok(())
    }

    /// The bytes that the messages and the table hold at the moment.
    fn held(&self) -> [u64; 2] {
        let readings = heap::read([&self.receiving, &self.keeping]);
        [0, 1].map(|at| readings.accounts.get(at).map_or(0, |account| account.allocated_bytes))
    }

    fn sample(&mut self, messages: u32) {
        self.curve.push(Sample { messages, held_bytes: self.held().iter().sum() });
    }

    fn end(self, name: &'static str, resident_bytes: u64) -> Kept {
        let [message_bytes, table_bytes] = self.held();
        let Self { receiving, keeping, table, received_bytes, curve, .. } = self;
        let plucked = table.iter().map(|(id, description)| id.len() + description.len());
        let census = Census {
            name,
            received_bytes,
            entries: table.len() as u64,
            plucked_bytes: plucked.sum::<usize>() as u64,
            message_bytes,
            table_bytes,
            resident_bytes,
            curve,
        };
        Kept { table, census, _accounts: [receiving, keeping] }
    }
}
