//! Stops a service at SIGTERM while calls are open and silent, slow and half-open peers are on the
//! line, again and again: its end must not take longer than what it owes to calls in flight.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use millpond_acceptance::broker::{Broker, Message, Topic};
use millpond_acceptance::producer::Source;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::args::{ServiceArgs, StopArgs};
use crate::entries::Entries;
use crate::peer::{Peer, attack};
use crate::peers;
use crate::pressure::Statistics;
use crate::scene::settings;
use crate::target::Target;

/// None of the calls in flight takes any time: they wait, or their callers do not read.
const LONGEST: Duration = Duration::from_secs(2);
/// Connections of each peer. The service has room for all.
const CONNECTIONS: u16 = 4;
/// How long the peers are on the line before the signal.
const BEFORE: Duration = Duration::from_millis(500);
/// Longer than any start and stop.
const UNTIL: Duration = Duration::from_secs(600);
const RECORDS: u64 = 2_000;
/// The peers that hold something open.
const PEERS: [&str; 14] = [
    "silent-connections",
    "half-preface",
    "silent-preface",
    "half-frame-head",
    "half-frame",
    "unended-headers",
    "unended-bodies",
    "unread-small",
    "unread-large",
    "unread-statistics",
    "waiting-batches",
    "health-watches",
    "statistics-watches",
    "reflection-streams",
];

/// A line for each stop that took too long.
pub(crate) async fn run(args: &StopArgs, attacking: &Runtime) -> anyhow::Result<Vec<String>> {
    let broker = Broker::in_process();
    let topic = broker.create_topic(1).await;
    fill(&topic);
    let names =
        if args.only.is_empty() { PEERS.map(str::to_owned).into() } else { args.only.clone() };
    let peers = peers::named(&names, RECORDS)?;
    let (mut failures, mut times) = (Vec::new(), Vec::new());
    for number in 1..=args.times {
        let settings = settings(&broker.bootstrap(), &topic.name, &service(args));
        let took = stop_once(&settings, &peers, attacking).await;
        match took {
            Ok(took) => times.push(took),
            Err(error) => failures.push(format!("stop {number}: {error:#}")),
        }
    }
    times.sort_unstable();
    say(&line(&times));
    failures.extend(
        times.iter().filter(|took| **took > LONGEST).map(|took| {
            format!("a stop took {:.2} s, and no call in flight did", took.as_secs_f64())
        }),
    );
    Ok(failures)
}

/// The time from the signal to the end of the process.
async fn stop_once(
    settings: &[String],
    peers: &[Arc<dyn Peer>],
    attacking: &Runtime,
) -> anyhow::Result<Duration> {
    let mut served = Served::start_release(settings, "hostile-stop.log")?;
    let target = Target { rpc: served.rpc().parse()?, admin: served.admin().parse()?, network: 0 };
    Statistics::connect(target.rpc)?.wait_until_ready().await?;
    // Ends with the drop at the end of this function, after the service.
    let mut attacks = JoinSet::new();
    for (network, peer) in (1..).zip(peers) {
        let (peer, target) = (Arc::clone(peer), Target { network, ..target });
        let until = tokio::time::Instant::now() + UNTIL;
        attacks.spawn_on(attack(peer, target, until, CONNECTIONS), attacking.handle());
    }
    tokio::time::sleep(BEFORE).await;
    let start = Instant::now();
    let status = served.stop()?.context("it had to be killed")?;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(start.elapsed())
}

fn fill(topic: &Topic) {
    let entries = Entries::new();
    let message = |number| Message {
        key: Some(entries.key(number).into_bytes()),
        payload: entries.payload(number),
        ..Message::default()
    };
    topic.produce(&(0..RECORDS).map(message).collect::<Vec<_>>());
}

fn service(args: &StopArgs) -> ServiceArgs {
    let settings = [vec!["memory.limit=256MiB".to_owned()], args.settings.clone()].concat();
    ServiceArgs { limit_bytes: 0, capacity: "64MiB".into(), produce_rate: 0, settings }
}

fn line(times: &[Duration]) -> String {
    let last = times.len().saturating_sub(1);
    let at = |per_cent: usize| {
        times.get(last * per_cent / 100).copied().unwrap_or_default().as_secs_f64()
    };
    let all: Vec<_> = times.iter().map(|took| format!("{:.2}", took.as_secs_f64())).collect();
    format!(
        "{} stops: p50 {:.2} s, p99 {:.2} s, longest {:.2} s\n  {}",
        times.len(),
        at(50),
        at(99),
        at(100),
        all.join(" ")
    )
}
