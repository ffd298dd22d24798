//! How much memory is in use, as the control group and the process tell it, ten times a second.

use std::time::Duration;

use millpond_acceptance::container::Container;
use millpond_acceptance::cost::Cost;

/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// The most that was seen, under the limit that was in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) limit_bytes: u64,
    /// By the group's own count since its beginning or, under a lowered limit, by looks.
    pub(crate) peak_bytes: u64,
    /// By looks.
    pub(crate) rss_peak_kib: u64,
    /// By the kernel's count since the process began.
    pub(crate) rss_ever_kib: u64,
    pub(crate) cpu: Duration,
}

impl Usage {
    pub(crate) fn under(limit_bytes: u64) -> Self {
        Self { limit_bytes, peak_bytes: 0, rss_peak_kib: 0, rss_ever_kib: 0, cpu: Duration::ZERO }
    }

    /// The process may have just ended.
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
