//! The baseline of ingest: threads that poll records and drop them.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use millpond_acceptance::cost::Cost;
use millpond_acceptance::report::say;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::workload::Workload;

const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// The arguments of the process that [`measure`] starts.
#[derive(Debug, Clone, Args)]
pub struct Bare {
    broker: String,
    topic: String,
    #[command(flatten)]
    workload: Workload,
}

/// Reads the topic in another process, which prints its cost at the end.
pub fn measure(broker: &str, topic: &str, workload: &Workload) -> anyhow::Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bare", broker, topic])
        .args(["--records", &workload.records.to_string()])
        .args(["--partitions", &workload.partitions.to_string()])
        .args(["--threads", &workload.threads.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the bare loop failed");
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse::<u64>).collect::<Result<Vec<_>, _>>()?;
    let [cpu, wall, rss_kib, rss_peak_kib] = numbers.try_into().ok().context("four numbers")?;
    let (cpu, wall) = (Duration::from_millis(cpu), Duration::from_millis(wall));
    Ok(Cost { cpu, wall, rss_peak_kib, rss_kib })
}

impl Bare {
    /// Polls and drops all records, and prints the cost.
    pub fn poll_and_drop(&self) -> anyhow::Result<()> {
        let (start, polled) = (Instant::now(), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let share = |number| {
                let polled = &polled;
                move || self.read_share(number, polled)
            };
            let threads = (0..self.workload.threads).map(|number| scope.spawn(share(number)));
            let threads: Vec<_> = threads.collect();
            threads.into_iter().try_for_each(|thread| thread.join().ok().context("it died")?)
        })?;
        let cost = Cost::of(std::process::id(), start.elapsed())?;
        let (cpu, wall) = (cost.cpu.as_millis(), cost.wall.as_millis());
        say(&format!("{cpu} {wall} {} {}", cost.rss_kib, cost.rss_peak_kib));
        Ok(())
    }

    fn read_share(&self, number: usize, polled: &AtomicU64) -> anyhow::Result<()> {
        let Workload { records, partitions, threads, .. } = self.workload;
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", "bare")
            .set("enable.auto.commit", "false")
            .create()?;
        let mut assignment = TopicPartitionList::new();
        for partition in (0..partitions).skip(number).step_by(threads) {
            assignment.add_partition_offset(&self.topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&assignment)?;
        while polled.load(Ordering::Relaxed) < records {
            if let Some(message) = consumer.poll(POLL_TIMEOUT) {
                message?;
                polled.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
