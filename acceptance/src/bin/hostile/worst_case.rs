//! Compares the memory that callers take at all limits at once (connections, streams, the pool) with
//! what `millpond check` computes for it: the figure is true, and no more than a tenth too large.

mod computed;
mod limits;

use std::time::Duration;

use millpond_acceptance::report::say;
use millpond_client::v1::{GetStatsResponse, MemoryType};
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::args::WorstCaseArgs;
use crate::peer::attack;
use crate::pressure::Statistics;
use crate::scene::Scene;
use crate::target::Target;
use computed::Computed;

const LOOK: Duration = Duration::from_millis(100);
/// The least that the measured memory may be, as a share of the computed memory.
const LEAST_SHARE: f64 = 0.9;

/// A line for each promise that was broken.
pub(crate) async fn run(args: &WorstCaseArgs, attacking: &Runtime) -> anyhow::Result<Vec<String>> {
    let scene = Scene::start("hostile-worst-case", &args.service).await?;
    let computed = Computed::by_check(&scene, &args.service)?;
    let mut statistics = scene.statistics()?;
    let before = rpc_bytes(&statistics.read().await?);
    let usage_before = scene.container.usage_bytes()?;
    scene.container.reset_peak()?;

    let until = Instant::now() + args.hold;
    let mut attacks = Vec::new();
    for peer in limits::peers(computed.connections()?, computed.streams()?, scene.record_count()) {
        let (name, target) = (peer.about().name, Target { network: 1, ..scene.target()? });
        attacks.push((name, attacking.spawn(attack(peer, target, until, u16::MAX))));
    }
    let most = watch(&mut statistics, until).await;
    for (name, attack) in attacks {
        say(&format!("{name}: the peers got {}", attack.await?));
    }

    let usage = scene.container.peak_bytes()?.saturating_sub(usage_before);
    let measured = most.saturating_sub(before);
    say(&format!("computed  {:>7.1} MiB: {computed}", mib(computed.bytes())));
    say(&format!(
        "measured  {:>7.1} MiB by the allocator, {:.1} MiB by the control group",
        mib(measured),
        mib(usage)
    ));
    let kills = scene.container.oom_kills()?;
    scene.stop()?;
    Ok(failures(measured, computed.bytes(), kills))
}

/// The most memory of callers until then.
async fn watch(statistics: &mut Statistics, until: Instant) -> u64 {
    let mut most = 0;
    while Instant::now() < until {
        if let Ok(stats) = statistics.read().await {
            most = most.max(rpc_bytes(&stats));
        }
        sleep(LOOK).await;
    }
    most
}

fn rpc_bytes(stats: &GetStatsResponse) -> u64 {
    let types = stats.memory.iter().flat_map(|memory| &memory.types);
    let of_rpc = types.filter(|each| each.r#type() == MemoryType::Rpc);
    of_rpc.map(|each| each.bytes.cast_unsigned()).sum()
}

#[expect(clippy::cast_precision_loss, reason = "a size to a few digits")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn failures(measured: u64, computed: u64, kills: u64) -> Vec<String> {
    let share = mib(measured) / mib(computed);
    let broken = [
        (kills > 0, "the process was killed".to_owned()),
        (share > 1.0, format!("callers took {share:.2} times the memory that check computes")),
        (
            share < LEAST_SHARE,
            format!("callers took only {share:.2} of the memory that check computes"),
        ),
    ];
    broken.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, what)| what).collect()
}
