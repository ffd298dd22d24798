//! `millpond demo`: the real service, with a Kafka in a process beside it and made-up events.

mod events;
mod kafka;
mod kafka_process;
mod leak;
mod report;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::failure::Failure;
use super::runtime::block_on;
use crate::app::App;
use crate::config::Config;
use crate::stats::TakeSnapshot;
use crate::{shutdown, telemetry};
use kafka::TOPIC;
pub(super) use kafka::{KafkaArgs, run as run_kafka};
use kafka_process::KafkaProcess;
pub(super) use kafka_process::VERB as KAFKA_VERB;
use leak::Leak;
use report::Report;

/// How long the last records may take to be read when the demo ends.
const SETTLE: Duration = Duration::from_secs(5);

/// The memory limit of a demo that leaks.
const LEAK_LIMIT: &str = "320MiB";

/// The rate and duration of the demo, and its addresses.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Records to produce a second
    #[arg(long, value_name = "RECORDS", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// End by itself after this long, as in 30s
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Keep slices of the messages beside the service, as a service does that leaks, until memory is
    /// short: to see how that looks
    #[arg(long)]
    leak: bool,
    /// Send a trace of each call, and metrics, to the collector at this address, by OTLP over gRPC
    #[arg(long, value_name = "http://HOST:PORT")]
    otlp: Option<String>,
    /// Where the gRPC server listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    rpc_listen: SocketAddr,
    /// Where the admin server listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    admin_listen: SocketAddr,
}

pub(super) fn run(args: DemoArgs) -> Result<(), Failure> {
    block_on(async {
        let (requested, requested_again) = shutdown::requested()?;
        tokio::select! {
            ended = demo(args, async { _ = requested.await }) => ended,
            signal = requested_again => Err(signal.into()),
        }
    })
}

async fn demo(args: DemoArgs, requested: impl Future<Output = ()>) -> Result<(), Failure> {
    let mut kafka = KafkaProcess::start(args.rate)?;
    let config = config(&args, kafka.bootstrap())?;
    let log = telemetry::start(&config.log).map_err(super::serve::bad_filter)?;
    tokio::spawn(log.line_limits.report());
    let app = App::build(&config)?.with_log_filter(log.filter);
    let take_snapshot = app.snapshot_handle();
    let mut report = Report::new(io::stdout());
    report.opening(app.rpc_addr()?, app.admin_addr()?, args.rate)?;
    if args.leak {
        report.leak()?;
    }
    report.heads()?;

    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn(app.run(async {
        let _ = stopped.await;
    }));
    kafka.produce()?;
    let leak = args.leak.then(|| Leak::start(kafka.bootstrap(), Arc::clone(&take_snapshot)));
    let leak = leak.transpose()?;
    let result = tokio::select! {
        () = requested => Ok(()),
        () = over(args.duration) => Ok(()),
        failed = every_second(&mut report, &take_snapshot) => failed,
    };
    let sent = kafka.stop_producing()?;
    settled(&take_snapshot, sent.records).await;
    let summary = result.and_then(|()| report.summary(&sent, &take_snapshot()));
    drop(leak);
    let _ = stop.send(());
    service.await.map_err(anyhow::Error::from)??;
    Ok(summary?)
}

/// The settings of the demo. It reads neither a file nor the environment.
fn config(args: &DemoArgs, bootstrap: &str) -> Result<Config, Failure> {
    let mut settings = vec![
        format!("kafka.brokers={bootstrap}"),
        "tables.0.name=services".into(),
        format!("tables.0.topic={TOPIC}"),
        "tables.0.key=/id".into(),
        "tables.0.fields.description=/description".into(),
        "tables.0.ttl=10m".into(),
        "tables.0.capacity=64MiB".into(),
        format!("rpc.listen={}", args.rpc_listen),
        format!("admin.listen={}", args.admin_listen),
        // The in-process cluster cannot look up offsets by time.
        "ingest.start=earliest".into(),
        "log.format=text".into(),
        "log.filter=warn".into(),
        "shutdown.deadline=5s".into(),
    ];
    if args.leak {
        // So that the leak meets a limit within a minute or two, and not that of the machine.
        settings.push(format!("memory.limit={LEAK_LIMIT}"));
    }
    if let Some(endpoint) = &args.otlp {
        settings.push(format!("otlp.endpoint={endpoint}"));
        settings.extend(
            ["sample_ratio=100%", "batch_interval=1s", "metrics_interval=5s"]
                .map(|setting| format!("otlp.{setting}")),
        );
    }
    Ok(Config::load(None, [], &settings)?)
}

async fn over(duration: Option<Duration>) {
    match duration {
        Some(duration) => sleep_until(Instant::now() + duration).await,
        None => std::future::pending().await,
    }
}

async fn every_second(
    report: &mut Report<io::Stdout>,
    take_snapshot: &TakeSnapshot,
) -> io::Result<()> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        report.line(&take_snapshot())?;
    }
}

/// Waits until everything that was produced is read, for at most [`SETTLE`].
async fn settled(take_snapshot: &TakeSnapshot, produced: u64) {
    let deadline = Instant::now() + SETTLE;
    while report::polled(&take_snapshot()) < produced && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
