//! Shows that nobody who reaches the ports can hurt the service: hostile peers attack a millpond
//! with a full table and a running stream in a small container, and a well-behaved client beside
//! them notices nothing.
//!
//! `cargo run --release -p millpond-acceptance --bin hostile -- --for 30s --together 120s`
//! `cargo run --release -p millpond-acceptance --bin hostile -- --only hpack-bombs --limit 512MiB`
//! `cargo run --release -p millpond-acceptance --bin hostile -- worst-case`
//! `cargo run --release -p millpond-acceptance --bin hostile -- stop --times 50`
//!
//! It needs root and a control group with the memory controller, and a limit of 20,000 open files.
//! It fails if the process is killed, evicts entries for want of memory, or fails a call of the
//! well-behaved client or a probe. It also shows how many newcomers found a place.

mod args;
mod calls;
mod entries;
mod neighbour;
mod outcome;
mod peer;
mod peers;
mod pressure;
mod raw;
mod report;
mod requests;
mod round;
mod scene;
mod stop;
mod target;
mod worst_case;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use millpond_acceptance::report::say;
use tokio::runtime::{Builder, Runtime};

use args::{Args, Part, PeersArgs};
use peer::Peer;
use scene::Scene;

/// How long the well-behaved client is alone, for comparison.
const ALONE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args = Args::parse();
    let failures = show(&args).unwrap_or_else(|error| vec![format!("{error:#}")]);
    for failure in &failures {
        say(&format!("FAILED  {failure}"));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line for each broken promise.
fn show(args: &Args) -> anyhow::Result<Vec<String>> {
    if args.peers.list {
        peers::named(&args.peers.only, 0)?.iter().for_each(|peer| say(&peer.about().to_string()));
        return Ok(Vec::new());
    }
    // Peers have a thread of their own, so that they do not hold up what watches.
    let attacking = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let failures = Runtime::new()?.block_on(async {
        match &args.part {
            None => rounds(&args.peers, &attacking).await,
            Some(Part::WorstCase(args)) => worst_case::run(args, &attacking).await,
            Some(Part::Stop(args)) => stop::run(args, &attacking).await,
        }
    });
    attacking.shutdown_background();
    failures
}

async fn rounds(args: &PeersArgs, attacking: &Runtime) -> anyhow::Result<Vec<String>> {
    peers::named(&args.only, 0)?;
    let mut scene = Scene::start("hostile", &args.service).await?;
    let peers = peers::named(&args.only, scene.record_count())?;
    say(&report::head());
    let mut failures = Vec::new();
    for (name, peers, time) in plan(args, &peers) {
        let round = round::run(&mut scene, attacking, name, peers, time).await?;
        say(&report::line(&round));
        failures.extend(report::failures(&round, args.service.limit_bytes));
    }
    failures.extend(scene.stop().err().map(|error| format!("{error:#}")));
    Ok(failures)
}

/// A round to come: its name, its peers, and how long they attack.
type Planned<'a> = (&'static str, &'a [Arc<dyn Peer>], Duration);

/// The rounds: nobody, each peer, and all together.
fn plan<'a>(args: &PeersArgs, peers: &'a [Arc<dyn Peer>]) -> Vec<Planned<'a>> {
    let mut rounds: Vec<Planned<'a>> = vec![("nobody", &[], ALONE)];
    let each = peers.iter().map(|peer| (peer.about().name, std::slice::from_ref(peer), args.each));
    rounds.extend(each);
    if !args.together.is_zero() && peers.len() > 1 {
        rounds.push(("all together", peers, args.together));
    }
    rounds
}
