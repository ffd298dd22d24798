//! The two versions of control groups, and how each spells a memory limit.
//!
//! Owns the names of files and the forms of their content. It must not know which groups there
//! are.

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
    /// The one of the memory controller; `mount` is where control groups are.
    pub(super) fn mounted(mount: &Path) -> Result<Self> {
        let v1 = mount.join("memory");
        if v1.join(V1_LIMIT).exists() {
            return Ok(Self::V1(v1));
        }
        let controllers = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
        if !controllers.split_whitespace().any(|name| name == "memory") {
            bail!("no memory controller of control groups is mounted at {}", mount.display());
        }
        // Groups below have the files of a controller only where this names it.
        write(&mount.join("cgroup.subtree_control"), "+memory")?;
        Ok(Self::V2(mount.to_owned()))
    }

    pub(super) fn root(&self) -> &Path {
        let (Self::V1(root) | Self::V2(root)) = self;
        root
    }

    /// Not by the limit that version 1 has for memory and swap together: where the two are the
    /// same, that one is hit first, and no hit of it is counted (Linux 6.18).
    pub(super) fn forbid_swap(&self, group: &Path) -> Result<()> {
        let file = match self {
            Self::V1(_) => group.join("memory.swappiness"),
            Self::V2(_) => group.join("memory.swap.max"),
        };
        // Not there where the kernel knows no swap.
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

/// The number of a line such as `oom_kill 1`.
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
