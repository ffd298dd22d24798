//! Who costs what: counts what each call took under its caller and its table.
//!
//! Owns the rows and their bound. What a call is about, and how its time is measured, is not known
//! here.

mod row;
mod spent;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use parking_lot::Mutex;

use crate::access::Identity;
use crate::stats::CallerStats;
use row::Row;
pub(super) use row::{About, CallCost};
pub(super) use spent::{Spent, measured};

/// Callers that have a row of their own. A row takes some 100 bytes, and 60 for each table.
const MAX_CALLERS: usize = 64;
/// Threads that count at the same time seldom meet in one of so many shards.
const MAX_SHARDS: usize = 4;
/// The caller that stands for those without a row.
const OTHER: &str = "other";

/// Who makes a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum CallerKey {
    /// It proved this.
    Identity(Identity),
    /// It proved nothing. An IPv6 network of 64 bits is one address.
    Address(IpAddr),
}

/// The costs of all callers. Clones share them.
#[derive(Debug, Clone)]
pub struct Costs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tables: Vec<String>,
    shards: Vec<Mutex<Shard>>,
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shard {
    rows: HashMap<CallerKey, Row>,
    others: Row,
    /// Counts calls, so that the row that was used least recently is known.
    time: u64,
}

/// Where the calls of one connection are counted. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct ConnectionCosts(Arc<OfConnection>);

#[derive(Debug)]
struct OfConnection {
    shared: Arc<Shared>,
    shard: usize,
    address: IpAddr,
}

impl Costs {
    /// No costs yet, for the callers of these tables.
    pub fn new(tables: impl IntoIterator<Item = String>) -> Self {
        let shards = available_parallelism().map_or(1, usize::from).min(MAX_SHARDS);
        let shards = (0..shards).map(|_| Mutex::default()).collect();
        let (tables, next) = (tables.into_iter().collect(), AtomicUsize::new(0));
        Self(Arc::new(Shared { tables, shards, next }))
    }

    /// For the calls of a connection from this address, which stands for callers that prove nothing.
    pub(super) fn of_connection(&self, address: IpAddr) -> ConnectionCosts {
        let shard = self.0.next.fetch_add(1, Ordering::Relaxed) % self.0.shards.len();
        ConnectionCosts(Arc::new(OfConnection { shared: Arc::clone(&self.0), shard, address }))
    }

    /// The callers that cost the most time come first, and those without a row last.
    pub fn read(&self) -> Vec<CallerStats> {
        let mut rows = HashMap::<CallerKey, Row>::new();
        let mut others = Row::default();
        for shard in &self.0.shards {
            let shard = shard.lock();
            shard.rows.iter().for_each(|(key, row)| rows.entry(key.clone()).or_default().add(row));
            others.add(&shard.others);
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by_cached_key(|(key, row)| (std::cmp::Reverse(row.busy()), key.to_string()));
        for (_, row) in rows.drain(rows.len().min(MAX_CALLERS)..) {
            others.add(&row);
        }
        let named = rows.iter().flat_map(|(key, row)| row.read(&key.to_string(), &self.0.tables));
        named.chain(others.read(OTHER, &self.0.tables)).collect()
    }
}

impl ConnectionCosts {
    /// The number of a table. None if there is no table of this name.
    pub(super) fn table(&self, name: &str) -> Option<usize> {
        self.0.shared.tables.iter().position(|table| table == name)
    }

    /// Counts an answered call.
    pub(super) fn add(&self, identity: Option<&Identity>, about: About, cost: CallCost) {
        let OfConnection { shared, shard, address } = &*self.0;
        let caller = identity
            .map_or(CallerKey::Address(*address), |identity| CallerKey::Identity(identity.clone()));
        let mut shard = shared.shards[*shard].lock();
        if shard.rows.len() >= MAX_CALLERS && !shard.rows.contains_key(&caller) {
            shard.merge_oldest();
        }
        shard.time += 1;
        let time = shard.time;
        shard.rows.entry(caller).or_default().count(about, cost, time);
    }
}

impl Shard {
    /// Makes room: the caller that has been silent the longest counts among the others from now on.
    fn merge_oldest(&mut self) {
        let oldest = self.rows.iter().min_by_key(|(_, row)| row.last_used()).map(|(key, _)| key);
        let oldest = oldest.cloned().and_then(|key| self.rows.remove(&key));
        if let Some(row) = oldest {
            self.others.add(&row);
        }
    }
}

impl std::fmt::Display for CallerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Identity(identity) => identity.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
