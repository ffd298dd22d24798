//! A folder of secrets as a service sees it, and the two ways in which its files are replaced.
//!
//! Owns the files. Knows nothing of what is in them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

/// Between two writes, so that a reader can come between them.
const TORN: Duration = Duration::from_millis(30);
/// The link that Kubernetes swaps.
const DATA: &str = "..data";

/// How files are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swap {
    /// One after the other, each in two halves: the worst that a program can do.
    Files,
    /// All at once by a symbolic link, as the kubelet replaces those of a Secret.
    Symlink,
}

/// A folder of files that are replaced together.
#[derive(Debug)]
pub struct Mount {
    folder: PathBuf,
    swap: Swap,
    generation: u32,
}

impl Mount {
    /// Makes the folder, which is empty.
    pub fn new(folder: PathBuf, swap: Swap) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, swap, generation: 0 })
    }

    /// Replaces the files. Each is a name and its contents, and all are given each time.
    pub fn put(&mut self, files: &[(&str, &str)]) -> Result<()> {
        self.generation += 1;
        match self.swap {
            Swap::Files => {
                files.iter().try_for_each(|(name, text)| torn(&self.folder.join(name), text))
            }
            Swap::Symlink => self.put_linked(files),
        }
    }

    fn put_linked(&self, files: &[(&str, &str)]) -> Result<()> {
        let data = self.folder.join(DATA);
        let former = fs::read_link(&data).ok();
        let version = format!("..version-{}", self.generation);
        fs::create_dir(self.folder.join(&version))?;
        for (name, text) in files {
            fs::write(self.folder.join(&version).join(name), text)?;
        }
        let next = self.folder.join("..data_tmp");
        symlink(&version, &next)?;
        fs::rename(&next, &data)?;
        for (name, _) in files {
            link(&self.folder.join(name), &Path::new(DATA).join(name))?;
        }
        former.map_or(Ok(()), |former| Ok(fs::remove_dir_all(self.folder.join(former))?))
    }
}

fn link(place: &Path, target: &Path) -> Result<()> {
    if fs::symlink_metadata(place).is_ok() {
        return Ok(());
    }
    Ok(symlink(target, place)?)
}

fn torn(file: &Path, text: &str) -> Result<()> {
    let half = text.get(..text.len() / 2).unwrap_or_default();
    // Its beginning alone stands there for a moment, and then it does not fit the other files.
    fs::write(file, half)?;
    std::thread::park_timeout(TORN);
    fs::write(file, text)?;
    std::thread::park_timeout(TORN);
    Ok(())
}
