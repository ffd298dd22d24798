//! The memory in use, read from the control group and the process ten times a second.

use std::time::Duration;

use millpond_acceptance::container::Container;
use millpond_acceptance::cost::Cost;

/// The time between two readings.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// The peaks while one limit was in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) limit_bytes: u64,
    /// The group's own peak since its creation or, under a lowered limit, the highest reading.
    pub(crate) peak_bytes: u64,
    /// The highest reading.
    pub(crate) rss_peak_kib: u64,
    /// The kernel's peak since the process started.
    pub(crate) rss_ever_kib: u64,
    pub(crate) cpu: Duration,
}

impl Usage {
    pub(crate) fn under(limit_bytes: u64) -> Self {
        Self { limit_bytes, peak_bytes: 0, rss_peak_kib: 0, rss_ever_kib: 0, cpu: Duration::ZERO }
    }

    /// Does nothing if the process has just ended.
    pub(crate) fn look(&mut self, container: &Container, process: u32) -> anyhow::Result<()> {
        self.peak_bytes = self.peak_bytes.max(container.usage_bytes()?);
        if let Ok(cost) = Cost::of(process, Duration::ZERO) {
            self.rss_peak_kib = self.rss_peak_kib.max(cost.rss_kib);
            self.rss_ever_kib = cost.rss_peak_kib;
            self.cpu = cost.cpu;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a share to a few digits")]
    pub(crate) fn share(&self, bytes: u64) -> f64 {
        bytes as f64 / self.limit_bytes as f64
    }

    pub(crate) fn line(&self) -> String {
        format!(
            "memory    {} KiB in use at peak, {:.1} % of {} MiB; {} KiB RSS at peak, {} \
             KiB ever; {:.0} CPU s",
            self.peak_bytes >> 10,
            self.share(self.peak_bytes) * 100.0,
            self.limit_bytes >> 20,
            self.rss_peak_kib,
            self.rss_ever_kib,
            self.cpu.as_secs_f64(),
        )
    }
}
