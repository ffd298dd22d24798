//! millpond side by side with what one would use instead, all in one run on this machine; the
//! figures are written to docs/BENCHMARKS.md.
//!
//! `cargo bench --bench compare`, or `-- --only memory,lookups`, or `-- --short` to see that it
//! runs.
//!
//! It wants what the tests want for a real broker, and Redis and memcached: `apt-get install
//! redis-server memcached`. What is not there is skipped, unless `MILLPOND_REQUIRE_ALL` is 1.

#[path = "compare/args.rs"]
mod args;
#[path = "ingest/bare.rs"]
mod bare;
#[path = "compare/capacity.rs"]
mod capacity;
#[path = "pluck/contenders.rs"]
mod contenders;
#[path = "compare/cores.rs"]
mod cores;
#[path = "pluck/documents.rs"]
mod documents;
#[path = "compare/empty_server.rs"]
mod empty_server;
#[path = "compare/groups.rs"]
mod groups;
#[path = "compare/in_process.rs"]
mod in_process;
#[expect(
    dead_code,
    unused_imports,
    reason = "a benchmark uses less of the harness than the tests do"
)]
#[path = "../tests/it/support/kafka.rs"]
mod kafka;
#[path = "compare/load.rs"]
mod load;
#[path = "compare/machine.rs"]
mod machine;
#[path = "ingest/millpond.rs"]
mod millpond;
#[path = "ingest/new_topic.rs"]
mod new_topic;
#[path = "compare/pause.rs"]
mod pause;
#[expect(dead_code, reason = "compare prints no line of it")]
#[path = "ingest/process.rs"]
mod process;
#[path = "ingest/process_end.rs"]
mod process_end;
#[path = "compare/questions.rs"]
mod questions;
#[path = "compare/raw_codec.rs"]
mod raw_codec;
#[path = "compare/report.rs"]
mod report;
#[path = "compare/resident.rs"]
mod resident;
#[expect(dead_code, reason = "compare prints no line of it")]
#[path = "ingest/served.rs"]
mod served;
#[path = "table/shape.rs"]
mod shape;
#[path = "compare/spread.rs"]
mod spread;
#[path = "compare/stage.rs"]
mod stage;
#[path = "compare/statistics.rs"]
mod statistics;
#[path = "table/subject.rs"]
mod subject;
#[path = "compare/targets.rs"]
mod targets;
#[path = "compare/text_server.rs"]
mod text_server;
#[path = "compare/thread_cpu.rs"]
mod thread_cpu;
#[path = "ingest/topic.rs"]
mod topic;
#[path = "ingest/workload.rs"]
mod workload;

use std::fs;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;

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
    // At once: what is checked out may be another commit when it ends.
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

#[expect(clippy::print_stdout, reason = "a benchmark is read on a terminal")]
fn say(line: &str) {
    println!("{line}");
}
