//! Judges one process at the end, and the log that it is compared with.

use std::time::{Duration, Instant};

use crate::client::Fate;
use crate::model::Model;
use crate::scene::Scene;
use crate::writer::Written;
use crate::{answers, counters};

/// The most failures of a kind that are shown.
const SHOWN: usize = 5;

/// The findings about one process.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) mismatches: usize,
    /// How many records it counted as superseded.
    pub(crate) superseded: i64,
    /// The time from `since` until all was read.
    pub(crate) caught_up: Duration,
    pub(crate) failures: Vec<String>,
}

/// Waits until the process has read all, and judges it.
pub(crate) async fn of_process(
    rpc: &str,
    since: Instant,
    (ends, model, written): (&[i64], &Model, &Written),
    scene: &Scene,
) -> anyhow::Result<Verdict> {
    let (stats, mut failures) = counters::settled(rpc, ends).await?;
    let caught_up = since.elapsed();
    let wrong = answers::wrong(rpc, &written.keys, model).await?;
    let mismatches = wrong.len();
    failures.extend(wrong.into_iter().take(SHOWN));
    failures.extend(counters::unbalanced(&stats, model, scene)?.into_iter().take(SHOWN));
    let superseded = counters::superseded(&stats);
    Ok(Verdict { mismatches, superseded, caught_up, failures })
}

/// A line for each batch that is not in the log as its writer was told. That is no fault of
/// millpond, and makes the other results meaningless.
pub(crate) fn of_log(model: &Model, written: &Written) -> Vec<String> {
    let lines = written.batches.iter().filter_map(|(batch, &(sent, fate))| {
        let read = model.batches.get(batch).copied().unwrap_or(0);
        let is_so = match fate {
            Fate::Committed => read == sent,
            Fate::Aborted => read == 0,
            Fate::InDoubt => read == 0 || read == sent,
            Fate::InParts => read <= sent,
        };
        (!is_so).then(|| format!("the log has {read} of batch {batch}: {sent} records, {fate:?}"))
    });
    lines.take(SHOWN).collect()
}
