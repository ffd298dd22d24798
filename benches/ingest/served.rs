//! The other side: `millpond serve` as it is shipped, asked over its own gRPC.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use millpond::proto::v1::stats_service_client::StatsServiceClient;
use millpond::proto::v1::{GetStatsRequest, GetStatsResponse, RecordOutcome};

use crate::Args;
use crate::process::Cost;

/// A child that does not outlive the benchmark, whatever fails.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What it cost, and an account of every record.
pub(crate) fn measure(broker: &str, topic: &str, args: &Args) -> anyhow::Result<(Cost, String)> {
    let start = Instant::now();
    let mut served = Served(command(broker, topic, args).stderr(Stdio::piped()).spawn()?);
    let log = served.0.stderr.take().context("no log")?;
    let rpc = listening(BufReader::new(log))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let (stats, took) = runtime.block_on(read_to_the_end(&rpc, args.records))?;
    let cost = Cost::of(served.0.id(), start.elapsed())?;
    Ok((cost, format!("{}\n{}", accounts(&stats), stats_latency(took))))
}

fn command(broker: &str, topic: &str, args: &Args) -> Command {
    let settings = [
        format!("kafka.brokers={broker}"),
        format!("ingest.threads={}", args.threads),
        "ingest.start=earliest".into(),
        format!("tables.0.topic={topic}"),
        "tables.0.name=services".into(),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        "tables.0.ttl=24h".into(),
        "tables.0.capacity=1GiB".into(),
        "memory.limit=4GiB".into(),
        "rpc.listen=127.0.0.1:0".into(),
        "admin.listen=127.0.0.1:0".into(),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_millpond"));
    command.arg("serve");
    for setting in &settings {
        command.args(["--set", setting]);
    }
    command
}

/// The log is not read any further; millpond has to go on without it.
fn listening(log: impl BufRead) -> anyhow::Result<String> {
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(&line?)?;
        if line["message"] == "listening" {
            return Ok(line["rpc"].as_str().context("no address")?.to_owned());
        }
    }
    anyhow::bail!("millpond ended before it listened")
}

/// The last statistics, and how long each call for them took.
async fn read_to_the_end(
    rpc: &str,
    records: u64,
) -> anyhow::Result<(GetStatsResponse, Vec<Duration>)> {
    let mut client = StatsServiceClient::connect(format!("http://{rpc}")).await?;
    let mut took = Vec::new();
    loop {
        let start = Instant::now();
        let stats = client.get_stats(GetStatsRequest {}).await?.into_inner();
        took.push(start.elapsed());
        let polled: u64 = stats.partitions.iter().map(|each| each.polled_count).sum();
        if polled >= records {
            return Ok((stats, took));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn stats_latency(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |per_cent: usize| took[(took.len() - 1) * per_cent / 100].as_micros();
    let (p50, p99, calls) = (at(50), at(99), took.len());
    format!("{:<16} {calls} calls of GetStats meanwhile: p50 {p50} us, p99 {p99} us", "")
}

fn accounts(stats: &GetStatsResponse) -> String {
    let counted = |outcome: RecordOutcome| -> u64 {
        let all = stats.partitions.iter().flat_map(|partition| &partition.records);
        all.filter(|record| record.outcome() == outcome).map(|record| record.count).sum()
    };
    let entries = stats.tables.first().map_or(0, |table| table.entry_count);
    let weight = stats.tables.first().map_or(0, |table| table.weight_bytes);
    format!(
        "{:<16} {} stored, {} replaced, {} rejected; {entries} entries of {weight} B",
        "",
        counted(RecordOutcome::Stored),
        counted(RecordOutcome::Replaced),
        counted(RecordOutcome::Rejected),
    )
}
