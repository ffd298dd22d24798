//! What TLS and a policy cost: CPU seconds of the service's process, as ratios of the same calls without
//! them, and of a handshake.
//!
//! Owns the comparison. All services run side by side, and take turns call by call, so that whatever
//! else the machine does falls on all of them alike.

mod contender;

use std::time::Duration;

use anyhow::Result;
use clap::Args as ClapArgs;
use millpond_acceptance::report::say;
use tokio::runtime::Runtime;

use crate::connection::HOST;
use crate::scene::Scene;
use contender::{Contender, Protection};
use millpond_acceptance::authority::Authority;
use millpond_acceptance::mount::{Mount, Swap};

/// The most that a `Get` with TLS and a policy may cost, as a multiple of one without.
const MOST: f64 = 1.35;
const KEYS_OF_A_BATCH: u64 = 100;

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// Lookups of one key in each round, of each service
    #[arg(long, default_value_t = 20_000)]
    gets: u64,
    /// Rounds
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Only print the figures, and do not fail: for a build that is not optimised
    #[arg(long)]
    lenient: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self { gets: 20_000, rounds: 5, lenient: false }
    }
}

/// CPU time by kind of call.
#[derive(Debug, Default, Clone, Copy)]
struct Spent {
    get: Duration,
    batch: Duration,
    handshake: Duration,
}

/// A line if a call costs more than it may.
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let scene = Scene::new().await?;
        let authority = Authority::new("shop")?;
        let server = authority.issue(&[HOST])?;
        let files = [
            ("tls.crt", &*server.certificate),
            ("tls.key", &*server.key),
            ("ca.crt", &*authority.pem()),
        ];
        Mount::new(scene.mount("tls"), Swap::Files)?.put(&files)?;
        let mut contenders = Vec::new();
        for protection in Protection::ALL {
            contenders.push(Contender::start(protection, &scene, &authority).await?);
        }
        compare(args, &contenders).await
    })
}

async fn compare(args: &Args, contenders: &[Contender]) -> Result<Vec<String>> {
    let mut sums = vec![Spent::default(); contenders.len()];
    for _ in 0..args.rounds {
        for (contender, sum) in contenders.iter().zip(&mut sums) {
            sum.get += contender.spend_on_gets(args.gets).await?;
            sum.batch += contender.spend_on_batches(args.gets / 20, KEYS_OF_A_BATCH).await?;
            sum.handshake += contender.spend_on_connections(args.gets / 40).await?;
        }
    }
    let gets = args.gets * u64::from(args.rounds);
    let plain = sums.first().copied().unwrap_or_default();
    say(&format!(
        "{:<16} {:>9} {:>6} {:>11} {:>6} {:>14}",
        "CPU µs of a", "Get", "ratio", "BatchGet", "ratio", "connection"
    ));
    let mut failures = Vec::new();
    for (contender, sum) in contenders.iter().zip(&sums) {
        let ratio = of(sum.get, plain.get);
        say(&format!(
            "{:<16} {:>9.1} {ratio:>6.2} {:>11.1} {:>6.2} {:>14.1}",
            contender.protection.name(),
            micros(sum.get, gets),
            micros(sum.batch, gets / 20),
            of(sum.batch, plain.batch),
            micros(sum.handshake, gets / 40),
        ));
        if ratio > MOST && !args.lenient {
            let name = contender.protection.name();
            failures
                .push(format!("a Get with {name} costs {ratio:.2} times one without: over {MOST}"));
        }
    }
    Ok(failures)
}

fn of(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn micros(spent: Duration, calls: u64) -> f64 {
    spent.as_secs_f64() * 1e6 / millpond_acceptance::cost::exact(calls.max(1))
}
