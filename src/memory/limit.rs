//! The memory limit that the system sets: that of the container, or the machine's memory.
//!
//! Reads control groups of version 1 and 2. A limit in the configuration is not known here.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::resident::kib_field;

/// A memory limit and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The limit, in bytes.
    pub bytes: u64,
    /// Where it comes from.
    pub source: LimitSource,
}

/// Where a limit comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitSource {
    /// The configuration.
    Configured,
    /// This file of a control group.
    Cgroup(PathBuf),
    /// The machine: no control group sets a limit.
    Physical,
}

impl fmt::Display for LimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => write!(f, "memory.limit"),
            Self::Cgroup(file) => write!(f, "{}", file.display()),
            Self::Physical => write!(f, "physical memory, no container limit"),
        }
    }
}

impl Limit {
    /// The lowest limit that the process's control groups set (version 2 or 1), or
    /// else the machine's memory.
    ///
    /// # Errors
    ///
    /// When a file exists and cannot be read at the moment. That does not mean that there
    /// is no limit.
    pub fn detect() -> io::Result<Self> {
        Self::detect_under(Path::new("/"))
    }

    fn detect_under(root: &Path) -> io::Result<Self> {
        let mut lowest = Self { bytes: physical_bytes(root)?, source: LimitSource::Physical };
        for file in limit_files(root)? {
            if let Some(bytes) = read_limit(&file)?.filter(|&bytes| bytes < lowest.bytes) {
                lowest = Self { bytes, source: LimitSource::Cgroup(file) };
            }
        }
        Ok(lowest)
    }
}

/// The text of a file; none if it does not exist or may not be read.
fn read(file: &Path) -> io::Result<Option<String>> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Without a limit, version 2 has the word `max` and version 1 a number above any machine's
/// memory.
fn read_limit(file: &Path) -> io::Result<Option<u64>> {
    Ok(read(file)?.and_then(|text| text.trim().parse().ok()))
}

/// The limit files of the process's control groups and of all their parents, whose limits
/// hold as well.
fn limit_files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let groups = read(&root.join("proc/self/cgroup"))?.unwrap_or_default();
    Ok(groups.lines().flat_map(|line| limit_files_of(root, line)).collect())
}

/// A line is `hierarchy:controllers:path`. In version 2 the controllers are empty.
fn limit_files_of(root: &Path, line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let mount = root.join(mount);
    let group = mount.join(path.trim_start_matches('/'));
    group.ancestors().take_while(|dir| dir.starts_with(&mount)).map(|dir| dir.join(file)).collect()
}

fn physical_bytes(root: &Path) -> io::Result<u64> {
    let meminfo = read(&root.join("proc/meminfo"))?;
    let kib = meminfo.and_then(|meminfo| kib_field(&meminfo, "MemTotal:"));
    Ok(kib.map_or(u64::MAX, |kib| kib * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of 1 GiB with these files beside.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let meminfo = ("proc/meminfo", "MemTotal:        1048576 kB\n");
        for (path, text) in files.iter().chain([&meminfo]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn detected(files: &[(&str, &str)]) -> (u64, Option<String>) {
        let root = machine(files);
        let limit = Limit::detect_under(root.path()).unwrap();
        let file = match limit.source {
            LimitSource::Cgroup(file) => {
                Some(file.strip_prefix(root.path()).unwrap().display().to_string())
            }
            _ => None,
        };
        (limit.bytes, file)
    }

    const PHYSICAL: u64 = 1 << 30;

    #[test]
    fn a_container_of_version_2_sets_the_limit() {
        let found = detected(&[
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "268435456\n"),
        ]);
        assert_eq!(found, (256 << 20, Some("sys/fs/cgroup/memory.max".into())));
    }

    #[test]
    fn a_parents_lower_limit_binds() {
        let (bytes, file) = detected(&[
            ("proc/self/cgroup", "0::/pods/one\n"),
            ("sys/fs/cgroup/pods/memory.max", "1000000\n"),
            ("sys/fs/cgroup/pods/one/memory.max", "2000000\n"),
        ]);
        assert_eq!((bytes, file), (1_000_000, Some("sys/fs/cgroup/pods/memory.max".into())));
    }

    #[test]
    fn a_container_of_version_1_sets_the_limit() {
        let (bytes, _) = detected(&[
            ("proc/self/cgroup", "5:cpu:/x\n4:hugetlb,memory:/docker/abc\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
        ]);
        assert_eq!(bytes, 512 << 20);
    }

    #[test]
    fn without_a_limit_the_machines_memory_is_the_limit() {
        assert_eq!(detected(&[]), (PHYSICAL, None));
        let unlimited = [
            ("proc/self/cgroup", "0::/\n4:memory:/\n"),
            ("sys/fs/cgroup/memory.max", "max\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(detected(&unlimited), (PHYSICAL, None));
    }

    #[test]
    fn malformed_files_are_ignored() {
        let malformed =
            [("proc/self/cgroup", "nonsense\n0::/\n::\n"), ("sys/fs/cgroup/memory.max", "a lot\n")];
        assert_eq!(detected(&malformed), (PHYSICAL, None));
    }

    #[test]
    fn a_file_that_cannot_be_read_at_the_moment_is_not_taken_for_no_limit() {
        let root = machine(&[("proc/self/cgroup", "0::/\n")]);
        // Reading a folder fails, and it is there.
        fs::create_dir_all(root.path().join("sys/fs/cgroup/memory.max")).unwrap();
        assert!(Limit::detect_under(root.path()).is_err());
    }
}
