//! What the system says that the process holds.

use std::fs;

/// Resident set size of this process, in bytes, as `/proc/self/status` gives it;
/// zero where there is no such file.
pub fn rss_bytes() -> u64 {
    fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| kib_field(&status, "VmRSS:"))
        .map_or(0, |kib| kib * 1024)
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
        assert!(rss_bytes() > 1 << 20);
    }

    #[test]
    fn a_field_that_is_not_there_is_none() {
        assert_eq!(kib_field("VmPeak:\t 9 kB\nVmRSS:\t 12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(kib_field("VmPeak:\t 9 kB\n", "VmRSS:"), None);
    }
}
