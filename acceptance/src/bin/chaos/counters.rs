//! Whether the service has read the whole stream, and whether its counters add up then.

use std::time::{Duration, Instant};

use anyhow::Context;
use millpond_client::health::HealthCheckRequest;
use millpond_client::health::health_check_response::ServingStatus;
use millpond_client::health::health_client::HealthClient;
use millpond_client::v1::stats_service_client::StatsServiceClient;
use millpond_client::v1::{
    GetStatsRequest, GetStatsResponse, PartitionStats, RecordOutcome, RejectReason, RemovalCause,
    TableStats,
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use crate::model::{Model, Read};
use crate::scene::{Scene, now_ms};

/// The longest time until a service has read the whole stream.
const PATIENCE: Duration = Duration::from_secs(60);
const SLOWEST_CALL: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Waits until all is read, or patience is over. Returns the statistics and what is still wrong.
pub(crate) async fn settled(
    rpc: &str,
    ends: &[i64],
) -> anyhow::Result<(GetStatsResponse, Vec<String>)> {
    let channel = Endpoint::from_shared(format!("http://{rpc}"))?.connect_lazy();
    let mut client = StatsServiceClient::new(channel.clone());
    let start = Instant::now();
    loop {
        let stats = timeout(SLOWEST_CALL, client.get_stats(GetStatsRequest {})).await??;
        let stats = stats.into_inner();
        let mut stuck = stuck(&stats, ends);
        if stuck.is_empty() || start.elapsed() > PATIENCE {
            stuck.extend(unwell(channel).await?);
            return Ok((stats, stuck));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn stuck(stats: &GetStatsResponse, ends: &[i64]) -> Vec<String> {
    let mut stuck: Vec<_> = (0..)
        .zip(ends)
        .filter_map(|(id, &end)| {
            let found = stats.partitions.iter().find(|found| found.partition == id);
            let at = found.map(|found| (found.position, found.high_watermark, found.lag_records));
            (at != Some((end, end, 0))).then(|| {
                format!(
                    "stuck: partition {id} ends at {end}, position, watermark and lag are {at:?}"
                )
            })
        })
        .collect();
    if !stats.ready {
        stuck.push("stuck: not ready".into());
    }
    stuck
}

async fn unwell(channel: Channel) -> anyhow::Result<Vec<String>> {
    let (mut client, mut unwell) = (HealthClient::new(channel), Vec::new());
    for service in ["", "millpond.live"] {
        let request = HealthCheckRequest { service: service.into() };
        let status = timeout(SLOWEST_CALL, client.check(request)).await??.into_inner().status();
        if status != ServingStatus::Serving {
            unwell.push(format!("health of {service:?} is {status:?}"));
        }
    }
    Ok(unwell)
}

/// A line for each wrong sum.
pub(crate) fn unbalanced(
    stats: &GetStatsResponse,
    model: &Model,
    scene: &Scene,
) -> anyhow::Result<Vec<String>> {
    let table = stats.tables.first().context("no table")?;
    let mut wrong = table_faults(table, model, scene);
    for found in &stats.partitions {
        let read = model.partitions.get(usize::try_from(found.partition)?);
        let read = read.context("a partition that does not exist")?;
        let faults = partition_faults(found, read, scene);
        wrong.extend(faults.into_iter().map(|what| format!("{what}: {read:?}, {found:?}")));
    }
    Ok(wrong)
}

/// How many records were superseded.
pub(crate) fn superseded(stats: &GetStatsResponse) -> i64 {
    let records = stats.partitions.iter().flat_map(|partition| &partition.records);
    let superseded = records.filter(|record| record.outcome() == RecordOutcome::Superseded);
    superseded.map(|record| record.count).sum()
}

fn table_faults(table: &TableStats, model: &Model, scene: &Scene) -> Vec<String> {
    let removed: i64 = table.removals.iter().map(|removal| removal.count).sum();
    let evicted = table.removals.iter().find(|removal| removal.cause() == RemovalCause::Evicted);
    let now = now_ms();
    let live = model.entries.values().filter(|expected| expected.expiry_ms > now).count();
    let live = i64::try_from(live).unwrap_or(i64::MAX);
    let faults = [
        (
            table.stored_count - removed != table.entry_count,
            "stored minus removals is not the number of entries",
        ),
        (
            evicted.is_none_or(|evicted| evicted.count > 0),
            "entries were evicted although there was room",
        ),
        (
            scene.nothing_expires() && table.entry_count != live,
            "the entries are not those of the log",
        ),
    ];
    let faults = faults.into_iter().filter(|(is_so, _)| *is_so);
    faults.map(|(_, what)| format!("{what}, the log has {live}: {table:?}")).collect()
}

fn partition_faults(found: &PartitionStats, read: &Read, scene: &Scene) -> Vec<&'static str> {
    let records: i64 = found.records.iter().map(|record| record.count).sum();
    let rejected = found.records.iter().find(|of| of.outcome() == RecordOutcome::Rejected);
    let rejected = rejected.map_or(0, |rejected| rejected.count);
    let reasons: i64 = found.rejections.iter().map(|rejection| rejection.count).sum();
    let too_large = found.rejections.iter().find(|of| of.reason() == RejectReason::EntryTooLarge);
    let too_large = too_large.map_or(0, |too_large| too_large.count);
    // A record that is too large and superseded as well counts as superseded. Which ones are depends
    // on the order in which partitions are read.
    let is_counted = (found.polled_count, rejected - too_large)
        == (read.records, read.rejected - read.too_large_entries)
        && too_large <= read.too_large_entries;
    let faults = [
        (records != found.polled_count, "the outcomes do not add up to the records polled"),
        (reasons != rejected, "the reasons do not add up to the records rejected"),
        // A service that starts at a later offset has read fewer records.
        (scene.from_earliest && !is_counted, "the counts are not those of the log"),
    ];
    faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what).collect()
}
