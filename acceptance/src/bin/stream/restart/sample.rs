//! Looks up records on both sides of the border between expired and live records: every one next to
//! the border, and the others at even distances.

use std::collections::BTreeMap;

use millpond_client::v1::MissReason;

use super::timeline::Timeline;
use crate::asking::{Answer, Client, batch_get, channel};
use crate::host::now_ms;
use crate::numbered::{key, value};

/// The number of records that are looked up on each side.
const ASKED: usize = 10_000;
const BATCH: usize = 500;
/// The most failures that are shown.
const SHOWN: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct Sample {
    found: u64,
    absent: BTreeMap<&'static str, u64>,
    /// Absent records that should have been found.
    missing: u64,
    /// Found records that should be absent or that have a wrong value.
    wrong: u64,
    pub(crate) failures: Vec<String>,
}

impl Sample {
    pub(crate) async fn ask(rpc: &str, timeline: &Timeline) -> anyhow::Result<Self> {
        let mut client = Client::new(channel(rpc)?);
        let mut sample = Self::default();
        for numbers in numbers(timeline).chunks(BATCH) {
            let keys = numbers.iter().copied().map(key).collect();
            let from_ms = now_ms();
            let answers = batch_get(&mut client, keys, &[]).await?;
            let to_ms = now_ms();
            for (&number, answer) in numbers.iter().zip(&answers) {
                let expiry_ms = timeline.expiry_ms(number);
                sample.add(number, answer, (expiry_ms > from_ms, expiry_ms > to_ms));
            }
        }
        Ok(sample)
    }

    /// Counts an answer. `may_be`: the record was alive before the call. `must_be`: also after it.
    fn add(&mut self, number: u64, answer: &Answer, (may_be, must_be): (bool, bool)) {
        let is_right = match answer {
            Ok(found) => may_be && found.value == value(number),
            Err(reason) => !must_be && *reason != MissReason::Loading,
        };
        match answer {
            Ok(_) => self.found += 1,
            Err(reason) => *self.absent.entry(name(*reason)).or_default() += 1,
        }
        if !is_right {
            let count = if answer.is_ok() { &mut self.wrong } else { &mut self.missing };
            *count += 1;
            let alive = if must_be { "alive" } else { "not alive" };
            self.failures.push(format!("{}, {alive}, is {answer:?}", key(number)));
            self.failures.truncate(SHOWN);
        }
    }

    pub(crate) fn line(&self) -> String {
        let Self { found, absent, missing, wrong, .. } = self;
        let count: u64 = absent.values().sum();
        format!("{found} found, {wrong} wrongly; {count} absent {absent:?}, {missing} wrongly")
    }
}

fn numbers(timeline: &Timeline) -> Vec<u64> {
    let border = timeline.border(now_ms());
    let older: Vec<_> = (0..border).rev().collect();
    let younger: Vec<_> = (border..timeline.records).collect();
    [some_of(&older), some_of(&younger)].concat()
}

/// The first numbers, and as many of the rest.
fn some_of(numbers: &[u64]) -> Vec<u64> {
    let (first, rest) = numbers.split_at(numbers.len().min(ASKED / 2));
    let step = rest.len().div_ceil(ASKED / 2).max(1);
    first.iter().chain(rest.iter().step_by(step)).copied().collect()
}

fn name(reason: MissReason) -> &'static str {
    match reason {
        MissReason::NeverSeen => "never seen",
        MissReason::Expired => "expired",
        MissReason::Unknown => "unknown",
        _ => "otherwise",
    }
}
