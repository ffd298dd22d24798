//! The CPU time of the calling thread, in nanoseconds.

use std::fs;
use std::time::Duration;

use anyhow::Context;

pub(crate) fn now() -> anyhow::Result<Duration> {
    let file = "/proc/thread-self/schedstat";
    let text = fs::read_to_string(file).context(file)?;
    let nanos = text.split_whitespace().next().context("an empty schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
