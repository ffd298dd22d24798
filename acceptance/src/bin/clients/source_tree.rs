//! The files of a package in the source tree, which its scripts must leave alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The paths of a package's files and folders.
pub(crate) struct SourceTree<'a> {
    folder: &'a Path,
    paths: BTreeSet<PathBuf>,
}

impl<'a> SourceTree<'a> {
    /// What there is in the folder now.
    pub(crate) fn of(folder: &'a Path) -> Result<Self> {
        let mut paths = BTreeSet::from([folder.to_owned()]);
        add(folder, &mut paths)?;
        Ok(Self { folder, paths })
    }

    /// A line for each file or folder that was not there before.
    pub(crate) fn added(&self) -> Result<Vec<String>> {
        let now = Self::of(self.folder)?;
        // Of a new folder its name is enough: what is in it has no parent that was there.
        let is_in_known =
            |path: &&PathBuf| path.parent().is_some_and(|folder| self.paths.contains(folder));
        let line = |path: &PathBuf| format!("{} was made in the source tree", path.display());
        Ok(now.paths.difference(&self.paths).filter(is_in_known).map(line).collect())
    }
}

/// Adds all that is below the folder.
fn add(folder: &Path, paths: &mut BTreeSet<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder);
    let entries = entries.with_context(|| format!("{} could not be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            add(&entry.path(), paths)?;
        }
        paths.insert(entry.path());
    }
    Ok(())
}
