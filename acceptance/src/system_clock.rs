//! A system clock for one process, which can be set while the process runs.
//!
//! Owns a small library that is preloaded into the process, and the file by which it is set. The
//! clock of this machine is left alone. Knows nothing of the process.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::require;

const SOURCE: &str = include_str!("system_clock/preload.c");

/// A system clock that begins as the machine's.
#[derive(Debug)]
pub struct SystemClock {
    library: PathBuf,
    offset: PathBuf,
    _folder: TempDir,
}

impl SystemClock {
    /// Makes a clock. The error says what this machine lacks.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let library = compile(folder.path())?;
        let offset = folder.path().join("offset");
        fs::write(&offset, 0_i64.to_ne_bytes())?;
        Ok(Self { library, offset, _folder: folder })
    }

    /// Makes a clock for `test`. Returns None if this machine cannot make one, and has then printed
    /// that the test is skipped: the caller returns.
    ///
    /// # Panics
    /// Instead of skipping, if `MILLPOND_REQUIRE_ALL` is 1.
    pub fn required_by(test: &str) -> Option<Self> {
        let skip = |why: &anyhow::Error| {
            let cure = "install gcc and the headers of the C library";
            require::skip(test, "a C compiler", &format!("{why:#}"), cure);
        };
        Self::new().inspect_err(skip).ok()
    }

    /// A command, as a list of words, that runs `program` with this clock. The caller adds the
    /// arguments.
    pub fn command_line(&self, program: impl AsRef<OsStr>) -> Vec<OsString> {
        let variable = |name: &str, path: &Path| {
            let mut variable = OsString::from(name);
            variable.push(path);
            variable
        };
        vec![
            "env".into(),
            variable("LD_PRELOAD=", &self.library),
            variable("SYSTEM_CLOCK_OFFSET=", &self.offset),
            program.as_ref().into(),
        ]
    }

    /// Sets the clock so many seconds ahead of the machine's, or behind if the number is negative.
    pub fn set_ahead(&self, seconds: i64) -> Result<()> {
        let file = File::options().write(true).open(&self.offset)?;
        Ok(file.write_all_at(&seconds.to_ne_bytes(), 0)?)
    }
}

fn compile(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("preload.c"), folder.join("preload.so"));
    fs::write(&source, SOURCE)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    let output = compiler.output().context("cc could not be run")?;
    let fault = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cc could not compile the library: {}", fault.trim());
    Ok(library)
}
