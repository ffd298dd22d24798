//! What a table of so many entries takes, and the container's size to ask for: by the planner of the
//! real memory budget, asked for larger and larger limits.

use std::io;

use serde::Serialize;

use super::filled_table::FilledTable;
use crate::app::reserves;
use crate::app::table_sources::source;
use crate::clock::Clock;
use crate::config::{ByteSize, Capacity, Config};
use crate::heap::Account;
use crate::memory::{Budget, Limit, LimitSource};
use crate::table::MAX_ENTRY_BYTES;

/// The load that a service is to bear.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedLoad {
    /// Keys with a live entry.
    pub keys: u64,
    /// Records a second.
    pub records_per_second: u64,
    /// Lookups of one key a second.
    pub lookups_per_second: u64,
}

/// What the load takes. CPU is in thousandths of a core.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Projection {
    /// Keys with a live entry.
    pub keys: u64,
    /// The most entries that can be alive at once: the records of one time to live. None without a
    /// rate.
    pub most_alive: Option<u64>,
    /// Records a second.
    pub records_per_second: u64,
    /// How many entries were stored to measure.
    pub measured_entries: u64,
    /// What an entry takes once it is loaded, in bytes, as the allocator reports it.
    pub entry_bytes: u64,
    /// The memory of the table once it is loaded, in bytes, as the allocator reports it.
    pub table_bytes: u64,
    /// The same after entries were replaced again and again.
    pub replaced_table_bytes: u64,
    /// The `capacity` to set for the table.
    pub capacity: String,
    /// The smallest memory limit with which the tables get their capacities, in bytes; none if no
    /// limit is enough, because other tables have shares that leave nothing.
    pub limit_bytes: Option<u64>,
    /// The same with the capacity that the configuration has now.
    pub limit_as_configured_bytes: Option<u64>,
    /// The budget of that limit, as `millpond check` prints it.
    pub budget: Option<String>,
    /// CPU to pluck and store the records, measured on this machine.
    pub ingest_cpu: u64,
    /// CPU of Kafka's client for them, an estimate from docs/BENCHMARKS.md.
    pub kafka_cpu_estimate: u64,
    /// What the records take of the network before compression, in bytes a second.
    pub bandwidth_bytes: u64,
    /// For how many milliseconds of the stream `kafka.fetch_buffer` is enough.
    pub fetch_buffer_millis: Option<u64>,
    /// Lookups a second.
    pub lookups_per_second: u64,
    /// CPU to find the entries in the table, measured on this machine.
    pub lookup_table_cpu: u64,
    /// CPU of the calls that ask for them, one key each, an estimate from docs/BENCHMARKS.md.
    pub lookup_call_cpu_estimate: u64,
}

/// What a record costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    pub(super) payload_bytes: u64,
    pub(super) pluck_nanos: u64,
    /// How many of the records were stored.
    pub(super) stored_count: u64,
    pub(super) record_count: u64,
}

/// The CPU of Kafka's client: for each record, and for each KiB of it. By the bare loop in
/// docs/BENCHMARKS.md.
const KAFKA_NANOS: u64 = 700;
const KAFKA_NANOS_PER_KIB: u64 = 200;
/// The CPU of one call of `Get` without the table, by the same page.
const CALL_NANOS: u64 = 18_000;

const MIB: u64 = 1 << 20;
/// No machine has more.
const MOST_LIMIT_BYTES: u64 = 1 << 50;

/// What `load` takes in the table with that index.
///
/// # Errors
///
/// When the allocator has no account left.
pub(super) fn project(
    config: &Config,
    table_index: usize,
    load: &ExpectedLoad,
    filled: &FilledTable,
    costs: Costs,
) -> io::Result<Projection> {
    let ExpectedLoad { keys, records_per_second, lookups_per_second } = *load;
    let scale = Scale { config, table_index, clock: Clock::start(), account: Account::open()? };
    let capacity_bytes = scale.capacity_bytes(keys, filled);
    let fixed_bytes = scale.fixed_bytes(capacity_bytes);
    let table_bytes = |of_entry: u64| fixed_bytes.saturating_add(of_entry.saturating_mul(keys));
    let with_capacity = scale.with_capacity(capacity_bytes);
    let limit_bytes = smallest_limit(&with_capacity, table_index, capacity_bytes);
    let budget = limit_bytes.and_then(|bytes| plan(&with_capacity, bytes));
    let ttl_seconds = config.tables[table_index].life.ttl.as_secs();
    let bandwidth_bytes = records_per_second.saturating_mul(costs.payload_bytes);
    let sized = config.sized_for(limit_bytes.unwrap_or(MOST_LIMIT_BYTES));
    let buffer_bytes = sized.kafka.fetch_buffer.get().as_u64();
    Ok(Projection {
        keys,
        most_alive: (records_per_second > 0)
            .then(|| records_per_second.saturating_mul(ttl_seconds)),
        records_per_second,
        measured_entries: filled.entries,
        entry_bytes: filled.loaded.measured_bytes_of_entry,
        table_bytes: table_bytes(filled.loaded.measured_bytes_of_entry),
        replaced_table_bytes: table_bytes(filled.replaced.measured_bytes_of_entry),
        capacity: ByteSize::bytes(capacity_bytes).to_string(),
        limit_bytes,
        limit_as_configured_bytes: smallest_limit(config, table_index, capacity_bytes),
        budget: budget.map(|budget| budget.to_string()),
        ingest_cpu: millicores(records_per_second, costs.nanos(filled)),
        kafka_cpu_estimate: millicores(records_per_second, costs.kafka_nanos()),
        bandwidth_bytes,
        fetch_buffer_millis: (buffer_bytes * 1_000).checked_div(bandwidth_bytes),
        lookups_per_second,
        lookup_table_cpu: millicores(lookups_per_second, filled.get_nanos),
        lookup_call_cpu_estimate: millicores(lookups_per_second, CALL_NANOS),
    })
}

/// So much CPU time, so often a second, in thousandths of a core, rounded up.
fn millicores(per_second: u64, nanos: u64) -> u64 {
    per_second.saturating_mul(nanos).div_ceil(1_000_000)
}

impl Costs {
    fn nanos(&self, filled: &FilledTable) -> u64 {
        let storing = filled.store_nanos.saturating_mul(self.stored_count);
        self.pluck_nanos + storing.checked_div(self.record_count).unwrap_or(0)
    }

    fn kafka_nanos(&self) -> u64 {
        KAFKA_NANOS + KAFKA_NANOS_PER_KIB * self.payload_bytes / 1_024
    }
}

/// From a table that was measured to one of another size.
struct Scale<'a> {
    config: &'a Config,
    table_index: usize,
    clock: Clock,
    account: Account,
}

impl Scale<'_> {
    /// The capacity that is enough for so many entries, in whole MiB.
    fn capacity_bytes(&self, keys: u64, filled: &FilledTable) -> u64 {
        let of_entry =
            filled.loaded.weight_bytes_of_entry.max(filled.replaced.weight_bytes_of_entry);
        let entries_bytes = of_entry.saturating_mul(keys).min(MOST_LIMIT_BYTES);
        // Entries differ, a store keeps room for one of the largest free, and takes none that is
        // over a sixteenth of its room.
        let room_bytes =
            (entries_bytes + entries_bytes / 20 + MAX_ENTRY_BYTES).max(17 * filled.largest_bytes);
        let in_mib = |bytes: u64| bytes.div_ceil(MIB) * MIB;
        let mut capacity_bytes = in_mib(room_bytes);
        loop {
            let needed_bytes = in_mib(room_bytes + self.fixed_bytes(capacity_bytes));
            if needed_bytes <= capacity_bytes {
                return capacity_bytes;
            }
            capacity_bytes = needed_bytes;
        }
    }

    /// What an empty table of that capacity takes.
    fn fixed_bytes(&self, capacity_bytes: u64) -> u64 {
        let config = &self.config.tables[self.table_index];
        source(config, capacity_bytes, &self.account, &self.clock).table.weight_bytes()
    }

    fn with_capacity(&self, capacity_bytes: u64) -> Config {
        let mut config = self.config.clone();
        config.tables[self.table_index].capacity = Capacity::Bytes(capacity_bytes);
        config
    }
}

/// Below this limit one that is larger may leave tables less, since it has one thread more that reads.
const THREADS_END_MIB: u64 = 320;

/// The smallest limit, in whole MiB, within which the budget gives the table that capacity, as it does
/// within every larger one.
fn smallest_limit(config: &Config, table_index: usize, capacity_bytes: u64) -> Option<u64> {
    let is_enough = |mib: &u64| {
        let capacities =
            plan(config, mib * MIB).map(|budget| budget.capacities().copied().nth(table_index));
        capacities.flatten().is_some_and(|bytes| bytes >= capacity_bytes)
    };
    if is_enough(&THREADS_END_MIB) {
        let too_little = (0..THREADS_END_MIB).rev().find(|mib| !is_enough(mib))?;
        return Some((too_little + 1) * MIB);
    }
    let (mut too_little, mut enough) = (THREADS_END_MIB, MOST_LIMIT_BYTES / MIB);
    if !is_enough(&enough) {
        return None;
    }
    while enough - too_little > 1 {
        let middle = too_little.midpoint(enough);
        if is_enough(&middle) { enough = middle } else { too_little = middle }
    }
    Some(enough * MIB)
}

fn plan(config: &Config, limit_bytes: u64) -> Option<Budget> {
    let limit = Limit { bytes: limit_bytes, source: LimitSource::Configured };
    let config = config.sized_for(limit_bytes);
    Budget::plan_within(limit, &config, reserves::needs(&config)).ok()
}
