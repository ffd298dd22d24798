//! What one caller cost, by table.

use std::time::Duration;

use crate::stats::CallerStats;

/// What a call is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::rpc) struct About {
    /// The number of its table, if it is about one.
    pub(in crate::rpc) table: Option<usize>,
    /// The keys that it looks up.
    pub(in crate::rpc) keys: u64,
}

/// What a call took.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::rpc) struct CallCost {
    /// One, or none for a part of a call that is counted apart.
    pub(in crate::rpc) calls: u64,
    pub(in crate::rpc) answer_bytes: u64,
    pub(in crate::rpc) busy: Duration,
    pub(in crate::rpc) elapsed: Duration,
    pub(in crate::rpc) is_shed: bool,
}

/// The sums of one caller.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// What is about no table or about several, and then one for each table that was asked for.
    sums: Vec<Sum>,
    last_used: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    calls: u64,
    keys: u64,
    answer_bytes: u64,
    busy: Duration,
    shed: u64,
    slowest: Duration,
}

impl Row {
    pub(super) fn count(&mut self, about: About, cost: CallCost, time: u64) {
        self.last_used = time;
        let CallCost { calls, answer_bytes, busy, elapsed, is_shed } = cost;
        self.sum(about.table.map_or(0, |table| table + 1)).add(Sum {
            calls,
            keys: about.keys,
            answer_bytes,
            busy,
            shed: is_shed.into(),
            slowest: elapsed,
        });
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (index, sum) in other.sums.iter().enumerate() {
            self.sum(index).add(*sum);
        }
    }

    pub(super) fn busy(&self) -> Duration {
        self.sums.iter().map(|sum| sum.busy).sum()
    }

    pub(super) fn last_used(&self) -> u64 {
        self.last_used
    }

    /// The sums that are not empty.
    pub(super) fn read(&self, caller: &str, tables: &[String]) -> Vec<CallerStats> {
        let sums = self.sums.iter().enumerate().filter(|(_, sum)| sum.calls + sum.keys > 0);
        let read = sums.map(|(index, sum)| CallerStats {
            caller: caller.to_owned(),
            table: index.checked_sub(1).and_then(|table| tables.get(table).cloned()),
            calls: sum.calls,
            keys: sum.keys,
            answer_bytes: sum.answer_bytes,
            busy: sum.busy,
            shed: sum.shed,
            slowest: sum.slowest,
        });
        read.collect()
    }

    fn sum(&mut self, index: usize) -> &mut Sum {
        if index >= self.sums.len() {
            self.sums.resize(index + 1, Sum::default());
        }
        &mut self.sums[index]
    }
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.keys += other.keys;
        self.answer_bytes += other.answer_bytes;
        self.busy += other.busy;
        self.shed += other.shed;
        self.slowest = self.slowest.max(other.slowest);
    }
}
