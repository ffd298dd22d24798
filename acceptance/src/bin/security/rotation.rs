//! Rotates the certificate and the authority again and again while callers look up a key: no lookup
//! fails. A caller of the authority that was removed is refused afterwards, with its session at hand,
//! and its open stream has ended.
//!
//! Owns the steps of a rotation. Each is seen from outside before the next begins: the service shows
//! the new certificate, takes a caller of the new authority, and refuses one of the old.

mod former;
mod load;
mod parties;

use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::Args as ClapArgs;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;
use tokio::runtime::Runtime;

use crate::page;
use crate::scene::Scene;
use former::FormerCaller;
use load::Load;
use millpond_acceptance::mount::{Mount, Swap};
use parties::Parties;

#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// How often certificate and authority are rotated, in each of the two ways
    #[arg(long, default_value_t = 10)]
    times: u32,
    /// How many callers look up keys all the time
    #[arg(long, default_value_t = 8)]
    callers: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self { times: 10, callers: 8 }
    }
}

/// A line for each promise that was broken.
pub(crate) fn run(args: &Args) -> Result<Vec<String>> {
    let ways = [(Swap::Files, "files one by one"), (Swap::Symlink, "a symbolic link")];
    let runtime = Runtime::new()?;
    let mut failures = Vec::new();
    for (swap, name) in ways {
        let found = runtime.block_on(rotate(args, swap, name))?;
        failures.extend(found.into_iter().map(|failure| format!("rotation by {name}: {failure}")));
    }
    Ok(failures)
}

async fn rotate(args: &Args, swap: Swap, name: &str) -> Result<Vec<String>> {
    let scene = Scene::new().await?;
    let mut mount = Mount::new(scene.mount("tls"), swap)?;
    let mut parties = Parties::new()?;
    parties.put(&mut mount)?;
    let mut served = serve(&scene)?;
    let address = served.rpc().parse()?;
    parties.wait_until_served(address).await?;
    let load = Load::start(address, &parties.callers(), args.callers);
    let (mut failures, mut resumed) = (Vec::new(), 0);
    for _ in 0..args.times {
        let former = rotate_once(&mut parties, &mut mount, address).await?;
        resumed += former.iter().filter(|caller| caller.was_resumed).count();
        for caller in former {
            failures.extend(caller.failures(address).await);
        }
    }
    let (tally, times) = (load.stop().await, args.times);
    say(&format!("by {name:<17} {times} rotations, {}", tally.line()));
    say(&format!(
        "   of {} callers of a removed authority {resumed} had resumed before",
        2 * times
    ));
    failures.extend(tally.failures());
    failures.extend(ended_badly(&mut served)?);
    Ok(failures)
}

/// The recipe for mutual TLS, whose files are read often.
fn serve(scene: &Scene) -> Result<Served> {
    let settings = [
        "admin.probe_listen=127.0.0.1:0",
        "rpc.tls.reload_interval=1s",
        "admin.tls.reload_interval=1s",
        // As many connections as the run makes, from one address.
        "rpc.max_connections=512",
        "rpc.max_connections_per_peer=512",
    ];
    scene.serve(&page::recipe("mutual-tls")?, &settings.map(str::to_owned), "security-rotation.log")
}

/// Returns callers of the authority that is now removed, who had connected before.
async fn rotate_once(
    parties: &mut Parties,
    mount: &mut Mount,
    address: SocketAddr,
) -> Result<Vec<FormerCaller>> {
    let (trusted, caller, mut former) = (parties.trusted(), parties.caller().clone(), Vec::new());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        former.push(FormerCaller::connect(address, &trusted, &caller, version).await?);
    }
    parties.trust_both(mount, address).await?;
    parties.issue_anew(mount, address).await?;
    parties.remove_former(mount, address).await?;
    Ok(former)
}

fn ended_badly(served: &mut Served) -> Result<Option<String>> {
    let status = served.stop()?.context("it had to be killed")?;
    Ok((!status.success()).then(|| format!("the service ended with {status}")))
}
