//! The CPU time and memory of a process, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Clock ticks a second in `/proc`. They are the same on every Linux.
const TICKS_A_SECOND: u64 = 100;

/// The cost of reading a topic.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// CPU time of all its threads, user and system.
    pub cpu: Duration,
    /// The elapsed time.
    pub wall: Duration,
    /// The peak of the resident memory.
    pub rss_peak_kib: u64,
    /// The resident memory now.
    pub rss_kib: u64,
}

impl Cost {
    /// The cost of the process `id`, which took `wall`.
    pub fn of(id: u32, wall: Duration) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let kib = |name| kib_field(&status, name).with_context(|| format!("no {name}"));
        Ok(Self { cpu: cpu(id)?, wall, rss_peak_kib: kib("VmHWM:")?, rss_kib: kib("VmRSS:")? })
    }

    /// A report line. It includes the cost of each of `records`.
    pub fn line(&self, what: &str, records: u64) -> String {
        format!(
            "{what:<16} {:>9.0} records/s {:>7.2} CPU s a million {:>7} KiB RSS {:>7} KiB at peak",
            self.records_a_second(records),
            self.cpu_a_million(records),
            self.rss_kib,
            self.rss_peak_kib,
        )
    }

    /// Records a second, by wall time.
    pub fn records_a_second(&self, records: u64) -> f64 {
        exact(records) / self.wall.as_secs_f64()
    }

    /// CPU seconds a million records.
    pub fn cpu_a_million(&self, records: u64) -> f64 {
        self.cpu.as_secs_f64() / exact(records) * 1e6
    }
}

/// A count as a floating-point number.
#[expect(clippy::cast_precision_loss, reason = "far less than a double is exact to")]
pub fn exact(count: u64) -> f64 {
    count as f64
}

/// The CPU time of a process so far, user and system.
pub fn cpu(id: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The 14th and 15th field. The second one, the name, may contain anything, so they are counted
    // from its end.
    let (_, after_name) = stat.rsplit_once(')').context("no name in stat")?;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND))
}

fn kib_field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
