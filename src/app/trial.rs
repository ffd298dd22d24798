//! Tries records on one table of a configuration, without a service: what becomes of each, what an
//! entry takes, and what a number of entries would take.
//!
//! Memory does not grow with the number of records: the table that is tried has a small capacity, and
//! of the records some are kept that stand for all.

mod filled_table;
mod projection;
mod sampled_records;
mod thread_cpu;
mod varied_record;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::table_sources::source;
use crate::clock::Clock;
use crate::config::{self, Capacity, Config};
use crate::heap::Account;
use crate::ingest::{self, Sample, SampleOutcome, TrialRecord};
use crate::record::Record;
use crate::table::Table;
use filled_table::FilledTable;
use projection::{Costs, project};
pub use projection::{ExpectedLoad, Projection};
use sampled_records::SampledRecords;
use thread_cpu::ThreadCpu;

/// The table that records are tried on has this capacity, or its own if that is less.
const CAPACITY_BYTES: u64 = 64 << 20;
/// How many entries are stored to measure what one takes.
const MEASURED_ENTRIES: u64 = 20_000;
/// For how long the sampled records are plucked to measure what one takes.
const PLUCK_FOR: Duration = Duration::from_millis(200);

/// A table on which records are tried.
pub struct Trial {
    config: Config,
    table_index: usize,
    clock: Clock,
    table: Arc<Table>,
    ingest: ingest::Trial,
    counts: BTreeMap<(SampleOutcome, Option<&'static str>), u64>,
    payload_bytes: u64,
    sampled: SampledRecords,
}

/// What became of all records that were tried.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialSummary {
    /// The table.
    pub table: String,
    /// What keeps its entries.
    pub store: config::Store,
    /// How many records were tried.
    pub records: u64,
    /// How many there were of each kind.
    pub outcomes: Vec<OutcomeCount>,
    /// The mean of their values, in bytes.
    pub payload_bytes: u64,
    /// The CPU time to pluck a record, in nanoseconds, measured on this machine.
    pub pluck_nanos: u64,
    /// What an entry takes; none if no record gives one.
    pub entry: Option<EntryCost>,
}

/// How many records have one outcome.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeCount {
    /// What became of them.
    pub outcome: SampleOutcome,
    /// Why they were rejected.
    pub reason: Option<&'static str>,
    /// How many.
    pub count: u64,
}

/// What an entry takes, measured on a table that was filled with entries like those that were
/// plucked, each under another key. In bytes: the mean.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryCost {
    /// Its key and its fields.
    pub plucked_bytes: u64,
    /// Its part of the table's weight.
    pub weight_bytes: u64,
    /// Its part of the memory that the allocator reports.
    pub measured_bytes: u64,
}

impl Trial {
    /// A trial of one table, by its index in the configuration, which exists.
    ///
    /// # Errors
    ///
    /// When the allocator has no account left.
    pub fn new(config: &Config, table_index: usize) -> io::Result<Self> {
        let table_config = &config.tables[table_index];
        let clock = Clock::start();
        let capacity_bytes = match table_config.capacity {
            Capacity::Bytes(bytes) => bytes.min(CAPACITY_BYTES),
            Capacity::Share(_) => CAPACITY_BYTES,
        };
        let source = source(table_config, capacity_bytes, &Account::open()?, &clock);
        Ok(Self {
            ingest: ingest::Trial::new(&source, config),
            table: source.table,
            config: config.clone(),
            table_index,
            clock,
            counts: BTreeMap::new(),
            payload_bytes: 0,
            sampled: SampledRecords::default(),
        })
    }

    /// Gives the table the next record, as the service would.
    pub fn apply(&mut self, record: TrialRecord) -> Sample {
        let sample = self.ingest.apply(&record, self.clock.now()).sample;
        *self.counts.entry((sample.outcome, sample.reason)).or_default() += 1;
        self.payload_bytes += record.payload.as_ref().map_or(0, Vec::len) as u64;
        self.sampled.push(record);
        sample
    }

    /// What became of all records so far. Takes some tenths of a second, to measure.
    ///
    /// # Errors
    ///
    /// When the allocator has no account left.
    pub fn summary(&mut self) -> io::Result<TrialSummary> {
        let records: u64 = self.counts.values().sum();
        let outcomes = self.counts.iter().map(|(&(outcome, reason), &count)| OutcomeCount {
            outcome,
            reason,
            count,
        });
        Ok(TrialSummary {
            table: self.table.name().to_owned(),
            store: self.table_config().store,
            records,
            outcomes: outcomes.collect(),
            payload_bytes: self.payload_bytes.checked_div(records).unwrap_or(0),
            pluck_nanos: self.pluck_nanos(),
            entry: self.entry_cost()?,
        })
    }

    /// What a load would take, by the summary of what was tried; none if no record gives an entry.
    /// Takes some seconds, to measure.
    ///
    /// # Errors
    ///
    /// When the allocator has no account left.
    pub fn project(
        &mut self,
        summary: &TrialSummary,
        load: &ExpectedLoad,
    ) -> io::Result<Option<Projection>> {
        let Some(filled) = self.fill(load.keys)? else { return Ok(None) };
        let stored = [SampleOutcome::Stored, SampleOutcome::Replaced];
        let stored = summary.outcomes.iter().filter(|each| stored.contains(&each.outcome));
        let costs = Costs {
            payload_bytes: summary.payload_bytes,
            pluck_nanos: summary.pluck_nanos,
            stored_count: stored.map(|each| each.count).sum(),
            record_count: summary.records,
        };
        project(&self.config, self.table_index, load, &filled, costs).map(Some)
    }

    fn entry_cost(&mut self) -> io::Result<Option<EntryCost>> {
        let Some(filled) = self.fill(MEASURED_ENTRIES)? else { return Ok(None) };
        Ok(Some(EntryCost {
            plucked_bytes: filled.plucked_bytes,
            weight_bytes: filled.loaded.weight_bytes_of_entry,
            measured_bytes: filled.loaded.measured_bytes_of_entry,
        }))
    }

    /// A table that is filled with entries of the sampled records, up to this many.
    fn fill(&mut self, entries: u64) -> io::Result<Option<FilledTable>> {
        let records = self.sampled_entries();
        if records.is_empty() {
            return Ok(None);
        }
        FilledTable::fill(self.table_config(), &records, entries, &self.clock).map(Some)
    }

    fn sampled_entries(&mut self) -> Vec<Record> {
        let now = self.clock.now();
        let Self { ingest, sampled, .. } = self;
        sampled.records().filter_map(|record| ingest.pluck(record, now)).collect()
    }

    fn pluck_nanos(&mut self) -> u64 {
        let now = self.clock.now();
        let Self { ingest, sampled, .. } = self;
        let cpu = ThreadCpu::start();
        let mut plucked = 0_u64;
        while sampled.records().next().is_some() && cpu.elapsed() < PLUCK_FOR {
            for record in sampled.records() {
                std::hint::black_box(ingest.plucks(record, now));
                plucked += 1;
            }
        }
        u64::try_from(cpu.elapsed().as_nanos())
            .ok()
            .and_then(|all| all.checked_div(plucked))
            .unwrap_or(0)
    }

    fn table_config(&self) -> &config::Table {
        &self.config.tables[self.table_index]
    }
}
