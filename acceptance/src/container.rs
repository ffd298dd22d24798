//! A memory limit around a process, as a container has it: a control group of its own.
//!
//! Owns the group's life, its limit and its counters. It must not know what runs inside, nor
//! which version of control groups the machine has: that is `container/hierarchy.rs`.

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
/// Joins the group and becomes the program: no byte of the program's is charged elsewhere.
const ENTER: &str = r#"echo $$ >"$0" && exec "$@""#;
/// The kernel may take a moment to let go of a process that has ended.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(5);
const REMOVAL_RETRY: Duration = Duration::from_millis(10);

/// A control group with a memory limit and no swap. It is removed when this is dropped, which
/// wants the processes inside to have ended.
#[derive(Debug)]
pub struct Container {
    hierarchy: Hierarchy,
    folder: PathBuf,
}

impl Container {
    /// An empty group with this limit. An error says what this machine lacks.
    pub fn new(limit_bytes: u64) -> Result<Self> {
        Self::under(Path::new(MOUNT), limit_bytes)
    }

    /// The same for `test`. None where the machine gives none, not even to root: it has then been
    /// said on stderr that the test is skipped, and the caller returns.
    ///
    /// # Panics
    /// In place of a skip when `MILLPOND_REQUIRE_ALL` is 1.
    pub fn required_by(test: &str, limit_bytes: u64) -> Option<Self> {
        Self::new(limit_bytes).inspect_err(|why| skip(test, why)).ok()
    }

    /// The same where control groups are mounted elsewhere.
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

    /// Runs `program` inside; its arguments are still to be added.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("sh");
        command.args(self.command_line(program).into_iter().skip(1));
        command
    }

    /// The same as words, for one who starts programs by a command line.
    pub fn command_line(&self, program: impl AsRef<OsStr>) -> Vec<OsString> {
        let processes = self.folder.join("cgroup.procs").into_os_string();
        vec!["sh".into(), "-c".into(), ENTER.into(), processes, program.as_ref().into()]
    }

    /// Changes the limit. Version 1 refuses one below what is in use that the kernel cannot
    /// reclaim; version 2 takes it, and kills when it cannot reclaim.
    pub fn set_limit(&self, bytes: u64) -> Result<()> {
        self.hierarchy.set_limit(&self.folder, bytes)
    }

    /// What is charged to the group now.
    pub fn usage_bytes(&self) -> Result<u64> {
        self.hierarchy.usage_bytes(&self.folder)
    }

    /// The most that was ever charged to the group.
    pub fn peak_bytes(&self) -> Result<u64> {
        self.hierarchy.peak_bytes(&self.folder)
    }

    /// How often the group wanted more than its limit. Reclaimed caches may have helped it.
    pub fn limit_hits(&self) -> Result<u64> {
        self.hierarchy.limit_hits(&self.folder)
    }

    /// How many processes were killed for the limit.
    pub fn oom_kills(&self) -> Result<u64> {
        self.hierarchy.oom_kills(&self.folder)
    }

    /// Where the group is.
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
