//! The measure of it all: threads that poll records and drop them.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::Args;
use crate::process::Cost;

const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// Reads the topic in a process of its own, which says in the end what it cost.
pub(crate) fn measure(broker: &str, topic: &str, args: &Args) -> anyhow::Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--bare", broker, topic])
        .args(["--records", &args.records.to_string()])
        .args(["--partitions", &args.partitions.to_string()])
        .args(["--threads", &args.threads.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the bare loop failed");
    let text = String::from_utf8(output.stdout)?;
    let numbers = text.split_whitespace().map(str::parse::<u64>).collect::<Result<Vec<_>, _>>()?;
    let [cpu, wall, rss_kib, rss_peak_kib] = numbers.try_into().ok().context("four numbers")?;
    let (cpu, wall) = (Duration::from_millis(cpu), Duration::from_millis(wall));
    Ok(Cost { cpu, wall, rss_peak_kib, rss_kib })
}

/// The process that [`measure`] starts.
pub(crate) fn poll_and_drop(broker: &str, topic: &str, args: &Args) -> anyhow::Result<()> {
    let (start, polled) = (Instant::now(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let share = |number| {
            let polled = &polled;
            move || read_share(broker, topic, args, number, polled)
        };
        let threads: Vec<_> = (0..args.threads).map(|n| scope.spawn(share(n))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().ok().context("a thread died")?)
    })?;
    let cost = Cost::of(std::process::id(), start.elapsed())?;
    let (cpu, wall) = (cost.cpu.as_millis(), cost.wall.as_millis());
    crate::say(&format!("{cpu} {wall} {} {}", cost.rss_kib, cost.rss_peak_kib));
    Ok(())
}

fn read_share(
    broker: &str,
    topic: &str,
    args: &Args,
    number: usize,
    polled: &AtomicU64,
) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", "bare")
        .set("enable.auto.commit", "false")
        .create()?;
    let mut assignment = TopicPartitionList::new();
    for partition in (0..args.partitions).skip(number).step_by(args.threads) {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    while polled.load(Ordering::Relaxed) < args.records {
        if let Some(message) = consumer.poll(POLL_TIMEOUT) {
            message?;
            polled.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}
