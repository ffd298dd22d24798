//! The metrics of tables.

use std::collections::BTreeMap;
use std::fmt;

use super::catalogue::{
    HITS, MISSES, PLUCKED, REMOVALS, STORED, TABLE_CAPACITY, TABLE_ENTRIES, TABLE_GHOSTS,
    TABLE_LIMIT, TABLE_LOADING, TABLE_MEASURED, TABLE_NEWEST, TABLE_READY, TABLE_STALENESS,
    TABLE_WEIGHT,
};
use super::metric::Metric;
use super::value::Value;
use super::writer::Writer;
use crate::memory::MemoryType;
use crate::record::Timestamp;
use crate::stats::{Freshness, Loading, PartitionStats, Snapshot};
use crate::table::{MissKind, Removal, TableStats};

pub(super) fn write(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    write_states(writer, snapshot)?;
    write_sizes(writer, snapshot)?;
    write_counters(writer, &snapshot.tables)
}

fn write_states(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    let states = || snapshot.tables.iter().zip(&snapshot.freshness);
    let mut state = |metric: &Metric<1>, value: fn(&Freshness) -> Value| {
        writer.family(metric, |samples| {
            states().try_for_each(|(table, freshness)| samples.put([&table.name], value(freshness)))
        })
    };
    state(&TABLE_READY, |freshness| freshness.is_ready.into())?;
    state(&TABLE_STALENESS, |freshness| freshness.staleness.into())?;
    let loading = PartitionStats::loading_by_table(&snapshot.partitions);
    write_loading(writer, &snapshot.tables, &loading)
}

fn write_loading(
    writer: &mut Writer<'_>,
    tables: &[TableStats],
    loading: &BTreeMap<&str, Loading>,
) -> fmt::Result {
    writer.family(&TABLE_LOADING, |samples| {
        for table in tables {
            let loading = loading.get(table.name.as_str());
            let done = loading.map_or(0, |loading| loading.done_records);
            let remaining = loading.map_or(0, |loading| loading.remaining_records);
            samples.put([&table.name, "done"], done)?;
            samples.put([&table.name, "remaining"], remaining)?;
        }
        Ok(())
    })
}

fn write_sizes(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    let tables = &snapshot.tables;
    let census = &snapshot.memory.census;
    let measured =
        |table: &TableStats| Value::from(census.bytes_of(&MemoryType::Table(table.name.clone())));
    write_each(writer, &TABLE_ENTRIES, tables, |table| table.entry_count.into())?;
    write_each(writer, &TABLE_WEIGHT, tables, |table| table.weight_bytes.into())?;
    write_each(writer, &TABLE_MEASURED, tables, measured)?;
    write_each(writer, &TABLE_GHOSTS, tables, |table| table.ghost_bytes.into())?;
    write_each(writer, &TABLE_CAPACITY, tables, |table| table.capacity_bytes.into())?;
    write_each(writer, &TABLE_LIMIT, tables, |table| table.limit_bytes.into())?;
    write_each(writer, &TABLE_NEWEST, tables, |table| {
        table.newest_record_time.unwrap_or(Timestamp::from_millis(0)).into()
    })
}

fn write_counters(writer: &mut Writer<'_>, tables: &[TableStats]) -> fmt::Result {
    write_each(writer, &HITS, tables, |table| table.hit_count.into())?;
    writer.family(&MISSES, |samples| {
        let misses = tables.iter().flat_map(|table| table.misses.map(|miss| (table, miss)));
        misses.into_iter().try_for_each(|(table, (kind, count))| {
            samples.put([&table.name, miss_name(kind)], count)
        })
    })?;
    write_each(writer, &STORED, tables, |table| table.stored_count.into())?;
    write_each(writer, &PLUCKED, tables, |table| table.plucked_bytes.into())?;
    writer.family(&REMOVALS, |samples| {
        let removals = tables.iter().flat_map(|table| Removal::ALL.map(|cause| (table, cause)));
        removals.into_iter().try_for_each(|(table, cause)| {
            samples.put([&table.name, removal_name(cause)], table.removals.count(cause))
        })
    })
}

fn write_each(
    writer: &mut Writer<'_>,
    metric: &Metric<1>,
    tables: &[TableStats],
    value: impl Fn(&TableStats) -> Value,
) -> fmt::Result {
    writer.family(metric, |samples| {
        tables.iter().try_for_each(|table| samples.put([&table.name], value(table)))
    })
}

fn miss_name(kind: MissKind) -> &'static str {
    match kind {
        MissKind::Loading => "loading",
        MissKind::NeverSeen => "never_seen",
        MissKind::Expired => "expired",
        MissKind::Evicted => "evicted",
        MissKind::EvictedForPressure => "evicted_for_pressure",
        MissKind::Deleted => "deleted",
        MissKind::Unknown => "unknown",
    }
}

fn removal_name(cause: Removal) -> &'static str {
    match cause {
        Removal::Replaced => "replaced",
        Removal::Deleted => "deleted",
        Removal::Expired => "expired",
        Removal::Evicted => "evicted",
        Removal::EvictedForPressure => "evicted_for_pressure",
    }
}
