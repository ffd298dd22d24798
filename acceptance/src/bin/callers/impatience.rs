//! Runs the caller of each language against one service, and sees to it that its one connection
//! lasts.

use std::path::Path;
use std::process::Command;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use anyhow::Context;
use clap::Args;
use millpond_acceptance::broker::{Broker, Message, Topic};
use millpond_acceptance::language::{self, Language};
use millpond_acceptance::producer::Source;
use millpond_acceptance::report::say;
use millpond_acceptance::served::Served;

use crate::relay::Relay;
use crate::service::{Entries, TABLE, key, settings};

const RECORDS: u64 = 100;

#[derive(Debug, Args)]
pub(crate) struct ImpatienceArgs {
    /// A language to try alone; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Another setting of millpond
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

/// A line for each promise that was broken.
pub(crate) fn run(args: &ImpatienceArgs) -> anyhow::Result<Vec<String>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let broker = Broker::in_process();
        let topic = broker.create_topic(1).await;
        fill(&topic);
        let settings = settings(&broker.bootstrap(), &topic.name, "127.0.0.1:0", &args.settings);
        let mut served = Served::start_release(&settings, "callers.log")?;
        let is_wanted = |language: &Language| {
            args.only.is_empty() || args.only.iter().any(|name| name == language.name)
        };
        let mut failures = Vec::new();
        for language in language::ALL.into_iter().filter(is_wanted) {
            let missing = language.missing();
            if missing.is_empty() {
                failures.extend(try_language(language, &served).await?);
            } else {
                say(&format!("{:<7} SKIPPED, there is no {}", language.name, missing.join(", ")));
            }
        }
        served.stop()?;
        Ok(failures)
    })
}

async fn try_language(language: Language, served: &Served) -> anyhow::Result<Vec<String>> {
    let program = tokio::task::spawn_blocking(move || language.build()).await??;
    let relay = Relay::start(served.rpc().parse()?).await?;
    let address = relay.address.to_string();
    let output = tokio::task::spawn_blocking(move || call(&program, &address)).await??;
    let made = relay.seen.made.load(Ordering::Relaxed);
    let ends = relay.seen.ends.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
    let (name, told) = (language.name, output.lines().collect::<Vec<_>>().join("; "));
    say(&format!("{name:<7} connections: {made}; {told}"));
    let told = output.lines().filter_map(|line| line.strip_prefix("FAILED  "));
    let mut failures: Vec<_> = told.map(|failure| format!("{name}: {failure}")).collect();
    if made != 1 || !ends.is_empty() {
        failures.push(format!("{name}: it needed {made} connections, not 1; the service: {ends}"));
    }
    Ok(failures)
}

/// What the caller prints.
fn call(program: &Path, address: &str) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(["impatience", address, TABLE, &key(0)])
        .output()
        .with_context(|| format!("{} could not be run", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() || text.contains("FAILED") {
        return Ok(text);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    let last = why.lines().last().unwrap_or_default();
    Ok(format!("{text}FAILED  it ended with {}: {last}", output.status))
}

fn fill(topic: &Topic) {
    let message = |number| Message {
        key: Some(key(number).into_bytes()),
        payload: Entries.payload(number),
        ..Message::default()
    };
    topic.produce(&(0..RECORDS).map(message).collect::<Vec<_>>());
}
