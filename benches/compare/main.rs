//! millpond compared with its alternatives, all in one run on this machine. The figures are written
//! to docs/BENCHMARKS.md.
//!
//! `cargo bench -p millpond-benches --bench compare`, or `-- --only memory,lookups`, or
//! `-- --short` to check that it runs.
//!
//! It needs a real broker, as the tests do, and Redis and memcached: `apt-get install redis-server
//! memcached`. The peers in `benches/peers/` need Go, a JDK and Maven. A group without its servers
//! and a peer without its tools are skipped, unless `MILLPOND_REQUIRE_ALL` is 1.

mod args;
mod capacity;
mod cores;
mod empty_server;
mod groups;
mod in_process;
mod load;
mod lookup_requests;
mod machine;
mod pause;
mod peers;
mod raw_codec;
mod report;
mod resident;
mod spread;
mod stage;
mod statistics;
mod table;
mod targets;
mod text_server;
mod thread_cpu;

use std::fs;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use millpond_acceptance::report::say;

use args::{Args, Role};
use report::Findings;
use stage::Stage;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match &args.role {
        Some(Role::Bare(bare)) => bare.poll_and_drop(),
        Some(Role::EmptyServer) => empty_server::serve(),
        Some(Role::InProcess(table)) => table.run(),
        None => compare(&args),
    }
}

fn compare(args: &Args) -> anyhow::Result<()> {
    // Read first, because another commit may be checked out by the end.
    let machine = machine::table();
    let mut stage = Stage::set(args)?;
    let mut all: Vec<Findings> = Vec::new();
    for &group in &args.only {
        let start = Instant::now();
        let findings = groups::measure(group, &mut stage).with_context(|| format!("{group:?}"))?;
        if let Some(findings) = findings {
            say(&format!("{group:?} took {:.0} s\n", start.elapsed().as_secs_f64()));
            all.push(findings);
        }
    }
    let output = args.output();
    fs::write(&output, report::document(&Args::command(), &machine, &all, &stage.skipped))
        .with_context(|| format!("{} cannot be written", output.display()))?;
    say(&format!("written to {}", output.display()));
    Ok(())
}
