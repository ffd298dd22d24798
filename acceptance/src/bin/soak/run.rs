//! Runs a soak: clients, a producer and readings beside the service, then the end of the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::anyhow;
use millpond_acceptance::producer::Producer;
use millpond_acceptance::records::Records;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::args::Args;
use crate::findings::{End, Findings};
use crate::lookups::{Asked, Tally, ask};
use crate::lowering::Lowering;
use crate::progress::follow;
use crate::service::Service;
use crate::usage::{LOOK, Usage};

const CLIENTS: u64 = 4;

pub(crate) fn run(
    service: Service,
    producer: Producer,
    records: Arc<Records>,
    args: &Args,
) -> anyhow::Result<Findings> {
    let asked = Arc::new(Asked {
        rpc: service.served.rpc().to_owned(),
        rate: args.rate,
        records,
        delivered: producer.delivered(),
        polled: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    let adding = keep_adding(producer, args.produce_rate, Arc::clone(&asked));
    let runtime = tokio::runtime::Runtime::new()?;
    let findings = runtime.block_on(soak(service, Arc::clone(&asked), adding, args));
    // Also if the soak failed: the producer's thread must end.
    asked.stop.store(true, Ordering::Relaxed);
    findings
}

fn keep_adding(
    mut producer: Producer,
    rate: u32,
    asked: Arc<Asked>,
) -> JoinHandle<anyhow::Result<()>> {
    std::thread::spawn(move || producer.keep_adding(rate, &asked.stop))
}

async fn soak(
    mut service: Service,
    asked: Arc<Asked>,
    adding: JoinHandle<anyhow::Result<()>>,
    args: &Args,
) -> anyhow::Result<Findings> {
    let start = Instant::now();
    let mut clients: JoinSet<_> =
        (0..CLIENTS).map(|client| ask(Arc::clone(&asked), args.seed ^ (client + 1))).collect();
    let following = tokio::spawn(follow(Arc::clone(&asked)));
    let mut lowering = Lowering::new(args);
    let usages = watch(&mut service, &mut lowering, args).await?;
    let ran = start.elapsed();
    let early = service.served.ended()?;
    asked.stop.store(true, Ordering::Relaxed);

    let mut lookups = Tally::default();
    while let Some(tally) = clients.join_next().await {
        lookups.merge(tally??);
    }
    let progress = following.await??;
    let producer = adding.join().map_err(|_| anyhow!("its thread died")).flatten();
    let memory = service.memory_json();
    let end = match early {
        Some(status) => End::Early(status),
        None => service.served.stop()?.map_or(End::Killed, End::Asked),
    };
    let (limit_hits, oom_kills) = (service.container.limit_hits()?, service.container.oom_kills()?);
    let delivered = Arc::clone(&asked.delivered);
    Ok(Findings {
        ran,
        usages,
        lowering,
        limit_hits,
        oom_kills,
        lookups,
        progress,
        delivered,
        producer,
        memory,
        end,
    })
}

/// Watches the memory until the time is over or the process has ended.
async fn watch(
    service: &mut Service,
    lowering: &mut Option<Lowering>,
    args: &Args,
) -> anyhow::Result<Vec<Usage>> {
    let (start, mut before) = (Instant::now(), Vec::new());
    let mut usage = Usage::under(args.limit_bytes);
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while start.elapsed() < args.run_for && service.served.ended()?.is_none() {
        tick.tick().await;
        if let Some(process) = service.served.id() {
            usage.look(&service.container, process)?;
        }
        let Some(lowering) = lowering else { continue };
        // Without a process any limit is accepted, which would mean nothing.
        let runs = service.served.ended()?.is_none();
        if runs && lowering.turn(start.elapsed(), &service.container) {
            usage.peak_bytes = service.container.peak_bytes()?;
            before.push(usage);
            usage = Usage::under(lowering.to_bytes);
        }
    }
    if before.is_empty() {
        usage.peak_bytes = service.container.peak_bytes()?;
    }
    before.push(usage);
    Ok(before)
}
