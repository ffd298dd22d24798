//! A memory limit around processes, as in a container: a control group.
//!
//! Owns the group, its limit and its counters. Knows nothing of the programs in it. The two
//! versions of control groups are in `container/hierarchy.rs`.

mod hierarchy;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hierarchy::Hierarchy;

use crate::require::{self, warn};

const MOUNT: &str = "/sys/fs/cgroup";
/// Joins the group, then becomes the program, so all memory of the program is charged to the group.
const ENTER: &str = r#"echo $$ >"$0" && exec "$@""#;
/// The kernel may need a moment to remove an ended process from its group.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(5);
const REMOVAL_RETRY: Duration = Duration::from_millis(10);

/// A control group with a memory limit and no swap. Dropping it removes the group, which works
/// only after the processes inside have ended.
#[derive(Debug)]
pub struct Container {
    hierarchy: Hierarchy,
    folder: PathBuf,
}

impl Container {
    /// Creates an empty group with this limit. The error says what this machine lacks.
    pub fn new(limit_bytes: u64) -> Result<Self> {
        Self::under(Path::new(MOUNT), limit_bytes)
    }

    /// Creates a group for `test`. Returns None if this machine cannot have one, and has then
    /// printed that the test is skipped: the caller returns.
    ///
    /// # Panics
    /// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
    pub fn required_by(test: &str, limit_bytes: u64) -> Option<Self> {
        Self::new(limit_bytes).inspect_err(|why| skip(test, why)).ok()
    }

    /// Creates a group where control groups are mounted at `mount`.
    pub fn under(mount: &Path, limit_bytes: u64) -> Result<Self> {
        let hierarchy = Hierarchy::mounted(mount)?;
        let unique = RandomState::new().hash_one(std::process::id());
        let folder = hierarchy.root().join(format!("millpond-{unique:016x}"));
        fs::create_dir(&folder)
            .with_context(|| format!("cannot make {}; it takes root", folder.display()))?;
        let container = Self { hierarchy, folder };
        container.hierarchy.forbid_swap(&container.folder)?;
        container.set_limit(limit_bytes)?;
        Ok(container)
    }

    /// A command that runs `program` in the group. The caller adds the arguments.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("sh");
        command.args(self.command_line(program).into_iter().skip(1));
        command
    }

    /// The same command as a list of words.
    pub fn command_line(&self, program: impl AsRef<OsStr>) -> Vec<OsString> {
        let processes = self.folder.join("cgroup.procs").into_os_string();
        vec!["sh".into(), "-c".into(), ENTER.into(), processes, program.as_ref().into()]
    }

    /// Changes the limit. If the kernel cannot reclaim enough memory for a lower limit, version 1
    /// refuses the limit. Version 2 accepts it and kills processes.
    pub fn set_limit(&self, bytes: u64) -> Result<()> {
        self.hierarchy.set_limit(&self.folder, bytes)
    }

    /// The bytes that are charged to the group now.
    pub fn usage_bytes(&self) -> Result<u64> {
        self.hierarchy.usage_bytes(&self.folder)
    }

    /// The most bytes that were charged to the group since its creation, or the last
    /// [`reset_peak`](Self::reset_peak) that worked.
    pub fn peak_bytes(&self) -> Result<u64> {
        self.hierarchy.peak_bytes(&self.folder)
    }

    /// Makes the peak begin anew. Returns whether the kernel can: version 2 cannot.
    pub fn reset_peak(&self) -> Result<bool> {
        self.hierarchy.reset_peak(&self.folder)
    }

    /// How often the group reached its limit. The kernel may have reclaimed caches each time.
    pub fn limit_hits(&self) -> Result<u64> {
        self.hierarchy.limit_hits(&self.folder)
    }

    /// How many processes the kernel killed because of the limit.
    pub fn oom_kills(&self) -> Result<u64> {
        self.hierarchy.oom_kills(&self.folder)
    }

    /// The folder of the group.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let start = Instant::now();
        while let Err(error) = fs::remove_dir(&self.folder) {
            if start.elapsed() > REMOVAL_PATIENCE {
                warn(&format!("cannot remove {}: {error}", self.folder.display()));
                return;
            }
            std::thread::park_timeout(REMOVAL_RETRY);
        }
    }
}

fn skip(test: &str, why: &anyhow::Error) {
    let cure = "run it as root where the memory controller is mounted and can be written to";
    require::skip(test, "a control group", &format!("{why:#}"), cure);
}
