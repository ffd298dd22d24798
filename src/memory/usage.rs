//! The current usage: the bytes that count against the limit at the moment.
//!
//! Where a control group sets the limit, its own count; elsewhere the resident set.

use std::fs;
use std::path::{Path, PathBuf};

use super::limit::{Limit, LimitSource};
use super::resident::rss_bytes;

/// How the current usage is read.
#[derive(Debug, Clone)]
pub enum Usage {
    /// From these two files of a control group.
    Cgroup {
        /// All memory that is charged to the group, with its cached files.
        current: PathBuf,
        /// The parts of that memory.
        stat: PathBuf,
    },
    /// From the resident set of this process.
    Resident,
}

impl Usage {
    /// The usage that counts against `limit`.
    pub fn against(limit: &Limit) -> Self {
        let LimitSource::Cgroup(file) = &limit.source else { return Self::Resident };
        let group = file.parent().unwrap_or(Path::new("/"));
        let current = if file.ends_with("memory.max") { "memory.current" } else { V1_CURRENT };
        Self::Cgroup { current: group.join(current), stat: group.join("memory.stat") }
    }

    /// The bytes that count against the limit; none if they cannot be read at the moment.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Cgroup { current, .. } => fs::read_to_string(current).ok()?.trim().parse().ok(),
            Self::Resident => Some(rss_bytes()).filter(|&bytes| bytes > 0),
        }
    }

    /// The same without cached files, which the system drops before it kills a process.
    /// Reading that takes longer: worth it only where [`Self::bytes`] is high.
    pub fn bytes_without_cached_files(&self) -> Option<u64> {
        match self {
            Self::Cgroup { stat, .. } => {
                Some(self.bytes()?.saturating_sub(inactive_file_bytes(stat)))
            }
            Self::Resident => self.bytes(),
        }
    }
}

const V1_CURRENT: &str = "memory.usage_in_bytes";

/// In version 1 the line without `total_` leaves out the children of the group.
fn inactive_file_bytes(stat: &Path) -> u64 {
    let text = fs::read_to_string(stat).unwrap_or_default();
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    field("total_inactive_file ").or_else(|| field("inactive_file ")).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(limit_file: &str, current_file: &str, stat: &str) -> Option<(u64, u64)> {
        let group = tempfile::tempdir().unwrap();
        fs::write(group.path().join(current_file), "1000\n").unwrap();
        fs::write(group.path().join("memory.stat"), stat).unwrap();
        let source = LimitSource::Cgroup(group.path().join(limit_file));
        let usage = Usage::against(&Limit { bytes: 2000, source });
        Some((usage.bytes()?, usage.bytes_without_cached_files()?))
    }

    #[test]
    fn cached_files_count_as_usage_and_can_be_left_out() {
        let version_2 = usage("memory.max", "memory.current", "anon 1\ninactive_file 300\n");
        assert_eq!(version_2, Some((1000, 700)));
        let stat = "inactive_file 100\ntotal_inactive_file 400\n";
        assert_eq!(usage("memory.limit_in_bytes", V1_CURRENT, stat), Some((1000, 600)));
    }

    #[test]
    fn an_unreadable_usage_is_not_zero() {
        assert_eq!(usage("memory.max", "another", "inactive_file many\n"), None);
    }

    #[test]
    fn without_a_container_the_resident_set_counts() {
        let limit = Limit { bytes: 1, source: LimitSource::Physical };
        assert!(Usage::against(&limit).bytes_without_cached_files() > Some(1 << 20));
    }
}
