//! The thresholds of a soak, and the findings that exceed them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::findings::{End, Findings};

/// The live entries must weigh at least this share of the last limit.
const LEAST_LIVE_SHARE: f64 = 0.55;
/// The longest time without progress of the stream while there are records to read,
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// and that of a single partition.
const LONGEST_PAUSE_OF_ONE: Duration = Duration::from_secs(30);

/// A line for each broken promise.
pub(crate) fn failures(findings: &Findings) -> Vec<String> {
    let judges = [memory, lookups, stream, end, harness];
    judges.iter().flat_map(|judge| judge(findings)).collect()
}

fn memory(findings: &Findings) -> Vec<String> {
    let reached = findings.usages.iter().any(|usage| usage.peak_bytes >= usage.limit_bytes);
    let live_share = findings.last_usage().share(findings.live_bytes());
    let lowering = findings.lowering.as_ref();
    let refused = lowering.is_some_and(|lowering| lowering.took.is_none());
    broken([
        (findings.oom_kills > 0, "the process was killed for its memory"),
        (findings.limit_hits > 0, "the limit was hit"),
        (reached, "the memory in use reached the limit"),
        (refused, "the limit was not lowered"),
        (live_share < LEAST_LIVE_SHARE, "live entries are too small a share of the limit"),
    ])
}

fn lookups(findings: &Findings) -> Vec<String> {
    let tally = &findings.lookups;
    let shown = tally.failures.iter().chain(&findings.progress.failures);
    let calls = broken([
        (tally.failed > 0, "lookups failed, were wrong or took too long"),
        (tally.done == 0, "nothing was looked up"),
        (!findings.progress.failures.is_empty(), "calls for statistics failed"),
        (tally.hits == 0, "no lookup found an entry, so none was checked"),
    ]);
    calls.into_iter().chain(shown.take(6).map(|failure| format!("  {failure}"))).collect()
}

fn stream(findings: &Findings) -> Vec<String> {
    let progress = &findings.progress;
    broken([
        (progress.worst_pause > LONGEST_PAUSE, "the stream was stuck"),
        (progress.worst_of_one.0 > LONGEST_PAUSE_OF_ONE, "a partition was stuck"),
        (progress.polled() == 0, "nothing was read"),
    ])
}

fn end(findings: &Findings) -> Vec<String> {
    match &findings.end {
        End::Early(status) => vec![format!("it ended by itself: {status}")],
        End::Asked(status) if !status.success() => {
            vec![format!("it ended with an error: {status}")]
        }
        End::Killed => vec!["it did not end when it was asked to".into()],
        End::Asked(_) => {
            let unasked = findings.memory.as_ref().err();
            unasked.map(|error| format!("its memory is unknown: {error:#}")).into_iter().collect()
        }
    }
}

/// Failures that are no fault of millpond, and that make the other results meaningless.
fn harness(findings: &Findings) -> Vec<String> {
    let refused = findings.delivered.refused.load(Ordering::Relaxed);
    let producer = findings.producer.as_ref().err();
    let producer = producer.map(|error| format!("the producer gave up: {error:#}"));
    let refused = (refused > 0).then(|| format!("the broker refused {refused} records"));
    producer.into_iter().chain(refused).collect()
}

fn broken<const N: usize>(promises: [(bool, &str); N]) -> Vec<String> {
    promises.iter().filter(|(broken, _)| *broken).map(|(_, what)| (*what).to_owned()).collect()
}
