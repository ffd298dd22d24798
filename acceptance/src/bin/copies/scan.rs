//! A scan has each entry once, as the stream left it, while the table changes fast.
//!
//! Keys that are only replaced are in each scan, at a record that is not older than what the broker had
//! acknowledged some time before. Keys that come and go are in it at most once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Parser;
use millpond_acceptance::caller::{Caller, polled};
use millpond_acceptance::cost::exact;
use millpond_acceptance::report::say;
use millpond_client::Client;
use millpond_client::v1::{Entry, ScanRequest};
use tokio::runtime::Runtime;

use crate::answer::{Known, offset};
use crate::served::{Scene, TABLE};
use crate::writes::{Log, Writer, key};

const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_FAILURES: usize = 5;

#[derive(Debug, Clone, Parser)]
pub(crate) struct Args {
    /// Records a second that are written meanwhile
    #[arg(long, default_value_t = 20_000)]
    rate: u64,
    /// Keys; half of them are deleted now and then
    #[arg(long, default_value_t = 100_000)]
    keys: usize,
    /// Scans of the whole table
    #[arg(long, default_value_t = 3)]
    scans: u32,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Vec<String>> {
    let scene = Scene::set("scan")?;
    let kept_keys = args.keys / 2;
    let mut writer = Writer::new(scene.broker, &scene.topic, args.keys, kept_keys)?;
    writer.fill()?;
    let runtime = Runtime::new()?;
    let _in_runtime = runtime.enter();
    let caller = scene.caller()?;
    runtime.block_on(caller.wait_until_polled(args.keys as u64));
    let client = Client::connect_lazy(&scene.endpoint(), TIMEOUT)?;
    let (log, stop) = (writer.log(), AtomicBool::new(false));
    thread::scope(|threads| {
        let writing = threads.spawn(|| writer.keep_writing(args.rate, u64::MAX, &stop));
        let outcome = runtime.block_on(scans(&client, &caller, &log, kept_keys, args));
        stop.store(true, Ordering::Relaxed);
        writing.join().map_err(|_| anyhow!("the writing thread died"))??;
        outcome
    })
}

async fn scans(
    client: &Client,
    caller: &Caller,
    log: &Arc<Log>,
    kept_keys: usize,
    args: &Args,
) -> anyhow::Result<Vec<String>> {
    let (start, before) = (Instant::now(), polled(&caller.stats().await));
    let (mut failures, mut entries) = (Vec::new(), 0);
    for _ in 0..args.scans {
        let scan = Scan::read(client).await?;
        entries += scan.entries.len();
        failures.extend(scan.faults(log, kept_keys, args.keys));
        failures.truncate(MAX_FAILURES);
    }
    let seconds = start.elapsed().as_secs_f64();
    let changes = polled(&caller.stats().await) - before;
    say(&format!(
        "scan: {} scans with {entries} entries in {seconds:.1} s, while {:.0} changes a second came; \
         {} wrong",
        args.scans,
        exact(changes) / seconds,
        failures.len()
    ));
    Ok(failures)
}

/// One scan of the whole table.
struct Scan {
    /// All that the broker had acknowledged then has to be in it.
    complete: Instant,
    entries: Vec<Entry>,
}

impl Scan {
    async fn read(client: &Client) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let request = ScanRequest { table: TABLE.into(), ..ScanRequest::default() };
        let (mut scan, mut entries, mut staleness) = (client.scan(request), Vec::new(), None);
        while let Some(response) = scan.next().await? {
            entries.extend(response.entries);
            staleness = staleness.or(response.as_of.and_then(|as_of| as_of.staleness));
        }
        let staleness = Duration::try_from(staleness.context("a table that is not complete")?)?;
        let complete = begin.checked_sub(staleness).context("staler than this machine is old")?;
        Ok(Self { complete, entries })
    }

    fn faults(&self, log: &Log, kept_keys: usize, keys: usize) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut faults = Vec::new();
        for entry in &self.entries {
            let number = entry.key.strip_prefix("key-").and_then(|number| number.parse().ok());
            let Some(number) = number.filter(|number| *number < keys) else {
                faults.push(format!("{} was never written", entry.key));
                continue;
            };
            if !seen.insert(number) {
                faults.push(format!("{} came twice", entry.key));
            }
            let wanted = log.last_at(number, self.complete);
            if !Known::Entry(offset(entry)).includes(wanted) {
                faults.push(format!("{} is at {}, not at {wanted:?}", entry.key, offset(entry)));
            }
        }
        let missing = (0..kept_keys).filter(|number| !seen.contains(number));
        faults.extend(missing.map(|number| format!("{} is missing", key(number))));
        faults
    }
}
