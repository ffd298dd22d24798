//! The metrics of records, by table and by partition.

use std::fmt;

use super::catalogue::{
    DEAD_LETTERS, HIGH_WATERMARK, LAG, MISMATCHES, OPEN_TRANSACTION, PARTITION_STALENESS, PAYLOAD,
    POSITION, RECORDS, REJECTIONS, RETENTION_GAPS,
};
use super::metric::Metric;
use super::value::Value;
use super::writer::Writer;
use crate::record::Reject;
use crate::stats::{Outcome, PartitionStats, Snapshot};

/// The outcomes as they are counted: all rejections are one.
const OUTCOMES: [&str; 8] = [
    "stored",
    "replaced",
    "deleted",
    "deleted_nothing",
    "expired_on_arrival",
    "superseded",
    "filtered",
    "rejected",
];

pub(super) fn write(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    write_outcomes(writer, snapshot)?;
    write_rejections(writer, snapshot)?;
    write_sum(writer, &PAYLOAD, snapshot, |partition| partition.payload_bytes)?;
    write_sum(writer, &RETENTION_GAPS, snapshot, |partition| partition.retention_gap_records)?;
    let letters = &snapshot.dead_letters;
    let results = [
        ("delivered", letters.delivered_count),
        ("dropped", letters.dropped_count),
        ("failed", letters.failed_count),
    ];
    writer.each(&DEAD_LETTERS, results)?;
    writer.single(&MISMATCHES, snapshot.counter_check.mismatch_count)?;
    write_partitions(writer, &snapshot.partitions)
}

/// Writes a sample for each table: the sum over its partitions.
pub(super) fn write_sum(
    writer: &mut Writer<'_>,
    metric: &Metric<1>,
    snapshot: &Snapshot,
    value: impl Fn(&PartitionStats) -> u64,
) -> fmt::Result {
    writer.family(metric, |samples| {
        snapshot.tables.iter().try_for_each(|table| {
            let sum: u64 = of_table(snapshot, &table.name).map(&value).sum();
            samples.put([&table.name], sum)
        })
    })
}

fn of_table<'s>(
    snapshot: &'s Snapshot,
    table: &'s str,
) -> impl Iterator<Item = &'s PartitionStats> {
    snapshot.partitions.iter().filter(move |partition| partition.table == table)
}

fn write_outcomes(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    writer.family(&RECORDS, |samples| {
        for table in &snapshot.tables {
            let mut counts = [0; OUTCOMES.len()];
            for (outcome, count) in of_table(snapshot, &table.name).flat_map(|each| &each.outcomes)
            {
                counts[outcome_index(*outcome)] += count;
            }
            for (name, count) in OUTCOMES.into_iter().zip(counts) {
                samples.put([&table.name, name], count)?;
            }
        }
        Ok(())
    })
}

fn write_rejections(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    writer.family(&REJECTIONS, |samples| {
        for table in &snapshot.tables {
            let mut counts = [0; Reject::ALL.len()];
            for (outcome, count) in of_table(snapshot, &table.name).flat_map(|each| &each.outcomes)
            {
                if let Outcome::Rejected(reject) = outcome {
                    counts[*reject as usize] += count;
                }
            }
            for (reject, count) in Reject::ALL.into_iter().zip(counts) {
                samples.put([&table.name, reject.name()], count)?;
            }
        }
        Ok(())
    })
}

fn write_partitions(writer: &mut Writer<'_>, partitions: &[PartitionStats]) -> fmt::Result {
    let mut each = |metric: &Metric<3>, value: fn(&PartitionStats) -> Value| {
        writer.family(metric, |samples| {
            partitions.iter().try_for_each(|partition| {
                let PartitionStats { table, topic, partition: number, .. } = partition;
                samples.put([table, topic, &number.to_string()], value(partition))
            })
        })
    };
    each(&POSITION, |partition| partition.position.into())?;
    each(&HIGH_WATERMARK, |partition| partition.high_watermark.into())?;
    each(&LAG, |partition| partition.lag_records().into())?;
    each(&PARTITION_STALENESS, |partition| partition.staleness.into())?;
    each(&OPEN_TRANSACTION, |partition| partition.open_transaction.is_some().into())
}

fn outcome_index(outcome: Outcome) -> usize {
    outcome.index().min(OUTCOMES.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_name_and_all_rejections_are_one() {
        let name = |outcome| OUTCOMES[outcome_index(outcome)];
        for (outcome, expected) in [
            (Outcome::Stored, "stored"),
            (Outcome::Replaced, "replaced"),
            (Outcome::Deleted, "deleted"),
            (Outcome::DeletedNothing, "deleted_nothing"),
            (Outcome::ExpiredOnArrival, "expired_on_arrival"),
            (Outcome::Superseded, "superseded"),
            (Outcome::Filtered, "filtered"),
        ] {
            assert_eq!(name(outcome), expected);
        }
        assert!(Reject::ALL.into_iter().all(|it| name(Outcome::Rejected(it)) == "rejected"));
    }
}
