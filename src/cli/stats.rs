//! `millpond stats`: the statistics of a running service, once or again and again.

mod access;
mod kafka;
pub(super) mod memory;
pub(super) mod rpc;
mod tls;
mod watch;

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::client::ClientArgs;
use super::colour::Paint;
use super::failure::Failure;
use super::output::{Output, bytes, count};
use super::shown::show_answer;
use crate::proto::v1::{
    AsOf, ClockStats, GetStatsRequest, GetStatsResponse, Loading, PartitionStats, RecordOutcome,
    RemovalCause, TableStats, TopicState,
};

/// Which service to ask and how to print the answer.
#[derive(Debug, Args)]
pub(super) struct StatsArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Show new statistics at each interval, from 1s to 60s, until Ctrl-C: on a terminal in the place
    /// of those before, and else below them, JSON in one line each
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "1s", value_parser = humantime::parse_duration)]
    watch: Option<Duration>,
}

pub(super) fn run(args: &StatsArgs) -> Result<(), Failure> {
    let paint = Paint::of(&io::stdout());
    if let Some(interval) = args.watch {
        let text = |stats: &GetStatsResponse| stats_text(stats, paint);
        return watch::run(&args.client, interval, args.output, text);
    }
    let ask = async {
        let client = args.client.connect().await?;
        Ok(client.stats().get_stats(client.request(GetStatsRequest {})).await?.into_inner())
    };
    show_answer(args.output, "GetStatsResponse", ask, |stats| stats_text(stats, paint))
}

fn stats_text(stats: &GetStatsResponse, paint: Paint) -> String {
    let build = stats.build.clone().unwrap_or_default();
    let memory = stats.memory.as_ref().map(|memory| memory::memory_text(memory, paint));
    let memory = memory.unwrap_or_default();
    let started = stats.start_time.as_ref().map(ToString::to_string).unwrap_or_default();
    let readiness = readiness_text(stats.ready, paint);
    let mut text = format!(
        "millpond {} (librdkafka {}), {readiness}\nstarted  {started}\nconfig   {}\n\n{memory}",
        build.version, build.librdkafka_version, stats.config_digest,
    );
    text.push_str(
        &stats.kafka.as_ref().map(|kafka| kafka::kafka_text(kafka, paint)).unwrap_or_default(),
    );
    text.push_str(&stats.rpc.as_ref().map(rpc::rpc_text).unwrap_or_default());
    let of_rpc = stats.rpc.as_ref().and_then(|rpc| rpc.tls.as_ref());
    for (port, tls) in [("rpc", of_rpc), ("admin", stats.admin_tls.as_ref())] {
        let now = SystemTime::now();
        text.push_str(&tls.map(|tls| tls::tls_text(port, tls, now, paint)).unwrap_or_default());
    }
    stats.tables.iter().for_each(|table| text.push_str(&table_text(table, paint)));
    text.push_str(&partitions_text(&stats.partitions));
    text.push_str(&oddities_text(stats, paint));
    text
}

fn readiness_text(is_ready: bool, paint: Paint) -> String {
    if is_ready { paint.good("ready") } else { paint.warning("loading") }
}

/// Whatever needs attention. Empty while all is well.
fn oddities_text(stats: &GetStatsResponse, paint: Paint) -> String {
    let mut text = String::new();
    for finding in &stats.unexplained_memory {
        let _ = writeln!(text, "UNEXPLAINED MEMORY, {}", finding.text);
    }
    let mismatches = stats.counter_check.map_or(0, |check| check.mismatch_count);
    if mismatches > 0 {
        let _ = writeln!(
            text,
            "{}: {} mismatches; this is a bug in millpond, the log has the figures",
            paint.bad("THE COUNTERS DO NOT ADD UP"),
            count(mismatches)
        );
    }
    for topic in &stats.topics {
        let said = match topic.state() {
            TopicState::Missing => "the topic does not exist",
            TopicState::Unauthorized => "not authorised to describe it: grant Describe and Read",
            TopicState::Unreadable => "may be described but not read: grant Read",
            TopicState::Waiting => "no broker has answered a request about it yet",
            TopicState::Reading | TopicState::Unspecified => continue,
        };
        let _ = writeln!(text, "topic {}: {}", topic.topic, paint.bad(said));
    }
    text.push_str(&clock_text(stats.clock.as_ref()));
    for partition in &stats.partitions {
        let Some(offset) = partition.open_transaction_offset else { continue };
        let _ = writeln!(
            text,
            "{} {}/{}: nothing can be read from offset {offset} on until a transaction ends",
            partition.table, partition.topic, partition.partition
        );
    }
    for (what, counted) in unusual_counts(stats) {
        if counted > 0 {
            let _ = writeln!(text, "{} {what}", count(counted));
        }
    }
    text
}

/// Empty unless the system's clock was set.
fn clock_text(clock: Option<&ClockStats>) -> String {
    let Some(ClockStats { step_count, last_step, behind }) = clock else { return String::new() };
    let (Some(last_step), Some(behind)) = (last_step, behind) else { return String::new() };
    let direction = if is_negative(last_step) { "back" } else { "forward" };
    let side = if is_negative(behind) { "ahead of" } else { "behind" };
    format!(
        "times the system's clock was set: {}, the last time {direction} by {}; entries live on as \
         before, and millpond's clock is {} {side} it\n",
        count(*step_count),
        seconds_text(last_step),
        seconds_text(behind),
    )
}

fn is_negative(span: &prost_types::Duration) -> bool {
    span.seconds < 0 || span.nanos < 0
}

/// A duration in whole seconds, without its sign.
fn seconds_text(span: &prost_types::Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.seconds.unsigned_abs())).to_string()
}

/// Counts that are zero while all is well.
fn unusual_counts(stats: &GetStatsResponse) -> [(&'static str, i64); 8] {
    let export = stats.export.unwrap_or_default();
    let sum = |of: fn(&PartitionStats) -> i64| stats.partitions.iter().map(of).sum();
    [
        (
            "tombstones and deletions of keys that had no entry",
            sum(|each| record_count(each, RecordOutcome::DeletedNothing)),
        ),
        (
            "records removed by retention before they were read",
            sum(|each| each.retention_gap_records),
        ),
        (
            "times a partition was read again because its topic was recreated",
            sum(|each| each.recreated_count),
        ),
        (
            "times a client was recreated because a partition had stalled",
            sum(|each| each.client_recreated_count),
        ),
        ("dead letters dropped", stats.dead_letters.map_or(0, |letters| letters.dropped_count)),
        (
            "dead letters that the broker refused",
            stats.dead_letters.map_or(0, |letters| letters.failed_count),
        ),
        ("spans that found no room in otlp.queue", export.queue_full_span_count),
        (
            "spans that the collector of otlp.endpoint did not take",
            export.rejected_span_count + export.failed_span_count,
        ),
    ]
}

fn table_text(table: &TableStats, paint: Paint) -> String {
    let removed: Vec<_> = table
        .removals
        .iter()
        .map(|removal| format!("{} {}", count(removal.count), cause(removal.cause())))
        .collect();
    format!(
        "\ntable {}{}\n  {} entries, {} of {}{}{}\n  {} an entry in memory, {} of it accounted \
         for\n  {} hits, {} misses\n  {} stored, of them removed: {}\n{}",
        table.name,
        freshness_text(table.as_of.as_ref(), paint),
        count(table.entry_count),
        bytes(table.weight_bytes),
        bytes(table.capacity_bytes),
        limit_text(table),
        ghosts_text(table),
        bytes(table.retained_bytes_per_entry),
        bytes(table.weight_bytes_per_entry),
        count(table.hit_count),
        count(table.miss_count),
        count(table.stored_count),
        removed.join(", "),
        loading_text(table.loading.as_ref()),
    )
}

fn loading_text(loading: Option<&Loading>) -> String {
    let Some(loading) = loading else { return String::new() };
    format!(
        "  loading: {} records done, {} to go, {} a second, {}\n",
        count(loading.done_records),
        count(loading.remaining_records),
        count(loading.records_per_second),
        loading.time_left.map_or_else(|| "time left unknown".into(), |left| format!("{left} left")),
    )
}

/// How fresh the table is, as every lookup says it.
fn freshness_text(as_of: Option<&AsOf>, paint: Paint) -> String {
    let Some(as_of) = as_of else { return String::new() };
    let readiness = readiness_text(as_of.ready, paint);
    let staleness = match &as_of.staleness {
        Some(staleness) => format!("complete as of {} ago", seconds(staleness)),
        None => "not complete yet".into(),
    };
    format!(": {readiness}, {staleness}")
}

/// In tenths of a second: it is known no better.
fn seconds(duration: &prost_types::Duration) -> String {
    format!("{}.{} s", duration.seconds, duration.nanos / 100_000_000)
}

/// The part of the weight that holds no entries.
fn ghosts_text(table: &TableStats) -> String {
    format!(" ({} of it ghost entries)", bytes(table.ghost_bytes))
}

fn limit_text(table: &TableStats) -> String {
    if table.limit_bytes == table.capacity_bytes {
        return String::new();
    }
    format!(", limited to {}", bytes(table.limit_bytes))
}

fn partitions_text(partitions: &[PartitionStats]) -> String {
    let mut text = format!(
        "\n{:<30} {:>12} {:>10} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
        "partition",
        "position",
        "lag",
        "stored",
        "replaced",
        "deleted",
        "expired",
        "superseded",
        "filtered",
        "rejected"
    );
    for partition in partitions {
        let of = |outcome| record_count(partition, outcome);
        let name = format!("{} {}/{}", partition.table, partition.topic, partition.partition);
        let _ = writeln!(
            text,
            "{name:<30} {:>12} {:>10} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
            partition.position,
            partition.lag_records,
            of(RecordOutcome::Stored),
            of(RecordOutcome::Replaced),
            of(RecordOutcome::Deleted),
            of(RecordOutcome::ExpiredOnArrival),
            of(RecordOutcome::Superseded),
            of(RecordOutcome::Filtered),
            of(RecordOutcome::Rejected),
        );
    }
    text
}

fn record_count(partition: &PartitionStats, outcome: RecordOutcome) -> i64 {
    let found = partition.records.iter().find(|each| each.outcome() == outcome);
    found.map_or(0, |found| found.count)
}

fn cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Replaced => "replaced",
        RemovalCause::Deleted => "deleted",
        RemovalCause::Expired => "expired",
        RemovalCause::Evicted => "evicted",
        RemovalCause::EvictedForPressure => "evicted for pressure",
        RemovalCause::Unspecified => "for an unknown cause",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{CounterCheckStats, Finding};

    #[test]
    fn counter_mismatches_are_printed_in_capitals_and_only_if_there_are_any() {
        let of = |mismatch_count| {
            let counter_check = Some(CounterCheckStats { mismatch_count });
            let stats = GetStatsResponse { counter_check, ..GetStatsResponse::default() };
            stats_text(&stats, Paint::Plain)
        };
        assert!(of(2).contains("THE COUNTERS DO NOT ADD UP: 2 mismatches"));
        assert!(!of(0).contains("COUNTERS"));
    }

    #[test]
    fn unexplained_memory_is_printed_in_capitals_and_only_if_there_is_any() {
        let finding = Finding { text: "ingest: 9.0 MiB unexplained".into(), ..Finding::default() };
        let of = |unexplained_memory| {
            let stats = GetStatsResponse { unexplained_memory, ..GetStatsResponse::default() };
            stats_text(&stats, Paint::Plain)
        };
        let text = of(vec![finding]);
        assert!(text.contains("UNEXPLAINED MEMORY, ingest: 9.0 MiB unexplained\n"), "{text}");
        assert!(!of(Vec::new()).contains("UNEXPLAINED"));
    }

    #[test]
    fn a_system_clock_that_was_set_is_told_of_and_one_that_was_not_is_not() {
        let span = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let of = |step_count, last_step, behind| {
            let clock = ClockStats { step_count, last_step, behind };
            let stats = GetStatsResponse { clock: Some(clock), ..GetStatsResponse::default() };
            oddities_text(&stats, Paint::Plain)
        };
        let text = of(2, span(-3_600), span(-3_540));
        assert!(text.contains("set: 2, the last time back by 1h;"), "{text}");
        assert!(text.contains("clock is 59m ahead of it"), "{text}");
        assert_eq!(of(0, None, span(0)), "");
    }
}
