//! The resident memory of a process, once it is steady.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::pause;

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// An allocator returns pages for some seconds.
const PATIENCE: u32 = 10;

/// The resident memory when it has not fallen for `settle`.
pub(crate) fn settled_bytes(process: u32, settle: Duration) -> anyhow::Result<u64> {
    let start = Instant::now();
    let mut least = (bytes(process)?, start);
    while least.1.elapsed() < settle && start.elapsed() < settle * PATIENCE {
        pause::of(BETWEEN_LOOKS);
        let now = bytes(process)?;
        // Ignores changes of a page or two.
        if now + now / 1_000 < least.0 {
            least = (now, Instant::now());
        }
    }
    bytes(process)
}

fn bytes(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
