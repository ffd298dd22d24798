//! The answers to the writers.

use std::collections::HashMap;
use std::time::Duration;

use crate::asking::{Answer, Found, Place};
use crate::latencies::Latencies;

/// The most failures that are shown.
const SHOWN: usize = 5;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// All acknowledged records, by place.
    written: HashMap<Place, String>,
    answered: Vec<Found>,
    stale: u64,
    errors: u64,
    plain_stale: u64,
    plain_count: u64,
    acknowledgements: Latencies,
    waits: Latencies,
    plain_waits: Latencies,
    shown: Vec<String>,
}

impl Tally {
    pub(crate) fn acknowledged(&mut self, record: Found, took: Duration) {
        self.acknowledgements.add(took);
        self.written.insert(record.place, record.value);
    }

    /// Counts an answer to a call that named the place of its own record.
    pub(crate) fn by_place(&mut self, own: Place, answer: anyhow::Result<Answer>, took: Duration) {
        self.waits.add(took);
        match answer {
            Ok(answer) if is_stale(own, &answer) => {
                self.stale += 1;
                self.show(format!("{own:?} was acknowledged, then {answer:?} was answered"));
            }
            Ok(answer) => self.answered.extend(answer),
            Err(error) => self.error(&error),
        }
    }

    /// Counts an answer to a call that named no place.
    pub(crate) fn plain(&mut self, own: Place, answer: anyhow::Result<Answer>, took: Duration) {
        self.plain_waits.add(took);
        self.plain_count += 1;
        match answer {
            Ok(answer) => self.plain_stale += u64::from(is_stale(own, &answer)),
            Err(error) => self.error(&error),
        }
    }

    fn error(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.show(format!("{error:#}"));
    }

    fn show(&mut self, failure: String) {
        self.shown.push(failure);
        self.shown.truncate(SHOWN);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.written.extend(other.written);
        self.answered.extend(other.answered);
        self.stale += other.stale;
        self.errors += other.errors;
        self.plain_stale += other.plain_stale;
        self.plain_count += other.plain_count;
        self.acknowledgements.merge(other.acknowledgements);
        self.waits.merge(other.waits);
        self.plain_waits.merge(other.plain_waits);
        other.shown.into_iter().for_each(|failure| self.show(failure));
    }

    /// The number of answers whose value is not that of the record that they name.
    fn invented(&self) -> usize {
        let is_written = |found: &&Found| self.written.get(&found.place) == Some(&found.value);
        self.answered.len() - self.answered.iter().filter(is_written).count()
    }

    pub(crate) fn report(&self, name: &str) -> String {
        let Self { stale, errors, plain_stale, plain_count, .. } = self;
        let asked = self.answered.len() as u64 + stale;
        let per_cent = plain_stale * 100 / plain_count.max(&1);
        format!(
            "{name}\n  to the acknowledgement  {}\n  Get by its place        {}\n  plain Get               \
             {}\n  by place {asked} answered, {stale} stale, {} invented, {errors} errors; plain \
             {plain_stale} of {plain_count} stale, {per_cent} %",
            self.acknowledgements.line(),
            self.waits.line(),
            self.plain_waits.line(),
            self.invented(),
        )
    }

    /// Whether a plain answer was stale, which shows that answers can be stale at all.
    pub(crate) fn shows_staleness(&self) -> bool {
        self.plain_stale > 0
    }

    pub(crate) fn failures(&self, name: &str) -> Vec<String> {
        let faults = [
            (self.stale > 0, "a writer did not read its own write"),
            (self.invented() > 0, "an answer has another value than its record"),
            (self.errors > 0, "a call failed"),
            (self.answered.is_empty(), "nothing was answered"),
        ];
        let faults =
            faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what.to_owned());
        faults.chain(self.shown.iter().cloned()).map(|what| format!("{name}: {what}")).collect()
    }
}

/// Whether an answer is older than the caller's own record. All records of a key are in one
/// partition.
fn is_stale(own: Place, answer: &Answer) -> bool {
    answer.as_ref().map_or(true, |found| found.place.0 != own.0 || found.place.1 < own.1)
}
