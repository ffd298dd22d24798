//! The resident set of this process, as the system reports it.

use std::fs;

/// Resident set size of this process, in bytes; zero where the system does not say.
pub fn rss_bytes() -> u64 {
    Resident::of_this_process().rss_bytes
}

/// The resident set of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resident {
    /// All of it.
    pub(super) rss_bytes: u64,
    /// The part without a file behind it: heap and stacks.
    pub(super) anonymous_bytes: u64,
}

impl Resident {
    /// Read from `/proc/self/status`; zero where there is no such file.
    pub(super) fn of_this_process() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name| kib_field(&status, name).map_or(0, |kib| kib * 1024);
        Self { rss_bytes: bytes("VmRSS:"), anonymous_bytes: bytes("RssAnon:") }
    }
}

/// The number of a line like `VmRSS:     1234 kB`, in KiB.
pub(super) fn kib_field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_a_resident_set() {
        let resident = Resident::of_this_process();
        assert!(resident.anonymous_bytes > 1 << 20);
        assert!(resident.rss_bytes > resident.anonymous_bytes);
    }

    #[test]
    fn a_missing_field_is_none() {
        assert_eq!(kib_field("VmPeak:\t 9 kB\nVmRSS:\t 12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(kib_field("VmPeak:\t 9 kB\n", "VmRSS:"), None);
    }
}
