//! The table of the rounds, for people, and the promises that were broken.

use crate::round::Round;

/// The head of the table.
pub(crate) fn head() -> String {
    format!(
        "{:<22} {:>8} {:>8} {:>9} {:>7} {:>9} {:>7} {:>9}  {}",
        "peer",
        "peak MiB",
        "pressure",
        "calls",
        "failed",
        "p99 ms",
        "probes",
        "newcomers",
        "the peer got"
    )
}

/// One line of the table.
pub(crate) fn line(round: &Round) -> String {
    let Round { name, peak_bytes, tallies, outcomes, .. } = round;
    let outcomes: Vec<_> = match outcomes.as_slice() {
        [(_, only)] => vec![only.clone()],
        several => several.iter().map(|(name, got)| format!("\n    {name:<20} {got}")).collect(),
    };
    format!(
        "{name:<22} {:>8.1} {:>8} {:>9} {:>7} {:>9.1} {:>7} {:>9}  {}",
        mib(*peak_bytes),
        pressure(round),
        tallies.lookups.done,
        tallies.lookups.failed,
        tallies.lookups.p99().as_secs_f64() * 1e3,
        of(tallies.probes.done - tallies.probes.failed, tallies.probes.done),
        of(tallies.newcomers.done - tallies.newcomers.failed, tallies.newcomers.done),
        outcomes.concat(),
    )
}

fn of(part: u64, whole: u64) -> String {
    format!("{part}/{whole}")
}

fn pressure(round: &Round) -> String {
    match round.pressure {
        _ if round.was_killed => "KILLED".into(),
        None => "?".into(),
        Some(pressure) if pressure.is_none() => "none".into(),
        Some(pressure) => format!("{}x", pressure.entered),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size to a few digits")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A line for each promise that a round broke.
pub(crate) fn failures(round: &Round, limit_bytes: u64) -> Vec<String> {
    let Round { name, tallies, .. } = round;
    let pressure = round.pressure.map_or("its statistics cannot be read", |pressure| {
        if pressure.is_none() { "" } else { "entries were evicted for memory" }
    });
    // A newcomer is no promise: where all connections are taken by open calls there is no place.
    let calls = [("lookups", &tallies.lookups), ("probes", &tallies.probes)];
    let mut failures: Vec<_> = calls
        .iter()
        .filter(|(_, tally)| tally.failed > 0)
        .map(|(what, tally)| {
            let first = tally.failures.first().map_or("", String::as_str);
            format!("{} of {} {what} failed: {first}", tally.failed, tally.done)
        })
        .collect();
    if round.was_killed {
        failures.push("the process was killed".into());
    } else if !pressure.is_empty() {
        failures.push(pressure.into());
    }
    if round.peak_bytes >= limit_bytes {
        failures.push("the memory in use reached the limit".into());
    }
    if tallies.lookups.done == 0 || tallies.probes.done == 0 {
        failures.push("the well-behaved client made no calls".into());
    }
    failures.into_iter().map(|failure| format!("{name}: {failure}")).collect()
}
