//! One round: some peers attack for a while, beside the well-behaved client, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use millpond_acceptance::container::Container;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::neighbour::{Neighbour, Tallies};
use crate::peer::{Peer, attack};
use crate::pressure::{Pressure, Statistics};
use crate::scene::Scene;
use crate::target::Target;

/// The time between two readings of the memory in use.
const LOOK: Duration = Duration::from_millis(10);
/// The time in which a service lets go of peers that have left, before the next round.
const REST: Duration = Duration::from_secs(2);
/// The most connections of each of several peers, so that this program has files for all.
const TOGETHER_CONNECTIONS: u16 = 1_000;
/// The number of the first peer's network: 127.1.0.0.
const FIRST_NETWORK: u8 = 1;

/// The findings of a round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) name: String,
    pub(crate) peak_bytes: u64,
    pub(crate) was_killed: bool,
    /// None if the statistics could not be read.
    pub(crate) pressure: Option<Pressure>,
    pub(crate) tallies: Tallies,
    /// What each peer got, by its name.
    pub(crate) outcomes: Vec<(&'static str, String)>,
}

/// Runs a round. A service that was killed runs again afterwards.
pub(crate) async fn run(
    scene: &mut Scene,
    peers_runtime: &Runtime,
    name: &str,
    peers: &[Arc<dyn Peer>],
    time: Duration,
) -> anyhow::Result<Round> {
    let target = scene.target()?;
    let mut statistics = scene.statistics()?;
    let before = Pressure::of(&statistics.read().await?);
    let is_reset = scene.container.reset_peak()?;
    let mut neighbour = Neighbour::start(target, scene.records());
    neighbour.wait_until_connected().await?;
    let until = Instant::now() + time;
    let attacks = peers_runtime.spawn(attack_together(peers.to_vec(), target, until));
    let mut peak_bytes = watch(&scene.container, until).await?;
    let outcomes = attacks.await?;
    let tallies = neighbour.stop()?;
    if is_reset {
        peak_bytes = scene.container.peak_bytes()?;
    }
    sleep(REST).await;
    let was_killed = scene.restart_if_ended().await?;
    let pressure = if was_killed { None } else { pressure_since(&mut statistics, before).await };
    Ok(Round { name: name.into(), peak_bytes, was_killed, pressure, tallies, outcomes })
}

async fn attack_together(
    peers: Vec<Arc<dyn Peer>>,
    target: Target,
    until: Instant,
) -> Vec<(&'static str, String)> {
    let most_connections = if peers.len() > 1 { TOGETHER_CONNECTIONS } else { u16::MAX };
    let mut attacks = JoinSet::new();
    for (network, peer) in (FIRST_NETWORK..).zip(peers) {
        let target = Target { network, ..target };
        attacks.spawn(async move {
            let name = peer.about().name;
            (name, attack(peer, target, until, most_connections).await.to_string())
        });
    }
    let mut outcomes = attacks.join_all().await;
    outcomes.sort_unstable();
    outcomes
}

/// The most memory in use until then, by readings.
async fn watch(container: &Container, until: Instant) -> anyhow::Result<u64> {
    let (mut peak_bytes, mut tick) = (0, interval(LOOK));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < until {
        tick.tick().await;
        peak_bytes = peak_bytes.max(container.usage_bytes()?);
    }
    Ok(peak_bytes)
}

async fn pressure_since(statistics: &mut Statistics, before: Pressure) -> Option<Pressure> {
    const ATTEMPTS: usize = 5;
    for _ in 0..ATTEMPTS {
        if let Ok(stats) = statistics.read().await {
            return Some(Pressure::of(&stats).since(before));
        }
        sleep(REST).await;
    }
    None
}
