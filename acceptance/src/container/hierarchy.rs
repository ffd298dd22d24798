//! The two versions of control groups, and the files of each for a memory limit.
//!
//! Owns the names of the files and the format of their content. Knows nothing of particular groups.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

const V1_LIMIT: &str = "memory.limit_in_bytes";

/// A mounted hierarchy that limits memory.
#[derive(Debug)]
pub(super) enum Hierarchy {
    V1(PathBuf),
    V2(PathBuf),
}

impl Hierarchy {
    /// Finds the hierarchy of the memory controller. Control groups are mounted at `mount`.
    pub(super) fn mounted(mount: &Path) -> Result<Self> {
        let v1 = mount.join("memory");
        if v1.join(V1_LIMIT).exists() {
            return Ok(Self::V1(v1));
        }
        let controllers = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
        if !controllers.split_whitespace().any(|name| name == "memory") {
            bail!("no memory controller of control groups is mounted at {}", mount.display());
        }
        // Child groups have the files of a controller only if it is listed here.
        write(&mount.join("cgroup.subtree_control"), "+memory")?;
        Ok(Self::V2(mount.to_owned()))
    }

    pub(super) fn root(&self) -> &Path {
        let (Self::V1(root) | Self::V2(root)) = self;
        root
    }

    /// Does not use version 1's limit for memory and swap together. If both limits are equal, that
    /// one is reached first, and its hits are not counted (Linux 6.18).
    pub(super) fn forbid_swap(&self, group: &Path) -> Result<()> {
        let file = match self {
            Self::V1(_) => group.join("memory.swappiness"),
            Self::V2(_) => group.join("memory.swap.max"),
        };
        // The file does not exist if the kernel has no swap accounting.
        if file.exists() { write(&file, "0") } else { Ok(()) }
    }

    pub(super) fn set_limit(&self, group: &Path, bytes: u64) -> Result<()> {
        let file = match self {
            Self::V1(_) => V1_LIMIT,
            Self::V2(_) => "memory.max",
        };
        write(&group.join(file), &bytes.to_string())
    }

    pub(super) fn usage_bytes(&self, group: &Path) -> Result<u64> {
        match self {
            Self::V1(_) => number(group, "memory.usage_in_bytes"),
            Self::V2(_) => number(group, "memory.current"),
        }
    }

    pub(super) fn peak_bytes(&self, group: &Path) -> Result<u64> {
        match self {
            Self::V1(_) => number(group, "memory.max_usage_in_bytes"),
            Self::V2(_) => number(group, "memory.peak"),
        }
    }

    /// Makes the peak begin anew. Returns whether this version can.
    pub(super) fn reset_peak(&self, group: &Path) -> Result<bool> {
        match self {
            Self::V1(_) => write(&group.join("memory.max_usage_in_bytes"), "0").map(|()| true),
            // It resets what one open file shows, and only in newer kernels.
            Self::V2(_) => Ok(false),
        }
    }

    pub(super) fn limit_hits(&self, group: &Path) -> Result<u64> {
        match self {
            Self::V1(_) => number(group, "memory.failcnt"),
            Self::V2(_) => named_number(group, "memory.events", "max"),
        }
    }

    pub(super) fn oom_kills(&self, group: &Path) -> Result<u64> {
        match self {
            Self::V1(_) => named_number(group, "memory.oom_control", "oom_kill"),
            Self::V2(_) => named_number(group, "memory.events", "oom_kill"),
        }
    }
}

fn number(group: &Path, file: &str) -> Result<u64> {
    let text = read(&group.join(file))?;
    text.trim().parse().with_context(|| format!("no number in {file}: {text:?}"))
}

/// The number in the line of this name, as in `oom_kill 1`.
fn named_number(group: &Path, file: &str, name: &str) -> Result<u64> {
    let text = read(&group.join(file))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).with_context(|| format!("no {name} in {file}"))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {text} to {}", file.display()))
}
